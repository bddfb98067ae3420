"""Each kind of difference and its repair, on the real mocks; approvals, doubt, and repairs that die half way."""

import msgspec
import pytest

from o2c_twin.integration.governance.errors import ApprovalError, NotAllowed
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import NoAnswer
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.plan import Change
from o2c_twin.integration.reconcile.reconciler import Person, Reconciler, Rules, StalePlan
from o2c_twin.integration.runtime.errors import CallFailed

MINUTE = 60_000_000
HOUR = 60 * MINUTE
ANNA, OTTO = Person("anna", "finance"), Person("otto", "operations")


@pytest.fixture
def trading(company):
    """A company with one order, noted at sales; all is quiet."""

    def make(**settings):
        here = company(**settings)
        here.deal = here.win(here.account(1))
        here.pass_time(HOUR)
        assert here.disagreements() == {} and here.look().repairs == ()
        return here

    return make


def only(plan):
    (repair,) = plan.repairs
    return repair


def crm(here):
    return here.estate.crm


def opportunity(here):
    return crm(here).state.opportunities[here.deal]


def customer(here):
    (found,) = here.estate.erp.state.customers.values()
    return found


# --- what was changed behind the engine's back -----------------------------------------------------


def test_a_wiped_note_is_written_again_once(trading):
    here = trading()
    name = here.estate.crm_fields.erp_order_number
    number = opportunity(here).custom[name]
    crm(here).update("opportunity", here.deal, {}, {name: None})
    here.pass_time(HOUR)
    plan, applied = here.sweep()
    repair = only(plan)
    assert (repair.action, repair.system, repair.kind, repair.group) == ("write", "crm", "deal", "number")
    assert repair.changes == (Change("order_number", None, number),)
    assert applied.begun == (repair.id,)
    here.pass_time(HOUR)
    assert here.disagreements() == {} and here.look().repairs == ()
    assert here.journal.effect(f"repair:{repair.id}").state == "done"


def test_the_same_note_wiped_again_is_another_fact(trading):
    here = trading()
    name = here.estate.crm_fields.credit
    ids = []
    for _ in range(2):
        crm(here).update("opportunity", here.deal, {}, {name: None})
        here.pass_time(HOUR)
        ids.append(only(here.sweep()[0]).id)
        here.pass_time(HOUR)
        assert here.disagreements() == {}
    assert ids[0] != ids[1]


def test_a_note_set_right_meanwhile_is_not_written(trading):
    here = trading()
    name = here.estate.crm_fields.credit
    crm(here).update("opportunity", here.deal, {}, {name: "no idea"})
    here.pass_time(HOUR)
    plan = here.look()
    crm(here).update("opportunity", here.deal, {}, {name: "passed"})
    here.env.aio.run_until_complete(here.reconciler.apply(plan))
    here.pass_time(HOUR)
    assert here.journal.effect(f"repair:{only(plan).id}") is None
    assert here.disagreements() == {}


def test_a_customer_renamed_in_the_erp_is_set_right_and_its_limit_left_to_finance(trading):
    here = trading()
    here.estate.erp.update_customer(customer(here).id, name="Typo", credit_limit_minor=77_00, terms_days=14)
    here.pass_time(HOUR)
    repair = only(here.sweep()[0])
    assert repair.changes == (Change("name", "Typo", "Customer 1"),) and repair.system == "erp"
    here.pass_time(HOUR)
    found = customer(here)
    assert (found.name, found.credit_limit_minor, found.terms_days) == ("Customer 1", 77_00, 14)
    assert here.look().repairs == ()


@pytest.mark.parametrize("master", ["erp", "last-change"])
def test_what_the_erp_may_decide_is_no_difference_and_is_not_written_with_a_name_set_right(trading, master):
    here = trading(design={"master_credit": master})
    here.estate.erp.update_customer(customer(here).id, name="Typo", credit_limit_minor=77_00, terms_days=14)
    here.pass_time(HOUR)
    (account,), fields = crm(here).state.accounts.values(), here.estate.crm_fields
    assert (account.custom[fields.terms_days], account.custom[fields.credit_limit]) == (14, 77)
    repair = only(here.sweep()[0])
    assert repair.changes == (Change("name", "Typo", "Customer 1"),) and repair.system == "erp"
    here.pass_time(HOUR)
    effect = here.journal.effect(f"repair:{repair.id}")
    given = {name: value for name, value in msgspec.json.decode(effect.arguments)[1].items() if value is not None}
    assert (effect.write, given) == ("change_customer", {"crm_id": account.id, "currency": "EUR", "name": "Customer 1"})
    assert (customer(here).name, customer(here).terms_days) == ("Customer 1", 14)
    assert here.look().repairs == ()


def test_an_account_that_lost_its_customer_is_given_it_again(trading):
    here = trading()
    (account,) = here.accounts
    here.hush(account)
    crm(here).update("account", account, {}, {"ERP_Id__c": None})
    here.pass_time(HOUR)
    assert only(here.sweep()[0]).group == "link"
    here.pass_time(HOUR)
    assert here.disagreements() == {}


def test_what_comes_back_after_each_repair_is_a_case(trading):
    here = trading(rules=Rules(most_repairs=2))
    name = here.estate.crm_fields.credit
    actions = []
    for _ in range(4):
        crm(here).update("opportunity", here.deal, {}, {name: "as somebody's script says"})
        here.pass_time(HOUR)
        actions.append([repair.action for repair in here.sweep()[0].repairs])
        here.pass_time(HOUR)
    assert actions == [["write"], ["write"], ["case"], []]
    (case,) = here.journal.cases("open")
    assert "came back after 2 repairs" in case.reason


# --- what nobody told of ---------------------------------------------------------------------------


def test_a_changed_account_nobody_told_of_reaches_the_erp_with_its_money_effect(trading):
    here = trading()
    (account,) = here.accounts
    here.hush(account)
    crm(here).update("account", account, {}, {here.estate.crm_fields.credit_limit: 1_000_400})
    here.pass_time(HOUR)
    repair = only(here.sweep()[0])
    assert (repair.action, repair.group, repair.amount_minor) == ("tell", "master", 400_00)
    here.pass_time(HOUR)
    assert customer(here).credit_limit_minor == 1_000_400_00


def test_a_deal_and_a_delivery_nobody_told_of_are_worked_as_if_told(trading):
    here = trading()
    here.lost = 1.0
    second = here.win(here.accounts[0], 3)
    here.estate.erp.deliver(here.order_of(here.deal).id)
    here.pass_time(HOUR)
    here.lost = 0.0
    plan, _ = here.sweep()
    assert [(r.action, r.kind, r.key, r.amount_minor) for r in plan.repairs if r.kind != "deal" or r.key == second] == [
        ("tell", "deal", second, 7_500),
        ("tell", "shipment", next(iter(here.estate.erp.state.deliveries)), 10_000),
    ]
    here.pass_time(HOUR)
    assert here.disagreements() == {} and here.look().repairs == ()
    assert len(here.estate.erp.state.orders) == 2 and len(here.estate.erp.state.invoices) == 1


# --- what is gone ----------------------------------------------------------------------------------


def test_a_deleted_order_is_a_case_once_and_is_never_made_again(trading):
    here = trading()
    here.estate.erp.delete_order(here.order_of(here.deal).id)
    here.pass_time(HOUR)
    plan, applied = here.sweep()
    assert (only(plan).action, only(plan).amount_minor) == ("case", 10_000)
    (case,) = here.journal.cases("open")
    assert (case.kind, case.object_id) == ("divergence", only(plan).key) and applied.cases == (only(plan).id,)
    here.engine.close_case(case.case_id, "otto", "the customer withdrew")
    here.pass_time(HOUR)
    assert here.sweep()[0].repairs == () and len(here.journal.cases()) == 1
    assert here.estate.erp.state.orders == {}


def test_a_plan_may_make_a_deleted_order_anew_and_only_with_approval(trading):
    here = trading(rules=Rules(recreate=frozenset({"order"})))
    here.estate.erp.delete_order(here.order_of(here.deal).id)
    here.pass_time(HOUR)
    plan, applied = here.sweep()
    assert only(plan).action == "recreate" and applied.held == (only(plan).id,)
    here.pass_time(HOUR)
    assert here.estate.erp.state.orders == {}
    here.sweep(approver=ANNA, asker=OTTO)
    here.pass_time(HOUR)
    assert here.order_of(here.deal).external_id == f"repair:{only(plan).id}"
    assert here.disagreements() == {} and here.look().repairs == ()
    here.estate.erp.deliver(here.order_of(here.deal).id)
    here.pass_time(HOUR)
    assert here.disagreements() == {}


def test_a_deleted_deal_and_a_deleted_account_are_cases(trading):
    here = trading()
    crm(here).delete("opportunity", here.deal)
    crm(here).delete("account", here.accounts[0])
    here.pass_time(HOUR)
    plan, _ = here.sweep()
    assert [(r.action, r.system, r.kind, r.group) for r in plan.repairs] == [
        ("case", "crm", "account", "there"),
        ("case", "crm", "deal", "there"),
    ]
    assert [case.flow for case in here.journal.cases("open")] == ["customer", "order"]
    assert here.look().repairs == ()


def test_a_deleted_customer_is_a_case(trading):
    here = trading()
    order = here.order_of(here.deal)
    here.estate.erp.delete_order(order.id)
    here.estate.erp.delete_customer(order.customer_id)
    here.pass_time(HOUR)
    plan, _ = here.sweep()
    assert [(r.kind, r.key) for r in plan.repairs] == [("customer", order.customer_id), ("order", order.id)]


# --- what is left alone ----------------------------------------------------------------------------


def test_what_is_young_waits_for_the_next_look(trading):
    here = trading()
    crm(here).update("opportunity", here.deal, {}, {here.estate.crm_fields.credit: None})
    plan = here.look()
    assert (plan.repairs, plan.young) == ((), 1)
    here.pass_time(20 * MINUTE)
    assert len(here.look().repairs) == 1


def test_what_lasts_over_two_looks_is_repaired_though_the_record_goes_on_changing(trading):
    here = trading()
    fields = here.estate.crm_fields
    crm(here).update("opportunity", here.deal, {}, {fields.credit: None})
    seen = []
    for n in range(3):
        crm(here).update("opportunity", here.deal, {"name": f"Deal {n}"})
        seen.append(len(here.look().repairs))
        here.pass_time(10 * MINUTE)
    assert seen == [0, 0, 1]


@pytest.mark.parametrize("lane", ["order", "party"])
def test_a_lane_with_open_work_is_not_touched(trading, lane):
    here = trading()
    crm(here).update("opportunity", here.deal, {}, {here.estate.crm_fields.credit: None})
    here.pass_time(HOUR)
    name = f"order:{here.order_of(here.deal).id}" if lane == "order" else f"party:{here.accounts[0]}"
    before = here.look()
    here.engine.pause("order-status")
    here.engine.receive(Inbound("test:1", "order-status", "1", name, here.clock.now()))
    plan = here.look()
    assert (plan.repairs, plan.in_flight) == ((), 1)
    # A plan of before knows nothing of it: it is left then, too.
    applied = here.env.aio.run_until_complete(here.reconciler.apply(before))
    assert applied.left == (only(before).id,) and applied.begun == ()


def test_what_people_ordered_by_hand_is_theirs(trading):
    here = trading()
    fields = here.estate.crm_fields
    here.lost = 1.0
    deal = here.win(here.accounts[0])
    order = here.estate.erp.enter_order(customer(here).id, [(here.item.id, 4, 2_500)], po_number="PO-2")
    crm(here).update("opportunity", deal, {}, {fields.erp_order_id: order.id, fields.erp_order_number: "by phone"})
    here.pass_time(HOUR)
    assert here.look().repairs == ()


def test_within_a_horizon_what_changed_is_held_against_what_did_not(trading):
    here = trading(rules=Rules(horizon_s=24 * 3_600.0))
    order = here.order_of(here.deal)
    here.pass_time(40 * 24 * HOUR)
    assert here.look().places == 0
    here.hush(order.id)
    here.estate.erp.cancel_order(order.id)
    here.pass_time(HOUR)
    repair = only(here.sweep()[0])
    assert repair.changes == (Change("fulfilment", "open", "cancelled"),)
    here.pass_time(HOUR)
    assert here.look().repairs == ()
    # Out of sight is not gone; what is gone is told by the log of deletions.
    here.pass_time(40 * 24 * HOUR)
    here.estate.erp.delete_order(order.id)
    here.pass_time(HOUR)
    assert [(r.action, r.kind) for r in here.look().repairs] == [("case", "order")]


# --- approval, doubt, drift ------------------------------------------------------------------------


def test_much_money_waits_for_a_second_person(trading):
    here = trading()
    here.lost = 1.0
    here.win(here.accounts[0], 2_000)
    here.pass_time(HOUR)
    here.lost = 0.0
    here.env.aio.run_until_complete(here.reconciler.round())
    (case,) = here.journal.cases("open")
    assert "waits for approval" in case.reason
    plan = here.look()
    assert (only(plan).amount_minor, plan.amount_minor) == (5_000_000, 5_000_000)
    for asker, approver, refusal in (
        (OTTO, OTTO, ApprovalError),
        (OTTO, Person("carl", "credit"), ApprovalError),
        (OTTO, Person("ada", "auditor"), NotAllowed),
        (ANNA, OTTO, NotAllowed),
    ):
        with pytest.raises(refusal):
            here.sweep(asker=asker, approver=approver)
    here.pass_time(HOUR)
    assert len(here.estate.erp.state.orders) == 1
    here.sweep(asker=OTTO, approver=ANNA)
    here.pass_time(HOUR)
    assert len(here.estate.erp.state.orders) == 2


def test_an_old_plan_is_not_applied(trading):
    here = trading()
    plan = here.look()
    here.pass_time(2 * HOUR)
    with pytest.raises(StalePlan, match="look again"):
        here.env.aio.run_until_complete(here.reconciler.apply(plan))


def test_when_all_seems_gone_nothing_is_believed(company):
    here = company()
    account = here.account(1)
    for _ in range(12):
        here.win(account)
    here.pass_time(HOUR)
    for deal in here.deals:
        here.estate.erp.delete_order(here.order_of(deal).id)
    here.pass_time(HOUR)
    plan = here.env.aio.run_until_complete(here.reconciler.round())
    assert plan.doubt.startswith("12 records of the erp are gone")
    assert [case.reason for case in here.journal.cases()] == [plan.doubt]


def test_a_system_that_cannot_be_read_is_a_case_and_no_reason_to_repair(trading, monkeypatch):
    here = trading()
    crm(here).update("opportunity", here.deal, {}, {here.estate.crm_fields.credit: None})
    here.pass_time(HOUR)

    async def refuse(kind, since, until):
        raise CallFailed("erp", "list", "rejected", "Field 'tranid' for record 'transaction' was not found")

    monkeypatch.setattr(here.listings.erp, "listing", refuse)
    plan = here.env.aio.run_until_complete(here.reconciler.round())
    assert plan.repairs == () and "tranid" in plan.blind[0]
    assert {case.kind for case in here.journal.cases()} == {"drift"}


@pytest.mark.parametrize(("mode", "blind", "drifts"), [("evolve", 0, 1), ("freeze", 1, 1), ("discard", 0, 1)])
def test_a_drifted_field_is_told_and_in_freeze_stops_the_sweep(trading, mode, blind, drifts, monkeypatch):
    here = trading()
    crm_shapes = dict(here.listings.crm.shapes)
    fields = {**crm_shapes["deal"].fields, "StageDate__c": Field("instant")}
    crm_shapes["deal"] = Shape("Opportunity", fields)
    monkeypatch.setattr(here.listings.crm, "shapes", crm_shapes)
    here.reconciler = Reconciler(here.engine, here.listings, Rules(contract=mode))
    plan = here.look()
    assert (len(plan.blind), len(plan.drifts)) == (blind, drifts)
    assert plan.drifts[0].startswith("Opportunity.StageDate__c: expected instant, found nothing")


@pytest.mark.parametrize(("mode", "repairs"), [("evolve", 1), ("freeze", 0)])
def test_one_strange_record_is_a_case_and_hides_no_other(trading, mode, repairs):
    here = trading(rules=Rules(contract=mode))
    second = here.win(here.account(2))
    here.pass_time(HOUR)
    fields = here.estate.crm_fields
    here.hush(here.accounts[0])
    crm(here).update("account", here.accounts[0], {"name": "Acme"}, {fields.terms_days: 14.5})
    crm(here).update("opportunity", second, {}, {fields.credit: None})
    here.pass_time(HOUR)
    plan = here.env.aio.run_until_complete(here.reconciler.round())
    assert [r.key for r in plan.repairs] == [second][:repairs]
    (case,) = here.journal.cases("open")
    assert case.kind == "drift" and "14.5" in case.reason


def test_an_unread_order_is_not_gone(trading, monkeypatch):
    here = trading()
    monkeypatch.setattr(here.listings.erp, "_minor", lambda amount: int("many"))
    plan = here.look()
    assert plan.repairs == () and plan.young == 0
    assert any("erp order" in text for text in plan.unread)


def test_an_engine_without_the_repair_flow_is_refused(trading):
    here = trading()
    here.engine._flows = {}
    with pytest.raises(ValueError, match="repair_flows"):
        Reconciler(here.engine, here.listings)


def test_a_naive_engine_has_nothing_to_compare_with(trading):
    here = trading()
    here.engine.careful = False
    with pytest.raises(ValueError, match="effectively-once"):
        Reconciler(here.engine, here.listings)


# --- effectively once ------------------------------------------------------------------------------


@pytest.mark.parametrize("applied_first", [True, False])
def test_a_repair_whose_answer_is_lost_is_done_once(trading, applied_first):
    here = trading()
    name = here.estate.crm_fields.credit
    crm(here).update("opportunity", here.deal, {}, {name: None})
    here.pass_time(HOUR)
    send, lost = here.wire.send, []

    async def losing(request):
        if request.method == "PATCH" and not lost:
            lost.append(request)
            if applied_first:
                await send(request)
            raise NoAnswer("lost on the way")
        return await send(request)

    here.wire.send = losing
    plan, _ = here.sweep()
    here.pass_time(HOUR)
    assert len(lost) == 1 and here.disagreements() == {}
    effect = here.journal.effect(f"repair:{only(plan).id}")
    assert (effect.state, effect.attempts) == ("done", 2)


def test_a_repair_is_on_record_before_it_begins_and_survives_the_process(trading):
    here = trading()
    crm(here).update("opportunity", here.deal, {}, {here.estate.crm_fields.credit: None})
    here.pass_time(HOUR)
    here.engine.pause("repair")
    plan, _ = here.sweep()
    here.pass_time(HOUR)
    # The next process finds the event in the inbox, and with it what is to be done.
    (event,) = here.journal.pending()
    assert event.object_id == only(plan).id
    kept = msgspec.json.decode(here.journal.outcome(f"{event.event_id}:plan"), type=type(only(plan)))
    assert kept == only(plan)
    # While it waits, its own lane is no work in flight, and the same repair is not begun twice.
    here.sweep()
    assert len(here.journal.pending()) == 1
    here.engine.resume("repair")
    here.pass_time(HOUR)
    assert here.disagreements() == {} and here.journal.pending() == []


def test_sweeps_go_by_their_rhythm_until_the_engine_stops(trading):
    here = trading()
    before = here.reconciler.looks
    task = here.env.spawn(here.reconciler.run(), "reconcile")
    here.pass_time(3 * 24 * HOUR + MINUTE)
    assert here.reconciler.looks == before + 3
    here.engine.stop()
    here.pass_time(48 * HOUR)
    assert here.reconciler.looks == before + 3 and task.done()
