"""Events by poll and by webhook: what is told, how it is signed, and what happens when nobody listens."""

import hashlib
import hmac
import json

import pytest

from o2c_twin.mock_systems.vendors.stripe import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.events import LIVE_ATTEMPTS_S, SANDBOX_ATTEMPTS_S
from o2c_twin.mock_systems.wire.faults import DuplicatedWebhook, LostWebhook

PROMPT = StripeConfig(webhook_spread_s=0.0)
HOOK = "https://engine.example/webhooks/payments"


def types(account, **filters):
    return [event["type"] for event in account.get("events", {"limit": 100, **filters})["data"]][::-1]


def test_events_tell_what_happened_in_order(anywhere):
    customer = anywhere.customer(card="pm_card_visa")
    invoice = anywhere.invoice(customer, collection_method="charge_automatically")
    anywhere.post(f"invoices/{invoice['id']}/pay", idempotency_key="pay-1")
    assert types(anywhere) == [
        "customer.created",
        "payment_method.attached",
        "invoice.created",
        "invoiceitem.created",
        "invoice.updated",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    paid = anywhere.get("events", {"type": "invoice.paid"})["data"][0]
    assert paid["request"]["idempotency_key"] == "pay-1"
    assert paid["request"]["id"].startswith("req_")
    assert (paid["api_version"], paid["data"]["object"]["status"]) == ("2026-10-28.endive", "paid")
    assert anywhere.get(f"events/{paid['id']}") == paid


def test_a_change_says_what_was_before(account):
    customer = account.customer()
    account.post(f"customers/{customer}", {"name": "New"})
    (changed,) = account.get("events", {"type": "customer.updated"})["data"]
    assert changed["data"]["previous_attributes"] == {"name": "Acme"}


def test_events_are_filtered_and_paged(account):
    for _ in range(3):
        account.customer(card="pm_card_visa")
    account.wait(5)
    now = account.clock.us // 1_000_000
    account.payment()
    assert types(account, created={"gte": now})[0] == "payment_intent.created"
    assert set(types(account, type="customer.*")) == {"customer.created"}
    both = ["charge.succeeded", "customer.created"]
    assert sorted(set(types(account, types=both))) == both
    first = account.get("events", {"limit": 4})
    rest = account.get("events", {"limit": 100, "starting_after": first["data"][-1]["id"]})
    ids = [event["id"] for event in first["data"] + rest["data"]]
    assert (len(ids), len(set(ids))) == (9, 9)


def test_events_are_kept_for_thirty_days(account):
    account.customer()
    (event,) = account.get("events")["data"]
    account.wait(days=30)
    assert len(account.get("events")["data"]) == 1
    account.wait(1)
    assert account.get("events")["data"] == []
    assert account.refusal("GET", f"events/{event['id']}")[0] == 404


def test_what_nobody_asked_for_has_no_request(account):
    account.payment()
    account.wait(days=7)
    (paid,) = account.get("events", {"type": "payout.paid"})["data"]
    assert paid["request"] == {"id": None, "idempotency_key": None}


# --- webhooks ---------------------------------------------------------------------------------------


def test_a_webhook_is_signed_over_its_time_and_raw_body(new_account):
    account = new_account(PROMPT)
    account.dialect.subscribe(HOOK)
    account.customer()
    account.wait(1)
    ((at, url, headers, body),) = account.got
    assert url == HOOK
    fields = dict(part.split("=") for part in headers["Stripe-Signature"].split(","))
    assert fields["t"] == str(at // 1_000_000)
    secret = account.dialect.config.webhook_secret
    signed = hmac.new(secret.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert fields["v1"] == signed
    event = json.loads(body)
    assert (event["type"], event["pending_webhooks"]) == ("customer.created", 1)
    assert account.get(f"events/{event['id']}") == event


def test_while_a_secret_is_rolled_both_sign(new_account):
    account = new_account(PROMPT)
    made = account.post("webhook_endpoints", {"url": HOOK, "enabled_events": ["customer.created"]})
    assert made["secret"].startswith("whsec_")
    assert "secret" not in account.get(f"webhook_endpoints/{made['id']}")
    account.dialect.roll_secret(made["id"], "whsec_new", old_for_s=3_600)
    account.customer()
    account.wait(3_600)
    account.customer()
    account.wait(1)
    assert [headers["Stripe-Signature"].count("v1=") for _, _, headers, _ in account.got] == [2, 1]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("status", [500, 302, 0])
def test_what_is_not_acknowledged_comes_again_on_the_schedule_and_then_no_more(new_account, live, status):
    account = new_account(StripeConfig(webhook_spread_s=0.0, livemode=live))
    outcome = account.dialect.subscribe(HOOK, ("customer.created",))
    account.reply = (status, b"")
    account.core.add_customer(name="Acme")
    start = account.clock.us
    account.wait(days=10)
    waits = LIVE_ATTEMPTS_S if live else SANDBOX_ATTEMPTS_S
    due = [start + round(sum(waits[: n + 1]) * 1e6) for n in range(len(waits))]
    assert [at for at, *_ in account.got] == due
    assert len({body for *_, body in account.got}) == 1  # a snapshot: the same at every attempt
    stamps = {headers["Stripe-Signature"] for _, _, headers, _ in account.got}
    assert len(stamps) == len(waits)  # each attempt is signed anew
    assert (outcome.retried, outcome.given_up) == (len(waits) - 1, 1)
    limit = 3 * 86_400 if live else 6 * 3_600
    assert sum(waits) <= limit


def test_an_endpoint_deleted_or_disabled_gets_no_retry(new_account):
    account = new_account(PROMPT)
    account.reply = (500, b"")
    made = [
        account.post("webhook_endpoints", {"url": HOOK, "enabled_events": ["customer.created"]})["id"] for _ in "12"
    ]
    account.customer()
    account.wait(1)
    assert len(account.got) == 2
    account.call("DELETE", f"webhook_endpoints/{made[0]}")
    account.post(f"webhook_endpoints/{made[1]}", {"disabled": True})
    account.wait(days=1)
    assert len(account.got) == 2


def test_events_arrive_out_of_order(new_account):
    account = new_account()
    account.dialect.subscribe(HOOK)
    customer = account.customer(card="pm_card_visa")
    account.payment(customer)
    account.wait(10)
    told = [event["id"] for event in account.get("events", {"limit": 100})["data"]][::-1]
    came = [event["id"] for event in account.events()]
    assert sorted(told) == sorted(came)
    assert told != came


def test_webhooks_are_lost_and_doubled_by_faults(new_account):
    account = new_account(PROMPT)
    account.dialect.subscribe(HOOK)
    account.server.faults.add(LostWebhook(operations=("webhook.customer.created",), next=1))
    account.server.faults.add(DuplicatedWebhook(operations=("webhook.customer.updated",), next=1))
    customer = account.customer()
    account.post(f"customers/{customer}", {"name": "x"})
    account.wait(5)
    assert [event["type"] for event in account.events()] == ["customer.updated"] * 2


def test_an_endpoint_has_its_own_types_and_version(new_account):
    account = new_account(PROMPT)
    account.post(
        "webhook_endpoints", {"url": HOOK, "enabled_events": ["invoice.finalized"], "api_version": "2024-06-20"}
    )
    account.invoice(account.customer())
    account.wait(1)
    (event,) = account.events()
    assert (event["type"], event["api_version"]) == ("invoice.finalized", "2024-06-20")
    assert event["data"]["object"]["payment_intent"].startswith("pi_")


@pytest.mark.parametrize(
    "params",
    [
        {"url": "ftp://x", "enabled_events": ["*"]},
        {"url": HOOK, "enabled_events": ["invoice.eaten"]},
        {"url": HOOK},
        {"url": HOOK, "enabled_events": ["*"], "api_version": "new"},
    ],
)
def test_an_endpoint_that_cannot_work_is_refused(account, params):
    assert account.refusal("POST", "webhook_endpoints", params)[0] == 400


# --- test clocks ------------------------------------------------------------------------------------


def test_a_test_clock_advances_asynchronously(anywhere):
    start = 1_790_000_000
    clock = anywhere.post("test_helpers/test_clocks", {"frozen_time": start, "name": "May"})
    assert (clock["status"], clock["frozen_time"]) == ("ready", start)
    customer = anywhere.customer(test_clock=clock["id"])
    invoice = anywhere.invoice(customer, finalise=False, auto_advance=True, days_until_due=0)
    assert invoice["created"] == start
    path = f"test_helpers/test_clocks/{clock['id']}"
    advancing = anywhere.post(f"{path}/advance", {"frozen_time": start + 86_400})
    assert (advancing["status"], advancing["frozen_time"]) == ("advancing", start)
    assert anywhere.refusal("POST", f"{path}/advance", {"frozen_time": start + 90_000})[0] == 400
    assert anywhere.get(f"invoices/{invoice['id']}")["status"] == "draft"
    anywhere.wait(10)
    assert anywhere.get(path)["status"] == "ready"
    shown = anywhere.get(f"invoices/{invoice['id']}")
    assert (shown["status"], shown["status_transitions"]["finalized_at"]) == ("open", start + 3_600)
    clocks = types(anywhere, type="test_helpers.*")
    assert [t.rpartition(".")[2] for t in clocks] == ["created", "advancing", "ready"]
    assert "invoice.overdue" in types(anywhere)


def test_a_test_clock_goes_forward_two_years_at_most_and_takes_three_customers(account):
    clock = account.post("test_helpers/test_clocks", {"frozen_time": 1_790_000_000})
    path = f"test_helpers/test_clocks/{clock['id']}"
    for to in (1_790_000_000, 1_700_000_000, 1_790_000_000 + 3 * 365 * 86_400):
        assert account.refusal("POST", f"{path}/advance", {"frozen_time": to})[2] == "frozen_time"
    for _ in range(3):
        account.customer(test_clock=clock["id"])
    assert account.refusal("POST", "customers", {"test_clock": clock["id"]})[0] == 400
    assert account.get("customers")["data"] == []
    assert len(account.get("customers", {"test_clock": clock["id"]})["data"]) == 3
    account.call("DELETE", path)
    assert account.get("customers", {"test_clock": clock["id"]})["data"] == []


def test_there_are_no_test_clocks_in_live_mode(new_account):
    account = new_account(StripeConfig(livemode=True))
    assert account.refusal("POST", "test_helpers/test_clocks", {"frozen_time": 1})[0] == 400
