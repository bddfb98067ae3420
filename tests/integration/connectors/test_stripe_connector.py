"""The Stripe connector against the mock in virtual time: payers, collections and their turns, payouts, events."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.ports import Payments
from o2c_twin.integration.connectors.stripe import SHEET, StripePayments
from o2c_twin.integration.connectors.stripe_reading import read_payout
from o2c_twin.integration.model import Party, PaymentClaim, PayoutLine
from o2c_twin.integration.ports import NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic
from o2c_twin.mock_systems.roles.billing import Behaviour
from o2c_twin.mock_systems.vendors.stripe import StripeConfig, make
from o2c_twin.mock_systems.wire.faults import Latency, LostReply, ServerError, Throttled
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

START = epoch(datetime(2026, 3, 2, 10, tzinfo=UTC))
DAY = 86_400
ACME = Party("A1", "Acme", "K-1", "ap@acme.example")
LIVE = StripeConfig(livemode=True)


class Provider:
    """A Stripe account in a virtual world, and the engine's connector to it."""

    def __init__(self, way="page", config=LIVE, latency=None):
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.posted = []
        self.pushed = []
        self.answer = 200
        world = World(self.clock, lambda *key: 0.5, asyncio.sleep, self.env.spawn, self._post)
        self.dialect = make(world, config)
        self.core = self.dialect.core
        self.server = MockServer("payments", self.dialect, world, latency=latency)
        self.http = direct({"payments": self.server}, asyncio.sleep)
        self.connector = self.connect(way)

    def connect(self, way="page", key=None):
        config = self.dialect.config
        return StripePayments(
            "payments",
            "https://api.stripe.example",
            self.http,
            self.clock,
            key or config.secret_key,
            config.webhook_secret,
            way,
        )

    async def _post(self, url, headers, body):
        low = {name.lower(): value for name, value in headers.items()}
        self.posted.append((low, body))
        self.pushed += self.connector.pushed(body, low)[0]
        return self.answer, b""

    def do(self, work):
        return self.env.aio.run_until_complete(work)

    def wait(self, seconds=0.0, days=0.0):
        self.env.run(until=self.env.now + round((seconds + days * DAY) * 1_000_000))

    def failure(self, work):
        with pytest.raises(CallFailed) as caught:
            self.do(work)
        return caught.value

    def payer(self, party=ACME, key="payer:A1"):
        return self.do(self.connector.put_payer(party, key, "payer:A1"))

    def claim(self, payer, number="INV1", amount=10_000, currency="EUR"):
        return PaymentClaim(number, payer, amount, currency, "2026-04-01")

    def collect(self, payer, number="INV1", amount=10_000, currency="EUR"):
        claim = self.claim(payer, number, amount, currency)
        return self.do(self.connector.collect(claim, f"collect:{number}", f"collect:{number}"))

    def payment(self, id_):
        return self.do(self.connector.payment(id_))

    def charge_of(self, payment_id):
        return self.core.state.payments[payment_id].charge_ids[-1]


@pytest.fixture
def found_with():
    made = []

    def find(*args, **fields):
        made.append(Provider(*args, **fields))
        return made[-1]

    yield find
    for each in made:
        each.env.close()


@pytest.fixture
def provider(found_with):
    return found_with()


def test_it_is_a_payments_connector_whose_claims_are_the_mocks_promises(provider):
    connector: Payments = provider.connector
    promises = {promise.operation: promise for promise in provider.dialect.promises}
    assert connector.sheet is SHEET
    for claim in SHEET:
        promise = promises[claim.operation]
        for what in ("guard", "retention_s", "index_lag_s", "version_guard", "bulk_limit", "partial"):
            assert getattr(claim, what) == getattr(promise, what), (claim.operation, what)
    assert {guard_of(SHEET, write).guard for write in ("put_payer", "collect")} == {"key"}


# --- payers -----------------------------------------------------------------------------------------


def test_a_payer_is_a_customer_with_the_numbers_of_the_other_systems(provider):
    payer = provider.payer()
    (customer,) = provider.core.state.customers.values()
    assert (customer.id, customer.name, customer.email) == (payer, "Acme", "ap@acme.example")
    assert customer.metadata == {"crm_id": "A1", "customer_number": "K-1"}
    assert provider.payer() == payer
    assert provider.payer(key=None) != payer


@pytest.mark.parametrize("way", ["page", "transfer"])
@pytest.mark.parametrize("write", ["put_payer", "collect"])
def test_a_write_whose_answer_was_lost_is_made_once_under_its_key(found_with, write, way):
    provider = found_with(way)
    payer = provider.payer(key="other")
    operation = {"put_payer": "customers.create", "collect": "payment_intents.create"}[write]
    provider.server.faults.add(LostReply(operations=(operation,), next=1))

    def call():
        if write == "put_payer":
            return provider.connector.put_payer(Party("A2", "Beta"), "k", "c")
        return provider.connector.collect(provider.claim(payer), "k", "c")

    assert provider.failure(call()).cause == "unknown-outcome"
    made = provider.do(call())
    table = provider.core.state.payments if write == "collect" else provider.core.state.customers
    assert [id_ for id_ in table if id_ != payer] == [made]


def test_a_key_of_any_length_and_letters_is_taken(provider):
    payer = provider.payer()
    for key in ("k" * 300, "schlüssel", "zeile\n2"):
        one, two = (provider.do(provider.connector.collect(provider.claim(payer), key, "c")) for _ in range(2))
        assert one == two
    assert len(provider.core.state.payments) == 3


# --- collecting -------------------------------------------------------------------------------------


def test_a_page_waits_for_the_customer_who_pays_by_card(provider):
    payment = provider.collect(provider.payer())
    waiting = provider.payment(payment)
    assert (waiting.state, waiting.invoice_number, waiting.payer_id) == ("pending", "INV1", provider.payer())
    assert (waiting.amount_minor, waiting.currency, waiting.modified_at) == (10_000, "EUR", START)
    provider.wait(days=2)
    provider.core.customer_pays(payment, "card", Behaviour(decline="insufficient_funds"))
    failed = provider.payment(payment)
    assert (failed.state, failed.reason) == ("failed", "insufficient_funds")
    provider.core.customer_pays(payment, "card")
    paid = provider.payment(payment)
    assert (paid.state, paid.reason, paid.modified_at) == ("paid", "", START + 2 * DAY * 1_000_000)


def test_a_transfer_in_two_parts(found_with):
    provider = found_with("transfer")
    payer = provider.payer()
    payment = provider.collect(payer)
    provider.core.customer_transfers(payer, 4_000, "eur")
    assert provider.payment(payment).state == "pending"
    provider.core.customer_transfers(payer, 6_500, "eur", "INV1")
    assert provider.payment(payment).state == "paid"
    assert provider.core.state.customers[payer].cash == {"eur": 500}


def test_what_a_customer_has_saved_is_collected_at_once_or_days_later(found_with):
    provider = found_with("saved")
    payer = provider.payer()
    refused = provider.failure(provider.connector.collect(provider.claim(payer), "k", "c"))
    assert (refused.cause, "saved nothing" in refused.detail) == ("rejected", True)
    provider.core.add_instrument("debit", "3000", customer_id=payer)
    payment = provider.collect(payer)
    assert provider.payment(payment).state == "pending"
    provider.wait(days=4)
    assert provider.payment(payment).state == "paid"
    provider.core.bank_returns_debit(provider.charge_of(payment), "insufficient_funds")
    late = provider.payment(payment)
    assert (late.state, late.reason) == ("charged-back", "insufficient_funds")


def test_a_declined_collection_is_there_and_failed(found_with):
    provider = found_with("saved")
    payer = provider.payer()
    provider.core.add_instrument("card", "0002", behaviour=Behaviour(decline="do_not_honor"), customer_id=payer)
    payment = provider.collect(payer)
    assert provider.collect(payer) == payment
    assert (provider.payment(payment).state, provider.payment(payment).reason) == ("failed", "do_not_honor")
    assert len(provider.core.state.payments) == 1


def test_a_collection_sent_again_with_another_card_finds_the_first(found_with):
    provider = found_with("saved")
    payer = provider.payer()
    provider.core.add_instrument("card", "4242", customer_id=payer)
    payment = provider.collect(payer)
    provider.core.state.customers[payer].instrument_id = provider.core.add_instrument("card", "4444").id
    provider.core.state.instruments[provider.core.state.customers[payer].instrument_id].customer_id = payer
    assert provider.collect(payer) == payment
    other = provider.claim(payer, "INV2")
    refused = provider.failure(provider.connector.collect(other, "collect:INV1", "c"))
    assert (refused.cause, "idempotent" in refused.detail) == ("rejected", True)


@pytest.mark.parametrize("currency", ["JPY", "USD"])
def test_amounts_are_minor_units_of_any_currency(provider, currency):
    payment = provider.collect(provider.payer(), amount=501, currency=currency)
    assert (provider.payment(payment).amount_minor, provider.payment(payment).currency) == (501, currency)


def test_refunds_disputes_and_cancelling_show_in_the_state(provider):
    payer = provider.payer()
    refunded, disputed, cancelled = (provider.collect(payer, f"INV{n}") for n in range(3))
    for payment in (refunded, disputed):
        provider.core.customer_pays(payment)
    provider.core.collecting.cancel(cancelled, "duplicate")
    assert (provider.payment(cancelled).state, provider.payment(cancelled).reason) == ("cancelled", "duplicate")
    provider.wait(days=1)
    provider.core.returning.refund(provider.charge_of(refunded), 4_000)
    part = provider.payment(refunded)
    assert (part.state, part.refunded_minor, part.modified_at) == ("paid", 4_000, START + DAY * 1_000_000)
    provider.core.returning.refund(provider.charge_of(refunded), reason="duplicate")
    whole = provider.payment(refunded)
    assert (whole.state, whole.refunded_minor, whole.reason) == ("refunded", 10_000, "duplicate")
    dispute = provider.core.customer_disputes(provider.charge_of(disputed), "product_not_received")
    assert (provider.payment(disputed).state, provider.payment(disputed).reason) == (
        "charged-back", "product_not_received")  # fmt: skip
    provider.core.network_decides(dispute.id, won=True)
    assert provider.payment(disputed).state == "paid"


def test_an_inquiry_takes_nothing_back_and_a_failed_refund_is_none(provider):
    payment = provider.collect(provider.payer())
    provider.core.customer_pays(payment)
    provider.core.customer_disputes(provider.charge_of(payment), inquiry=True)
    assert provider.payment(payment).state == "paid"
    refund = provider.core.returning.refund(provider.charge_of(payment))
    provider.core.bank_rejects_refund(refund.id)
    assert (provider.payment(payment).state, provider.payment(payment).refunded_minor) == ("paid", 0)


def test_what_was_reserved_and_not_taken_is_no_refund(provider):
    payer = provider.payer()
    card = provider.core.add_instrument("card", "4242", customer_id=payer)
    core = provider.core.collecting
    made = core.create(1_000, "eur", ("card",), customer_id=payer, instrument_id=card.id, manual_capture=True)
    core.confirm(made.id)
    assert provider.payment(made.id).state == "pending"
    core.capture(made.id, 600)
    taken = provider.payment(made.id)
    assert (taken.state, taken.amount_minor, taken.refunded_minor) == ("paid", 600, 0)


# --- payouts ----------------------------------------------------------------------------------------


def test_a_payout_is_made_of_payments_refunds_disputes_and_their_fees(provider):
    payer = provider.payer()
    paid, refunded, disputed = (provider.collect(payer, f"INV{n}", 10_000) for n in range(3))
    for payment in (paid, refunded, disputed):
        provider.core.customer_pays(payment)
    provider.core.returning.refund(provider.charge_of(refunded), 1_000)
    provider.core.customer_disputes(provider.charge_of(disputed))
    arrived = []
    provider.core.payout_listeners.append(lambda payout: arrived.append((payout.amount_minor, payout.reference)))
    provider.wait(days=8)
    (id_,) = provider.core.state.payouts
    payout = provider.do(provider.connector.payout(id_))
    assert arrived == [(payout.amount_minor, payout.reference)]
    assert (payout.currency, payout.arrives_on, " " in payout.reference) == ("EUR", "2026-03-09", False)
    assert sum(line.amount_minor - line.fee_minor for line in payout.lines) == payout.amount_minor
    assert sorted((line.kind, line.payment_id, line.amount_minor, line.fee_minor) for line in payout.lines) == sorted(
        [("payment", payment, 10_000, 175) for payment in (paid, refunded, disputed)]
        + [("refund", refunded, -1_000, 0), ("chargeback", disputed, -10_000, 2_000)]
    )


def test_a_payout_of_many_payments_is_read_to_its_end(provider):
    payer = provider.payer()
    provider.dialect.limiter.admit = lambda principal, cost, now: None
    made = [provider.collect(payer, f"INV{n}", 1_000 + n) for n in range(230)]
    for payment in made:
        provider.core.customer_pays(payment)
    provider.wait(days=8)
    (id_,) = provider.core.state.payouts
    payout = provider.do(provider.connector.payout(id_))
    assert {line.payment_id for line in payout.lines} == set(made)
    assert sum(line.amount_minor - line.fee_minor for line in payout.lines) == payout.amount_minor


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"type": "refund_failure", "amount": 5, "source": {"payment_intent": "pi_1"}},
         PayoutLine("pi_1", "refund", 5, 0)),
        ({"type": "payment", "amount": 5, "fee": 1, "source": {"payment_intent": "pi_1"}},
         PayoutLine("pi_1", "payment", 5, 1)),
        ({"type": "payout_failure", "amount": 5, "source": {"id": "po_1"}}, PayoutLine(None, "adjustment", 5, 0)),
        ({"type": "stripe_fee", "amount": -5, "source": None}, PayoutLine(None, "fee", -5, 0)),
        ({"type": "adjustment", "amount": -5, "source": None}, PayoutLine(None, "adjustment", -5, 0)),
        ({"type": "something_new", "amount": 9, "source": "x_1"}, PayoutLine(None, "adjustment", 9, 0)),
    ],
)  # fmt: skip
def test_every_kind_of_balance_transaction_is_a_line(entry, line):
    row = {"id": "po_1", "amount": 5, "currency": "eur", "arrival_date": 0, "statement_descriptor": "ACME"}
    payout = read_payout(row, [{"fee": 0, "reporting_category": "other", **entry}])
    assert (payout.lines, payout.reference, payout.arrives_on) == ((line,), "ACME", "1970-01-01")


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
