"""What a choice of the design profile changes in the engine: each axis, on a bench of three systems."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from o2c_twin.integration.flows.billing_runs import run_after
from o2c_twin.integration.flows.same_customer import ANOTHER, suggestion_of
from o2c_twin.integration.model import Inbound, InvoiceStatus, OpenItem, Shipment
from o2c_twin.integration.runtime.engine import Rhythm
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.twin.time import epoch

SECOND = 1_000_000
HOUR = 3_600
DAY = 24 * HOUR


class Taken:
    """A flow that writes down what came, and when."""

    def __init__(self):
        self.ids = []

    async def __call__(self, engine, event):
        self.ids.append(event.object_id)


@pytest.fixture
def taken():
    return Taken()


def _listening(bench, taken, **choices):
    engine = bench.engine(dict.fromkeys(("order", "delivery", "cash"), taken), Rhythm(poll_s=300), **choices)
    engine.start()
    return engine


def _shipped(bench, name):
    event = Inbound(f"erp:delivery:{name}", "delivery", name, "order:1", bench.clock.now() // SECOND * SECOND)
    bench.erp.changed.append(event)
    return event


def _push(engine, event):
    return engine.pushed("erp", json.dumps([msgspec.to_builtins(event)]).encode(), {})


def _rounds(bench, system):
    return sum(call in ("changes", "statements") for call in getattr(bench, system).calls)


# --- trigger, sweep ------------------------------------------------------------------------------


def test_each_system_may_be_heard_in_its_own_way(bench, taken):
    engine = _listening(bench, taken, trigger="poll", trigger_crm="nightly", trigger_erp="webhook")
    _push(engine, _shipped(bench, "S1"))
    bench.pass_time(3 * HOUR)
    assert taken.ids == ["S1"]
    assert (_rounds(bench, "crm"), _rounds(bench, "erp")) == (1, 0)
    assert _rounds(bench, "bank") >= 30


def test_who_polls_does_not_listen(bench, taken):
    _push(_listening(bench, taken, trigger_erp="poll"), _shipped(bench, "S1"))
    bench.pass_time(200)
    assert taken.ids == []
    bench.pass_time(200)
    assert taken.ids == ["S1"]


def test_hybrid_hears_the_push_at_once_and_finds_the_lost_one_with_the_next_poll(bench, taken):
    engine = _listening(bench, taken, trigger="hybrid")
    _push(engine, _shipped(bench, "S1"))
    bench.pass_time(10)
    assert taken.ids == ["S1"]
    _shipped(bench, "S2")
    bench.pass_time(400)
    assert taken.ids == ["S1", "S2"]


@pytest.mark.parametrize(
    ("sweep", "found_after"), [("off", None), ("daily", DAY), ("six-hourly", 6 * HOUR), ("hourly", HOUR)]
)
def test_a_lost_push_is_found_by_the_next_sweep(bench, taken, sweep, found_after):
    _listening(bench, taken, sweep=sweep)
    _shipped(bench, "S1")
    if found_after is None:
        bench.pass_time(3 * DAY)
        assert taken.ids == []
    else:
        bench.pass_time(found_after - 5)
        assert taken.ids == []
        bench.pass_time(10)
        assert taken.ids == ["S1"]


# --- retry, breaker ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "delivery", "tries", "given_up_within_s"),
    [
        ("none", "effectively-once", 1, 10),
        ("fixed", "effectively-once", 6, 60),
        ("ladder", "effectively-once", 7, 18 * HOUR),
        ("by-delivery", "naive-retry", 3, 60),
        ("fixed", "naive-retry", 6, 60),
    ],
)
def test_how_often_a_call_is_tried_is_the_choice_of_retry(bench, retry, delivery, tries, given_up_within_s):
    engine = bench.engine(retry=retry, delivery=delivery)
    bench.erp.trouble["put_order"] = [bench.failed()] * 100
    engine.receive(bench.won())
    bench.pass_time(given_up_within_s)
    assert bench.erp.calls.count("put_order") == tries
    assert len(bench.seen.cases) + len(bench.seen.lost) == 1
    bench.pass_time(3 * DAY)
    assert bench.erp.calls.count("put_order") == tries


def test_full_waits_longer_than_a_ladder_has_rungs(bench):
    engine = bench.engine(retry="full", delivery="naive-retry")
    bench.erp.trouble["put_order"] = [bench.failed()] * 40
    engine.receive(bench.won())
    bench.pass_time(2 * DAY)
    assert bench.erp.calls.count("put_order") == 41
    assert len(bench.erp.orders) == 1


def test_a_ladder_gives_a_refusal_up_at_once_and_fixed_does_not(bench):
    for retry, tries in (("ladder", 1), ("fixed", 6)):
        bench.erp.trouble["put_order"] = [bench.failed("rejected")] * 6
        bench.erp.calls.clear()
        bench.engine(retry=retry).receive(bench.won(f"D-{retry}", account=f"A-{retry}"))
        bench.pass_time(60)
        assert bench.erp.calls.count("put_order") == tries


def test_without_a_breaker_an_outage_is_hammered(bench):
    asked = {}
    for breaker in ("on", "off"):
        engine = bench.engine(breaker=breaker)
        bench.erp.calls.clear()
        bench.erp.trouble["customer_by_number"] = [bench.failed()] * 10_000
        for n in range(40):
            engine.receive(bench.won(f"{breaker}{n}", account=f"A-{breaker}{n}", number=f"{breaker}{n}"))
        bench.pass_time(HOUR)
        asked[breaker] = len(bench.erp.calls)
        engine.stop()
        bench.kill()
    assert asked["off"] > 5 * asked["on"] > 0


# --- invoice trigger -----------------------------------------------------------------------------


def _instant(text):
    return epoch(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("rhythm", "issued", "run"),
    [
        ("daily", "2026-01-05T09:00", "2026-01-05T18:00"),
        ("daily", "2026-01-05T18:00", "2026-01-06T18:00"),
        ("weekly", "2026-01-05T09:00", "2026-01-09T18:00"),
        ("weekly", "2026-01-09T17:59", "2026-01-09T18:00"),
        ("weekly", "2026-01-09T18:00", "2026-01-16T18:00"),
        ("month-end", "2026-01-05T09:00", "2026-01-31T18:00"),
        ("month-end", "2026-01-31T19:00", "2026-02-28T18:00"),
        ("month-end", "2028-02-10T09:00", "2028-02-29T18:00"),
        ("month-end", "2026-12-31T20:00", "2027-01-31T18:00"),
    ],
)
def test_a_goods_issue_belongs_to_one_run(rhythm, issued, run):
    assert run_after(rhythm, _instant(issued)) == _instant(run)


def _goods_issue(bench, name="S1", order="1"):
    now = bench.clock.now()
    bench.erp.shipments[name] = Shipment(name, f"DN-{name}", order, now)
    return Inbound(f"erp:delivery:{name}", "delivery", name, f"order:{order}", now // SECOND * SECOND)


@pytest.mark.parametrize(
    ("when", "after_s"), [("goods-issue", 0), ("daily", 18 * HOUR), ("weekly", 4 * DAY + 18 * HOUR)]
)
def test_goods_are_billed_in_their_run(bench, when, after_s):
    engine = bench.engine(invoice_trigger=when)
    engine.receive(_goods_issue(bench))
    if after_s:
        bench.pass_time(after_s - 1)
        assert bench.erp.invoices == {}
    bench.pass_time(20)
    assert len(bench.erp.invoices) == 1


def test_nothing_else_of_the_order_waits_for_the_run_and_a_told_twice_delivery_is_billed_once(bench):
    engine = bench.engine(invoice_trigger="month-end")
    shipped = _goods_issue(bench)
    for _ in range(2):
        engine.receive(shipped)
        bench.pass_time(60)
    won = bench.won()
    engine.receive(msgspec.structs.replace(won, lane=shipped.lane))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 1
    bench.pass_time(40 * DAY)
    assert bench.erp.calls.count("bill") == 1


def test_a_run_survives_a_restart_and_keeps_its_instant(bench):
    bench.engine(invoice_trigger="daily").receive(_goods_issue(bench))
    bench.pass_time(HOUR)
    bench.kill()
    bench.engine(invoice_trigger="daily").start()
    bench.pass_time(17 * HOUR - 5)
    assert bench.erp.invoices == {}
    bench.pass_time(30)
    assert len(bench.erp.invoices) == 1


def test_where_clerks_bill_the_engine_does_not(bench):
    bench.engine(invoice_trigger="manual").receive(_goods_issue(bench))
    bench.pass_time(40 * DAY)
    assert bench.erp.calls == []


# --- credit visibility ---------------------------------------------------------------------------


def test_a_hold_reaches_sales_as_it_happens_or_in_the_night(bench):
    for number, (visibility, told) in enumerate((("event", "on hold"), ("nightly", "passed"))):
        engine = bench.engine(credit_visibility=visibility)
        deal = f"D{number}"
        engine.receive(bench.won(deal, account=f"A{number}"))
        bench.pass_time(10 * HOUR)
        order = bench.erp.by_key[f"order:{deal}"]
        assert bench.crm.notes[deal]["order_id"] == order
        engine.receive(bench.erp.moves_on(order, credit="on hold", fulfilment="part shipped"))
        bench.pass_time(60)
        assert (bench.crm.notes[deal].get("credit"), bench.crm.notes[deal]["fulfilment"]) == (told, "part shipped")
        bench.pass_time(DAY - 10 * HOUR - 60)
        bench.pass_time(3 * HOUR)
        assert bench.crm.notes[deal]["credit"] == "on hold"
        bench.pass_time(21 * HOUR)


def test_what_was_held_and_released_within_a_day_is_no_news_at_night(bench):
    engine = bench.engine(credit_visibility="nightly")
    engine.receive(bench.won())
    bench.pass_time(27 * HOUR)
    written = bench.crm.calls.count("note_deal")
    for credit in ("on hold", "passed"):
        engine.receive(bench.erp.moves_on(bench.erp.by_key["order:D1"], credit=credit))
        bench.pass_time(HOUR)
    bench.pass_time(2 * DAY)
    assert bench.crm.calls.count("note_deal") == written


def _owes(bench, erp_id, amount):
    bench.erp.items.append(OpenItem("9", "INV9", erp_id, amount, "2026-02-01"))


def test_an_order_without_credit_is_not_entered_until_there_is_some(bench):
    engine = bench.engine(credit_visibility="order-entry")
    engine.receive(bench.won("D1", credit_limit_minor=5_000))
    bench.pass_time(60)
    customer = bench.erp.by_key["customer:A1"]
    _owes(bench, customer, 3_000)
    engine.receive(bench.won("D2", credit_limit_minor=5_000))
    bench.pass_time(60)
    assert (len(bench.erp.orders), bench.crm.notes["D2"]) == (1, {"credit": "waits for credit"})
    bench.erp.items.clear()
    bench.pass_time(HOUR)
    assert len(bench.erp.orders) == 2
    assert bench.crm.notes["D2"]["credit"] == "passed"


def test_what_is_on_order_takes_up_credit_until_it_is_billed_and_a_deal_waits_five_days_at_most(bench):
    engine = bench.engine(credit_visibility="order-entry")
    engine.receive(bench.won("D1", credit_limit_minor=3_000))
    engine.receive(bench.won("D2", credit_limit_minor=3_000))
    bench.pass_time(DAY)
    assert len(bench.erp.orders) == 1
    # D1 is billed over 2,000 and nothing is open: there is room for one more, and D3 is the first to ask.
    bench.erp.invoices["7"] = InvoiceStatus("7", "INV7", bench.erp.by_key["order:D1"], 2_000, 0, bench.clock.now())
    engine.receive(Inbound("erp:invoice:7", "invoice", "7", "order:1", bench.clock.now()))
    engine.receive(bench.won("D3", credit_limit_minor=3_000))
    bench.pass_time(2 * HOUR)
    assert len(bench.erp.orders) == 2
    bench.pass_time(6 * DAY)
    assert [(flow, deal) for flow, deal, _ in bench.seen.cases] == [("order", "D2")]
    assert "no credit for five days: owes 2000, limit 3000" in bench.reasons()[0]


# --- matching ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matching", "second", "customers"),
    [
        ("off", {"name": "Brandt Pumps GmbH", "number": "K1"}, 2),
        ("name", {"name": "BRANDT  pumps gmbh", "number": "K2"}, 1),
        ("name", {"name": "Brandt Pumps", "number": "K1"}, 2),
        ("exact-key", {"name": "Another Name", "number": "K1"}, 1),
        ("exact-key", {"name": "Brandt Pumps GmbH", "number": "K2"}, 2),
        ("normalised", {"name": "BRANDT PUMPS Ltd.", "number": "K2"}, 1),
        ("normalised", {"name": "Brandt Valves GmbH", "number": "K1"}, 2),
        ("probabilistic", {"name": "Brandt Pumps Limited", "number": "K1"}, 1),
        ("probabilistic", {"name": "Okafor Tea Traders", "number": "K2"}, 2),
    ],
)
def test_which_accounts_are_one_customer_is_the_choice_of_matching(bench, matching, second, customers):
    engine = bench.engine(matching=matching)
    engine.receive(bench.won("D1", "A1", name="Brandt Pumps GmbH", number="K1"))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", **second))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 2
    assert len({order.customer_erp_id for order in bench.erp.orders.values()}) == len(bench.erp.customers) == customers


@pytest.mark.parametrize(("same", "customers"), [(True, 1), (False, 2)])
def test_in_doubt_the_order_waits_for_a_person_and_goes_on_with_the_answer(bench, same, customers):
    engine = bench.engine(matching="probabilistic")
    engine.receive(bench.won("D1", "A1", name="Brandt Pumps GmbH", email="office@brandt-pumps.example"))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", name="Brandt Pumps Polska", email="biuro@brandt-pumps.example"))
    bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    assert (case.flow, case.object_id, len(bench.erp.orders)) == ("customer", "A2", 1)
    account, erp_id = suggestion_of(engine, case.effect_key)
    assert account == "A1"
    # A restart forgets neither the question nor who waits for it.
    bench.kill()
    engine = bench.engine(matching="probabilistic")
    engine.start()
    engine.close_case(case.case_id, "sales", result=erp_id if same else ANOTHER)
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.erp.customers)) == (2, customers)
    assert len(bench.journal.cases()) == 1


@pytest.mark.parametrize("how", ["close_case", "replay_case"])
def test_a_question_settled_without_an_answer_is_not_asked_again(bench, how):
    engine = bench.engine(matching="probabilistic")
    for n, name in ((1, "Brandt Pumps GmbH"), (2, "Brandt Pumps Polska")):
        engine.receive(bench.won(f"D{n}", f"A{n}", name=name, email="office@brandt-pumps.example"))
        bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    getattr(engine, how)(case.case_id, "operations")
    bench.pass_time(60)
    engine.receive(bench.won("D3", "A2", name="Brandt Pumps Polska", email="office@brandt-pumps.example"))
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.erp.customers), len(bench.journal.cases())) == (3, 2, 1)


def test_the_journal_remembers_no_name(bench):
    for n, matching in enumerate(("name", "normalised", "probabilistic")):
        bench.engine(matching=matching).receive(bench.won(f"D{n}", f"A{n}", name=f"Zyxwvut {n}"))
        bench.pass_time(60)
    rows = bench.journal._db.execute("select * from xref").fetchall()
    assert rows
    assert not any("zyxwvut" in str(row).lower() for row in rows)


# --- cash ----------------------------------------------------------------------------------------

IBAN = "DE02100100100006820101"
RECEIPTS = {
    "named and equal": (10_000, "INV0010001"),
    "named, less a bank charge": (9_990, "INV0010001"),
    "a damaged reference": (10_000, "INV0010010"),
    "nothing named": (10_000, "thank you"),
}


@pytest.mark.parametrize(
    ("cash", "applied"),
    [("exact", 1), ("tolerance", 2), ("mangled", 3), ("full", 4)],
)
def test_each_rung_applies_what_the_one_below_does_and_one_thing_more(bench, cash, applied):
    bench.engine(cash=cash)
    done = []
    for n, (what, (amount, text)) in enumerate(RECEIPTS.items(), 1):
        bench.erp.items = [
            OpenItem("i1", "INV0010001", "C1", 10_000, "2026-01-01"),
            OpenItem("i2", "INV0020002", "C1", 7_700, "2026-01-02"),
            OpenItem("i3", "INV0030003", "C1", 500, "2026-01-02"),
        ]
        # Whose account it is was learned from a payment that named what it paid.
        for reference, entry in ((f"A{n}", (500, "INV0030003")), (f"B{n}", (amount, text))):
            credit = bench.credit(reference, *entry, iban=IBAN)
            bench.now_running.receive(bench.bank.closes(f"2026-01-{n:02d}-{reference}", credit))
            bench.pass_time(60)
        customer, posted, set_against = bench.erp.payments[-1]
        assert (customer, posted) == ("C1", amount)
        if set_against:
            assert list(set_against) == ["i1"]
            done.append(what)
    assert done == list(RECEIPTS)[:applied]
    assert len(bench.seen.cases) == len(RECEIPTS) - applied


# --- monitoring, controls ------------------------------------------------------------------------


def _refused(bench, **choices):
    engine = bench.engine(**choices)
    bench.erp.trouble["put_order"] = [bench.failed("rejected")]
    engine.receive(bench.won())
    bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    return engine, case


@pytest.mark.parametrize(("monitoring", "told"), [("off", 0), ("log", 1), ("alert", 1), ("escalate", 1)])
def test_a_case_is_on_record_whoever_is_told(bench, monitoring, told):
    _refused(bench, monitoring=monitoring)
    assert len(bench.seen.cases) == told


@pytest.mark.parametrize(("monitoring", "level"), [("alert", 0), ("escalate", 1)])
def test_only_where_it_escalates_an_overdue_case_goes_up(bench, monitoring, level):
    engine = bench.engine(monitoring=monitoring)
    engine.start()
    bench.erp.trouble["put_order"] = [bench.failed("rejected")]
    engine.receive(bench.won())
    bench.pass_time(60)
    assert bench.journal.cases()[0].level == 0
    bench.pass_time(DAY + 12 * HOUR)
    assert bench.journal.cases()[0].level == level


@pytest.mark.parametrize(
    ("controls", "by", "approved_by", "may"),
    [
        ("none", "anybody", None, True),
        ("roles", "sales", None, True),
        ("roles", "operations", None, True),
        ("roles", "finance", None, False),
        ("four-eyes", "sales", None, False),
        ("four-eyes", "sales", "sales", False),
        ("four-eyes", "sales", "finance", True),
    ],
)
def test_who_may_settle_a_case_is_the_choice_of_controls(bench, controls, by, approved_by, may):
    engine, case = _refused(bench, controls=controls)
    for settle in (engine.close_case, engine.replay_case):
        if may:
            settle(case.case_id, by, approved_by=approved_by)
            assert bench.journal.cases("open") == []
            return
        with pytest.raises(PermissionError, match=by):
            settle(case.case_id, by, approved_by=approved_by)
    assert len(bench.journal.cases("open")) == 1


# --- contract ------------------------------------------------------------------------------------


def _strange(bench):
    return CallFailed("crm", "deal", "rejected", "answer not understood: KeyError: 'lines'")


@pytest.mark.parametrize(
    ("contract", "kind", "others", "paused"),
    [("evolve", "refused", 1, ()), ("freeze", "drift", 0, ("order",)), ("discard", "drift", 1, ())],
)
def test_a_record_of_unknown_shape_is_a_case_and_may_stop_its_flow(bench, contract, kind, others, paused):
    engine = bench.engine(contract=contract)
    bench.crm.trouble["deal"] = [_strange(bench)]
    engine.receive(bench.won("D1", "A1"))
    bench.pass_time(5)
    engine.receive(bench.won("D2", "A2"))
    bench.pass_time(60)
    assert [(case.kind, case.object_id) for case in bench.journal.cases("open")] == [(kind, "D1")]
    assert (len(bench.erp.orders), engine.paused) == (others, paused)


def test_a_frozen_flow_goes_on_where_it_stopped_when_the_mapping_is_mended(bench):
    engine = bench.engine(contract="freeze")
    # Read again while it is still strange, it is asked about again.
    bench.crm.trouble["deal"] = [_strange(bench), _strange(bench)]
    engine.receive(bench.won("D1", "A1"))
    for _ in range(2):
        bench.pass_time(60)
        (case,) = bench.journal.cases("open")
        engine.close_case(case.case_id, "operations")
        engine.resume("order")
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.journal.cases())) == (1, 2)


def test_a_discarded_record_is_left_out_for_good(bench):
    engine = bench.engine(contract="discard")
    bench.crm.trouble["deal"] = [_strange(bench)]
    event = bench.won("D1", "A1")
    engine.receive(event)
    bench.pass_time(60)
    engine.close_case(bench.journal.cases("open")[0].case_id, "operations")
    engine.receive(event)
    bench.pass_time(DAY)
    assert bench.erp.orders == {}


def test_a_refusal_is_no_drift(bench):
    engine, case = _refused(bench, contract="freeze")
    assert (case.kind, engine.paused) == ("refused", ())


# --- survivorship --------------------------------------------------------------------------------


def _changed(bench, account, **changes):
    now = bench.clock.now() // SECOND * SECOND
    bench.crm.parties[account] = msgspec.structs.replace(bench.crm.parties[account], modified_at=now, **changes)
    return Inbound(f"crm:account:{account}:{now}", "customer", account, f"party:{account}", now)


@pytest.mark.parametrize(
    ("survivorship", "limit", "terms", "email"),
    [("last-change", 900, 60, "b@x.example"), ("golden", 500, 30, "b@x.example")],
)
def test_what_survives_of_two_accounts_is_the_choice_of_survivorship(bench, survivorship, limit, terms, email):
    engine = bench.engine(survivorship=survivorship)
    for n, choices in ((1, {"credit_limit_minor": 500}), (2, {"credit_limit_minor": 900, "terms_days": 60})):
        engine.receive(bench.won(f"D{n}", f"A{n}", number="K1", **choices))
        bench.pass_time(60)
    engine.receive(_changed(bench, "A2", email=email))
    bench.pass_time(60)
    ((_, customer),) = bench.erp.customers.items()
    assert (customer.credit_limit_minor, customer.terms_days, customer.email) == (limit, terms, email)


def test_a_golden_record_is_told_as_soon_as_a_second_account_joins_and_not_again_while_nothing_changes(bench):
    engine = bench.engine(survivorship="golden")
    engine.receive(bench.won("D1", "A1", number="K1", credit_limit_minor=900))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", number="K1", credit_limit_minor=500))
    bench.pass_time(60)
    assert [customer.credit_limit_minor for customer in bench.erp.customers.values()] == [500]
    told = bench.erp.calls.count("update_customer")
    engine.receive(_changed(bench, "A2"))
    bench.pass_time(60)
    assert bench.erp.calls.count("update_customer") == told == 1
