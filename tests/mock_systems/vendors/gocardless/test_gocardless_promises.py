"""The capability sheet under attack: every line is tried with lost replies, long waits, and resends."""

import pytest

from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import TransportFault
from o2c_twin.mock_systems.wire.route import Operation

YEARS = 3 * 365 * 86_400_000_000
BACS = {"account_number": "55779911", "branch_code": "200000", "country_code": "GB"}
GERMAN = "DE89370400440532013000"


def _promise(account, operation):
    return next(promise for promise in account.dialect.promises if promise.operation == operation)


def _lose(account, operation, *call, **more):
    """A call whose answer is lost after it was done."""
    account.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault) as lost:
        account.call(*call, **more)
    assert lost.value.applied


def test_every_write_has_a_line_and_every_line_is_a_write(direct):
    writes = [op.name for op in direct.dialect.routes if op.method != "GET"]
    assert sorted(promise.operation for promise in direct.dialect.promises) == sorted(writes)
    assert all(promise.source for promise in direct.dialect.promises)
    assert all(isinstance(op, Operation) and op.source for op in direct.dialect.routes)


def _bodies(account):
    """What each kind of record is made from, on a mandate with a paid-out and a confirmed payment."""
    customer = account.make("customers", company_name="Acme")["id"]
    held = account.make("customer_bank_accounts", account_holder_name="A", links={"customer": customer}, **BACS)["id"]
    mandate = account.mandate("11112222")
    payment, other = (account.payment(mandate)["id"] for _ in range(2))
    account.simulate("payment_paid_out", payment)
    account.simulate("payment_confirmed", other)
    return {
        "customers": {"company_name": "Beta"},
        "customer_bank_accounts": {"account_holder_name": "A", "links": {"customer": customer}, "iban": GERMAN},
        "mandates": {"links": {"customer_bank_account": held}},
        "payments": {"amount": 700, "currency": "GBP", "links": {"mandate": mandate}},
        "refunds": {"amount": 7, "total_amount_confirmation": 7, "links": {"payment": payment}},
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["customers", "customer_bank_accounts", "mandates", "payments", "refunds"])
def test_a_create_whose_answer_was_lost_is_done_once_however_late_it_is_sent_again(direct, kind):
    promise = _promise(direct, f"{kind}.create")
    assert (promise.guard, promise.retention_s) == ("key", None)
    body = {kind: _bodies(direct)[kind]}
    before = len(direct.get(f"/{kind}", limit="500")[kind])
    _lose(direct, f"{kind}.create", "POST", f"/{kind}", body, idempotency_key="K")
    for _ in range(2):
        again = direct.call("POST", f"/{kind}", body, idempotency_key="K")
        assert again.reason == (409, "invalid_state", "idempotent_creation_conflict")
        made = again.json["error"]["errors"][0]["links"]["conflicting_resource_id"]
        assert direct.one(kind, made)["id"] == made
        assert len(direct.get(f"/{kind}", limit="500")[kind]) == before + 1
        direct.clock.us += YEARS


def test_where_keys_are_forgotten_a_late_resend_makes_a_second_one(open_account):
    account = open_account(forget_keys_after_days=30)
    sent = {"customers": {"company_name": "Acme"}}
    account.call("POST", "/customers", sent, idempotency_key="K")
    account.days(29)
    assert account.call("POST", "/customers", sent, idempotency_key="K").status == 409
    account.days(1)
    assert account.call("POST", "/customers", sent, idempotency_key="K").status == 201
    assert account.call("POST", "/customers", sent, idempotency_key="K").status == 409


@pytest.mark.parametrize("kind", ["customers", "customer_bank_accounts", "mandates", "payments", "refunds", "payouts"])
def test_an_update_sent_twice_leaves_what_it_left_once(direct, kind):
    assert _promise(direct, f"{kind}.update").guard == "external-id"
    bodies = _bodies(direct)
    if kind == "payouts":
        id_ = direct.get("/payouts")["payouts"][0]["id"]
    else:
        id_ = direct.make(kind, **bodies[kind])["id"]
    change = {kind: {"metadata": {"seen": "yes"}}}
    _lose(direct, f"{kind}.update", "PUT", f"/{kind}/{id_}", change)
    once = direct.one(kind, id_)
    assert direct.call("PUT", f"/{kind}/{id_}", change).json[kind] == once
    assert once["metadata"] == {"seen": "yes"}


@pytest.mark.parametrize(
    ("kind", "action", "refusal"),
    [
        ("customer_bank_accounts", "disable", "disable_failed"),
        ("mandates", "cancel", "cancellation_failed"),
        ("mandates", "reinstate", "mandate_not_inactive"),
        ("payments", "cancel", "cancellation_failed"),
        ("payments", "retry", "retry_failed"),
    ],
)
def test_an_action_whose_answer_was_lost_shows_in_the_record_and_is_refused_again(direct, kind, action, refusal):
    assert _promise(direct, f"{kind}.{action}").guard == "query"
    mandate = direct.mandate()
    payment = direct.payment(mandate)["id"]
    id_ = {"customer_bank_accounts": direct.one("mandates", mandate)["links"]["customer_bank_account"],
           "mandates": mandate, "payments": payment}[kind]  # fmt: skip
    if action == "reinstate":
        direct.act("mandates", mandate, "cancel")
    if action == "retry":
        direct.simulate("payment_failed", payment)
    before = direct.one(kind, id_)
    # Keys do not count for actions: the second call is done or refused by the record's state alone.
    _lose(direct, f"{kind}.{action}", "POST", f"/{kind}/{id_}/actions/{action}", idempotency_key="K")
    after = direct.one(kind, id_)
    assert after != before
    again = direct.call("POST", f"/{kind}/{id_}/actions/{action}", idempotency_key="K")
    assert again.reason == (422, "invalid_state", refusal)
    assert direct.one(kind, id_) == after


def test_nothing_guards_a_webhook_sent_again(open_account):
    account = open_account(webhook_delay_s=0.0)
    account.dialect.subscribe("https://engine.example")
    account.mandate(active=False)
    account.seconds(1)
    id_ = account.get("/webhooks")["webhooks"][0]["id"]
    assert _promise(account, "webhooks.retry").guard == "none"
    before = len(account.endpoint.got)
    for _ in range(2):
        account.act("webhooks", id_, "retry")
    account.seconds(1)
    assert len(account.endpoint.got) == before + 2


def test_nothing_guards_a_simulation_run_again(direct):
    assert _promise(direct, "scenario_simulators.run").guard == "none"
    mandate = direct.mandate(active=False)
    for _ in range(2):
        direct.simulate("mandate_transferred", mandate)
    assert direct.actions(mandate=mandate).count("transferred") == 2


def test_a_new_record_shows_in_lists_at_once(direct):
    assert all(promise.index_lag_s == 0.0 for promise in direct.dialect.promises)
    payment = direct.payment()["id"]
    assert direct.get("/payments")["payments"][0]["id"] == payment
    assert direct.get("/events", payment=payment)["events"][0]["action"] == "created"
