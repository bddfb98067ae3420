"""Events, webhooks with their signature and retries, and the sandbox's scenario simulators."""

import hashlib
import hmac
import json
from itertools import pairwise

import pytest

from o2c_twin.mock_systems.wire.faults import DuplicatedWebhook, LostWebhook

URL = "https://engine.example/hooks/payments"


def test_an_event_tells_what_happened_to_which_record_and_why(account):
    mandate = account.mandate()
    payment = account.payment(mandate, metadata={"invoice_number": "INV1"})["id"]
    account.core.bank_refuses(payment, "bank_account_closed")
    account.days(5)
    listed = account.get("/events", payment=payment, limit="1")["events"][0]
    assert listed == account.one("events", listed["id"])
    assert listed["id"].startswith("EV")
    assert {k: listed[k] for k in ("created_at", "resource_type", "action", "links", "resource_metadata")} == {
        "created_at": "2026-03-06T12:00:00.000Z",
        "resource_type": "payments",
        "action": "failed",
        "links": {"payment": payment},
        "resource_metadata": {"invoice_number": "INV1"},
    }
    assert listed["details"] == {
        "origin": "bank",
        "cause": "bank_account_closed",
        "description": "The payer's bank refused the payment: bank account closed.",
        "scheme": "bacs",
        "reason_code": "ARUDD-B",
    }


def test_events_are_filtered_by_kind_action_and_time(direct):
    payment = direct.payment()["id"]
    direct.days(8)
    every = direct.get("/events")["events"]
    assert [e["created_at"] for e in every] == sorted((e["created_at"] for e in every), reverse=True)
    kinds = direct.get("/events", resource_type="payments")["events"]
    assert [e["action"] for e in kinds] == ["paid_out", "confirmed", "submitted", "created"]
    assert [e["links"]["payment"] for e in direct.get("/events", action="confirmed")["events"]] == [payment]
    since = direct.get("/events", **{"created_at[gte]": kinds[1]["created_at"]})["events"]
    assert [e["action"] for e in since] == ["paid", "paid_out", "confirmed"]
    walked, after = [], None
    while True:
        page = direct.get("/events", limit="3", **({"after": after} if after else {}))
        walked += page["events"]
        after = page["meta"]["cursors"]["after"]
        if after is None:
            break
    assert walked == every


def test_events_are_listed_for_eighteen_months(direct):
    direct.make("customers", company_name="no event of its own")
    mandate = direct.mandate()
    direct.clock.us += 540 * 86_400_000_000
    assert "created" in direct.actions(mandate=mandate)
    direct.clock.us += 15 * 86_400_000_000
    assert direct.actions(mandate=mandate) == ["expired"]


# --- webhooks ---------------------------------------------------------------------------------------


def test_events_go_out_together_signed_as_a_whole(open_account):
    account = open_account()
    outcome = account.dialect.subscribe(URL)
    payment = account.payment()["id"]
    assert account.endpoint.got == []
    account.seconds(5)
    ((at, url, headers, body),) = account.endpoint.got
    sent = json.loads(body)
    assert [e["action"] for e in sent["events"]] == ["created", "submitted", "active", "created"]
    assert sent["events"][-1] == account.get("/events", payment=payment)["events"][0]
    signature = hmac.new(b"gocardless-webhook-secret", body, hashlib.sha256).hexdigest()
    assert headers["webhook-signature"] == signature
    assert (url, headers["origin"]) == (URL, "https://api-sandbox.gocardless.com")
    shown = account.one("webhooks", sent["meta"]["webhook_id"])
    assert (shown["successful"], shown["response_code"], shown["response_body"]) == (True, 200, "thanks")
    assert shown["request_body"].encode() == body
    assert (outcome.delivered, outcome.retried) == (1, 0)
    assert at == account.clock.us


def test_a_webhook_that_is_not_taken_is_sent_again_up_to_eight_times(open_account):
    account = open_account()
    outcome = account.dialect.subscribe(URL)
    account.endpoint.statuses = [498, 500, 302, 0] + [503] * 40
    account.mandate(active=False)
    account.days(3)
    first = next(iter(account.dialect.pushes.webhooks.values()))
    attempts = [at for at, _, _, body in account.endpoint.got if body == first.body]
    gaps = [(later - earlier) // 1_000_000 for earlier, later in pairwise(attempts)]
    assert gaps[:3] == [60, 120, 600]
    assert (len(gaps), sorted(gaps)) == (8, gaps)
    assert outcome.given_up >= 1
    assert account.get("/webhooks", successful="false")["webhooks"][-1]["id"] == first.id
    account.endpoint.statuses = []
    assert account.act("webhooks", first.id, "retry")["id"] == first.id
    account.seconds(1)
    assert account.one("webhooks", first.id)["successful"] is True


def test_a_webhook_may_be_lost_or_doubled_and_each_endpoint_has_its_own(open_account):
    account = open_account(webhook_delay_s=0.0)
    account.dialect.subscribe(URL)
    account.dialect.subscribe("https://other.example", "other secret")
    assert account.dialect.subscribe(URL).lost == 0
    account.server.faults.add(LostWebhook(next=1))
    account.server.faults.add(DuplicatedWebhook(next=2))
    account.mandate(active=False)
    account.seconds(10)
    # The first endpoint's was lost, the other's doubled.
    assert [url for _, url, _, _ in account.endpoint.got] == ["https://other.example"] * 2
    _, _, headers, body = account.endpoint.got[0]
    assert headers["webhook-signature"] == hmac.new(b"other secret", body, hashlib.sha256).hexdigest()


def test_many_events_go_out_in_parts_of_250(open_account):
    account = open_account()
    account.dialect.subscribe(URL)
    mandate = account.mandate()
    account.seconds(10)
    account.endpoint.got.clear()
    for _ in range(260):
        account.payment(mandate, 100)
    account.seconds(10)
    assert [len(json.loads(body)["events"]) for _, _, _, body in account.endpoint.got] == [250, 10]


# --- simulators -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "status", "last"),
    [
        ("payment_submitted", "submitted", "submitted"),
        ("payment_confirmed", "confirmed", "confirmed"),
        ("payment_paid_out", "paid_out", "paid_out"),
        ("payment_failed", "failed", "failed"),
        ("payment_late_failure", "failed", "failed"),
        ("payment_charged_back", "charged_back", "charged_back"),
    ],
)
def test_a_payment_is_brought_forward(account, scenario, status, last):
    payment = account.payment()["id"]
    account.simulate(scenario, payment)
    assert account.one("payments", payment)["status"] == status
    assert account.actions(payment=payment)[-1] == last
    account.days(30)
    assert account.one("payments", payment)["status"] == (
        "paid_out" if status in ("submitted", "confirmed") else status
    )


@pytest.mark.parametrize(
    ("scenario", "settled"),
    [
        ("payment_late_failure_settled", "late_failure_settled"),
        ("payment_chargeback_settled", "chargeback_settled"),
    ],
)
def test_a_reversal_is_settled_in_a_payout_when_there_is_money_for_one(direct, scenario, settled):
    mandate = direct.mandate()
    other = direct.payment(mandate, 90_000)["id"]
    payment = direct.payment(mandate)["id"]
    direct.simulate("payment_paid_out", payment)
    direct.simulate("payment_confirmed", other)
    direct.simulate(scenario, payment)
    assert direct.actions(payment=payment)[-1] == settled


@pytest.mark.parametrize(
    ("scenario", "status"),
    [("mandate_activated", "active"), ("mandate_failed", "failed"), ("mandate_expired", "expired"),
     ("mandate_transferred", "pending_submission")],
)  # fmt: skip
def test_a_mandate_is_brought_forward(account, scenario, status):
    mandate = account.mandate(active=False)
    account.simulate(scenario, mandate)
    assert account.one("mandates", mandate)["status"] == status
    if scenario == "mandate_transferred":
        links = account.get("/events", mandate=mandate, action="transferred")["events"][0]["links"]
        assert set(links) == {"mandate", "previous_customer_bank_account", "new_customer_bank_account"}


def test_refunds_and_payouts_are_brought_forward(direct):
    mandate = direct.mandate()
    payment, other = (direct.payment(mandate, 50_000)["id"] for _ in range(2))
    direct.simulate("payment_paid_out", payment)
    direct.simulate("payment_confirmed", other)
    sent = {"amount": 100, "links": {"payment": payment}}
    ids = [direct.make("refunds", total_amount_confirmation=total, **sent)["id"] for total in (100, 200, 300)]
    direct.simulate("refund_paid", ids[0])
    direct.simulate("refund_settled", ids[1])
    direct.simulate("refund_bounced", ids[2])
    assert [direct.one("refunds", id_)["status"] for id_ in ids] == ["paid", "paid", "bounced"]
    assert direct.actions(refund=ids[1]) == ["created", "paid", "refund_settled"]
    payout = direct.one("payments", payment)["links"]["payout"]
    direct.simulate("payout_bounced", payout)
    assert direct.one("payouts", payout)["status"] == "bounced"
    direct.days(2)
    assert direct.actions(payout=payout) == ["paid", "bounced", "paid"]


def test_a_simulator_says_what_it_needs(account):
    mandate = account.mandate(active=False)
    payment = account.payment(mandate)["id"]

    def run(name, resource):
        return account.call(
            "POST", f"/scenario_simulators/{name}/actions/run", {"data": {"links": {"resource": resource}}}
        )

    assert run("payment_paid_out", payment).reason == (422, "invalid_state", "invalid_resource_state")
    assert run("payment_sings", payment).reason == (404, "invalid_api_usage", "resource_not_found")
    assert run("payment_paid_out", mandate).reason == (404, "invalid_api_usage", "resource_not_found")
    sepa = account.mandate(currency="EUR")
    assert run("mandate_activated", sepa).reason == (422, "invalid_state", "invalid_resource_state")
    empty = account.call("POST", "/scenario_simulators/payment_failed/actions/run", {"data": {}})
    assert empty.reason == (422, "/data/links/resource", "can't be blank")


def test_the_live_environment_has_no_simulators(open_account):
    account = open_account(environment="live")
    answer = account.call("POST", "/scenario_simulators/payment_failed/actions/run", {"data": {}})
    assert answer.reason == (404, "invalid_api_usage", "not_found")
