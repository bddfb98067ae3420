"""How the Stripe connector hears: pushes it believes, lists it asks, and what it makes of failures."""

import asyncio
import hashlib
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.connectors.stripe_provider import START, providers

from o2c_twin.integration.connectors.stripe import StripePayments
from o2c_twin.integration.ports import NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import NotAuthentic
from o2c_twin.mock_systems.vendors.stripe import StripeConfig
from o2c_twin.mock_systems.wire.faults import Latency, ServerError, Throttled


@pytest.fixture
def found_with():
    with providers() as found:
        yield found


@pytest.fixture
def provider(found_with):
    return found_with()


# --- events -----------------------------------------------------------------------------------------


def test_changes_tell_of_payments_and_payouts_once_and_in_order(provider):
    payment = provider.collect(provider.payer())
    provider.core.customer_pays(payment)
    provider.core.customer_disputes(provider.charge_of(payment))
    provider.core.network_decides(next(iter(provider.core.state.disputes)), won=True)
    provider.wait(days=8)
    (payout,) = provider.core.state.payouts
    events, until = provider.do(provider.connector.changes(0))
    assert [(e.flow, e.object_id, e.lane) for e in events] == [
        ("payment", payment, "invoice:INV1"),
        ("payment", payment, f"payment:{payment}"),
        ("payment", payment, f"payment:{payment}"),
        ("payout", payout, f"payout:{payout}"),
        ("payout", payout, f"payout:{payout}"),
    ]
    assert until == events[-1].source_at
    assert provider.do(provider.connector.changes(until)) == (events[-1:], until)
    assert provider.do(provider.connector.changes(until + 1_000_000)) == ([], until + 1_000_000)


def test_many_changes_are_read_to_their_end(provider):
    payer = provider.payer()
    provider.dialect.limiter.admit = lambda principal, cost, now: None
    made = [provider.collect(payer, f"INV{n}") for n in range(250)]
    for payment in made:
        provider.core.customer_pays(payment)
    events, _ = provider.do(provider.connector.changes(0))
    assert [e.object_id for e in events] == made
    assert len({e.event_id for e in events}) == 250


def test_what_is_older_than_the_events_is_told_as_it_is(provider):
    payer = provider.payer()
    old = provider.collect(payer, "INV1")
    provider.core.customer_pays(old)
    provider.wait(days=31)
    new = provider.collect(payer, "INV2")
    provider.core.customer_pays(new)
    events, _ = provider.do(provider.connector.changes(START))
    assert [(e.object_id, e.lane) for e in events if e.flow == "payment"] == [
        (old, "invoice:INV1"),
        (new, "invoice:INV2"),
    ]
    assert {e.object_id for e in events if e.flow == "payout"} == set(provider.core.state.payouts)
    assert len({e.event_id for e in events}) == len(events)


def test_the_same_event_is_named_the_same_by_push_and_by_poll(provider):
    provider.dialect.subscribe("https://engine.example/hooks/payments")
    payment = provider.collect(provider.payer())
    provider.core.customer_pays(payment)
    provider.wait(days=8)
    polled, _ = provider.do(provider.connector.changes(0))
    assert sorted(provider.pushed, key=lambda e: e.event_id) == sorted(polled, key=lambda e: e.event_id)
    assert len(polled) == 3


def test_a_webhook_that_comes_again_is_signed_anew_and_believed(provider):
    provider.dialect.subscribe("https://engine.example/hooks/payments")
    provider.answer = 500
    payment = provider.collect(provider.payer())
    provider.core.customer_pays(payment)
    provider.wait(seconds=30)
    first = [post for post in provider.posted if b'"payment_intent.succeeded"' in post[1]]
    provider.posted.clear()
    provider.wait(seconds=7_200)
    again = [post for post in provider.posted if b'"payment_intent.succeeded"' in post[1]]
    headers, body = again[-1]
    with pytest.raises(NotAuthentic, match="300 seconds"):
        provider.connector.pushed(first[0][1], first[0][0])
    assert body == first[0][1]
    stamp = int(headers["stripe-signature"][2:12])
    connector = StripePayments(
        "payments", "", provider.http, At(stamp + 300), "k", provider.dialect.config.webhook_secret
    )
    assert connector.pushed(body, headers)[0][0].object_id == payment


class At:
    """A clock that shows one second."""

    def __init__(self, second):
        self.second = second

    def now(self):
        return self.second * 1_000_000


NOW_S = START // 1_000_000
SECRET = "whsec_test"
EVENT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "created": NOW_S,
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}},
}
CHARGE = {"id": "ch_1", "object": "charge"}


def signed(body, secret=SECRET, at=NOW_S):
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def listening(http=None):
    return StripePayments("payments", "https://x.example", http, At(NOW_S), "k", SECRET)


def test_a_push_is_believed_within_five_minutes_and_by_any_v1():
    body = json.dumps(EVENT).encode()
    for at in (NOW_S, NOW_S - 300, NOW_S + 300):
        headers = {"stripe-signature": f"t={at},v1={signed(body, 'whsec_old', at)},v1={signed(body, at=at)},v0=x"}
        (event,), answer = listening().pushed(body, headers)
        assert (event.lane, event.flow, answer) == ("payment:pi_1", "payment", b"")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=x",
        f"t={NOW_S}",
        "v1={good}",
        f"t={NOW_S},v1=é",
        f"t={NOW_S},v0={{good}}",
        f"t={NOW_S},v1={{bad}}",
        f"t={NOW_S + 1},v1={{good}}",
        f"t={NOW_S - 301},v1={{old}}",
        f"t={NOW_S + 301},v1={{new}}",
        f"t={'9' * 30},v1={{good}}",
        "t=²,v1={good}",
    ],
)
def test_a_forged_or_stale_push_is_not_believed(header):
    body = json.dumps(EVENT).encode()
    parts = {
        "good": signed(body),
        "bad": signed(body, "whsec_other"),
        "old": signed(body, at=NOW_S - 301),
        "new": signed(body, at=NOW_S + 301),
    }
    headers = {} if header is None else {"stripe-signature": header.format(**parts)}
    with pytest.raises(NotAuthentic):
        listening().pushed(body, headers)


def test_a_body_that_was_written_anew_is_not_believed():
    body = json.dumps(EVENT).encode()
    header = {"stripe-signature": f"t={NOW_S},v1={signed(body)}"}
    with pytest.raises(NotAuthentic):
        listening().pushed(json.dumps(EVENT, indent=1).encode(), header)


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (json.dumps({**EVENT, "type": "customer.created"}).encode(), 0),
        (json.dumps({**EVENT, "type": "charge.refunded", "data": {"object": CHARGE}}).encode(), 0),
        (b"{", None),
        (b"[]", None),
        (json.dumps({**EVENT, "data": {}}).encode(), None),
        (json.dumps({"type": "payout.paid"}).encode(), None),
    ],
)  # fmt: skip
def test_a_signed_push_that_is_of_no_use_or_no_event(body, events):
    headers = {"stripe-signature": f"t={NOW_S},v1={signed(body)}"}
    if events is None:
        with pytest.raises(ValueError, match=r"."):
            listening().pushed(body, headers)
    else:
        assert listening().pushed(body, headers) == ([], b"")


@settings(max_examples=60)
@given(st.binary(max_size=60), st.text(max_size=60))
def test_no_push_however_odd_is_believed_or_breaks_it(body, header):
    with pytest.raises(NotAuthentic):
        listening().pushed(body, {"stripe-signature": header})


# --- failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Throttled(next=1), "throttled"),
        (ServerError(next=1), "unknown-outcome"),
        (ServerError(next=1, status=503), "unavailable"),
    ],
)
def test_a_failing_vendor_is_sorted_by_what_may_be_done_about_it(provider, fault, cause):
    provider.server.faults.add(fault)
    failure = provider.failure(provider.connector.changes(0))
    assert (failure.cause, failure.retryable) == (cause, True)


def test_a_key_that_is_not_taken_a_record_that_is_not_there_and_a_field_that_is_wrong(provider):
    assert provider.failure(provider.connect(key="sk_live_old").changes(0)).cause == "login"
    assert provider.failure(provider.connector.payment("pi_no")).cause == "missing"
    refused = provider.failure(provider.connector.collect(provider.claim(provider.payer(), amount=0), "k", "c"))
    assert (refused.cause, "parameter_invalid_integer" in refused.detail) == ("rejected", True)
    assert provider.failure(provider.connector.collect(provider.claim("cus_no"), "k2", "c")).cause == "rejected"


def test_rate_limits_and_calls_at_one_time_can_be_tried_again(found_with):
    provider = found_with(config=StripeConfig(), latency=Latency(median_s=0.5))
    payer = provider.payer()

    async def at_once(calls):
        return await asyncio.gather(*calls, return_exceptions=True)

    claim = provider.claim(payer)
    same = provider.do(at_once([provider.connector.collect(claim, "k", "c") for _ in range(2)]))
    assert (isinstance(same[0], str), same[1].cause) == (True, "unavailable")
    provider.wait(seconds=5)
    many = provider.do(at_once([provider.connector.payment(same[0]) for _ in range(26)]))
    assert [getattr(answer, "cause", "") for answer in many] == [""] * 25 + ["throttled"]
    assert len(provider.core.state.payments) == 1


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ([NotSent("refused")], "unavailable"),
        ([NoAnswer("reset")], "unknown-outcome"),
        ([(200, b'{"id":')], "unknown-outcome"),
        ([(200, {"id": "pi_1"})], "rejected"),
        ([(200, {"id": "pi_1", "latest_charge": "ch_1"})], "rejected"),
        ([(502, b"<html>")], "unknown-outcome"),
        ([(409, {"error": {"code": "idempotency_key_in_use"}})], "unavailable"),
        ([(429, {"error": {"code": "lock_timeout"}})], "unavailable"),
        ([(400, {"error": {"code": "rate_limit"}})], "throttled"),
        ([(403, {"error": {}})], "login"),
    ],
)
def test_an_answer_is_sorted_by_what_may_be_done_about_it(http, refusal, answers, cause):
    http.answers(*answers)
    assert refusal(listening(http).payment("pi_1")).cause == cause


@pytest.mark.parametrize("body", [{"data": {}}, {"data": [{"id": 1}], "has_more": False}, [], {"has_more": True}])
def test_events_that_make_no_sense_are_a_failed_call(http, refusal, body):
    http.answers((200, body))
    assert refusal(listening(http).changes(START)).cause == "rejected"


def test_a_page_that_promises_more_and_holds_nothing_is_the_last(http):
    http.answers((200, {"data": [], "has_more": True}))
    assert asyncio.run(listening(http).changes(START)) == ([], START)
    (call,) = http.sent
    assert (call.query["created[gte]"], call.query["types[0]"]) == (str(NOW_S), "payment_intent.succeeded")
    assert len([name for name in call.query if name.startswith("types")]) <= 20
