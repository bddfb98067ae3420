"""The GoCardless connector against the mock in virtual time: payers, collections and their turns, payouts, events."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.gocardless import SHEET, BankDetails, GoCardlessPayments
from o2c_twin.integration.connectors.gocardless_payouts import Item, ItemLinks, lines_of
from o2c_twin.integration.connectors.ports import Payments
from o2c_twin.integration.model import Party, PaymentClaim, PayoutLine
from o2c_twin.integration.ports import NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic
from o2c_twin.mock_systems.roles.direct_debit import iban
from o2c_twin.mock_systems.vendors.gocardless import GoCardlessConfig, make
from o2c_twin.mock_systems.wire.faults import LostReply, ServerError, Throttled
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

START = epoch(datetime(2026, 3, 2, 10, tzinfo=UTC))
DAY = 86_400
ACME = Party("A1", "Acme", "K-1", "ap@acme.example")


def german(party):
    """The bank details a customer left: an account of its own."""
    return BankDetails(
        party.name, iban=iban("DE", f"{int(hashlib.sha256(party.crm_id.encode()).hexdigest(), 16) % 10**18:018d}")
    )


def british(party):
    return BankDetails(party.name, account_number="55779911", sort_code="20-00-00")


class Provider:
    """A GoCardless account in a virtual world, and the engine's connector to it."""

    def __init__(self, details=german, **config):
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.posted = []
        world = World(self.clock, lambda *key: 0.5, asyncio.sleep, self.env.spawn, self._post)
        self.dialect = make(world, GoCardlessConfig(refunds_need_balance=False, **config))
        self.core = self.dialect.core
        self.server = MockServer("payments", self.dialect, world)
        self.http = direct({"payments": self.server}, asyncio.sleep)
        self.connector = self.connect(details)

    def connect(self, details=german, token=None, secret=None):
        config = self.dialect.config
        return GoCardlessPayments(
            "payments",
            "https://gocardless.example",
            self.http,
            self.clock,
            token or config.access_token,
            secret or config.webhook_secret,
            details,
        )

    async def _post(self, url, headers, body):
        self.posted.append(({name.lower(): value for name, value in headers.items()}, body))
        return 200, b""

    def do(self, work):
        return self.env.aio.run_until_complete(work)

    def days(self, days):
        self.env.run(until=self.env.now + round(days * DAY * 1_000_000))

    def failure(self, work):
        with pytest.raises(CallFailed) as caught:
            self.do(work)
        return caught.value

    def payer(self, party=ACME, key="payer:A1"):
        return self.do(self.connector.put_payer(party, key, "payer:A1"))

    def collect(self, payer, number="INV1", amount=10_000, currency="EUR", due="2026-03-02"):
        claim = PaymentClaim(number, payer, amount, currency, due)
        return self.do(self.connector.collect(claim, f"collect:{number}", f"collect:{number}"))

    def payment(self, id_):
        return self.do(self.connector.payment(id_))


@pytest.fixture
def provider():
    found = Provider()
    yield found
    found.env.close()


@pytest.fixture
def found_with():
    made = []

    def find(*args, **config):
        made.append(Provider(*args, **config))
        return made[-1]

    yield find
    for each in made:
        each.env.close()


def test_it_is_a_payments_connector_whose_claims_are_the_mocks_promises(provider):
    connector: Payments = provider.connector
    promises = {promise.operation: promise for promise in provider.dialect.promises}
    assert connector.sheet is SHEET
    for claim in SHEET:
        promise = promises[claim.operation]
        assert (claim.guard, claim.retention_s, claim.index_lag_s, claim.version_guard, claim.bulk_limit) == (
            promise.guard,
            promise.retention_s,
            promise.index_lag_s,
            promise.version_guard,
            promise.bulk_limit,
        )
    assert {guard_of(SHEET, write).guard for write in ("put_payer", "collect")} == {"key"}


# --- payers -----------------------------------------------------------------------------------------


def test_a_payer_is_a_customer_with_an_account_and_a_mandate(provider):
    payer = provider.payer()
    customer = provider.core.customer(payer)
    assert (customer.details["company_name"], customer.details["email"]) == ("Acme", "ap@acme.example")
    assert customer.metadata == {"crm_id": "A1", "customer_number": "K-1"}
    (mandate,) = provider.core.state.mandates.values()
    assert (mandate.customer_id, mandate.scheme) == (payer, "sepa_core")
    assert provider.payer() == payer
    assert len(provider.core.state.mandates) == len(provider.core.state.customers) == 1


def test_a_british_payer_is_collected_from_by_bacs(found_with):
    provider = found_with(british)
    payer = provider.payer()
    (mandate,) = provider.core.state.mandates.values()
    assert mandate.scheme == "bacs"
    assert provider.payment(provider.collect(payer, currency="GBP")).currency == "GBP"


@pytest.mark.parametrize("step", ["customers.create", "customer_bank_accounts.create", "mandates.create"])
def test_a_payer_made_half_is_finished_and_not_doubled(provider, step):
    provider.server.faults.add(LostReply(operations=(step,), next=1))
    failure = provider.failure(provider.connector.put_payer(ACME, "payer:A1", "c"))
    assert failure.cause == "unknown-outcome"
    payer = provider.payer()
    state = provider.core.state
    assert [len(t) for t in (state.customers, state.accounts, state.mandates)] == [1, 1, 1]
    assert list(state.customers) == [payer]


def test_without_a_key_every_put_is_another_customer(provider):
    one, two = (provider.do(provider.connector.put_payer(ACME, None, "c")) for _ in range(2))
    assert one != two


def test_a_payer_without_bank_details_is_refused_and_nothing_is_sent(found_with):
    provider = found_with(lambda party: None)
    assert provider.failure(provider.connector.put_payer(ACME, "k", "c")).cause == "rejected"
    assert provider.server.journal.count == 0


# --- collecting -------------------------------------------------------------------------------------


def test_an_invoice_is_collected_when_it_is_due_or_as_soon_as_can_be(provider):
    payer = provider.payer()
    soon, later = provider.collect(payer), provider.collect(payer, "INV2", due="2026-04-07")
    assert provider.core.payment(soon).charge_on == "2026-03-05"
    assert provider.core.payment(later).charge_on == "2026-04-07"
    assert provider.core.payment(soon).metadata == {"invoice_number": "INV1"}
    found = provider.payment(soon)
    assert (found.invoice_number, found.payer_id, found.amount_minor, found.currency) == ("INV1", payer, 10_000, "EUR")
    assert (found.state, found.reason, found.payout_id, found.modified_at) == ("pending", "", None, START)


def test_a_collection_whose_answer_was_lost_is_found_by_its_key_even_when_the_mandate_died(provider):
    payer = provider.payer()
    provider.server.faults.add(LostReply(operations=("payments.create",), next=1))
    claim = PaymentClaim("INV1", payer, 10_000, "EUR", "2026-03-02")
    assert provider.failure(provider.connector.collect(claim, "collect:1", "c")).cause == "unknown-outcome"
    again = provider.do(provider.connector.collect(claim, "collect:1", "c"))
    assert list(provider.core.state.payments) == [again]
    (mandate,) = provider.core.state.mandates
    provider.core.payer_cancels_mandate(mandate)
    assert provider.do(provider.connector.collect(claim, "collect:1", "c")) == again
    refused = provider.failure(provider.connector.collect(claim, "collect:2", "c"))
    assert (refused.cause, "mandate_is_inactive" in refused.detail) == ("rejected", True)


def test_the_newest_mandate_that_is_alive_is_collected_on(provider):
    payer = provider.payer()
    (first,) = provider.core.mandates_of[payer]
    account = provider.core.mandate(first).account_id
    dead, alive, newest = (provider.core.add_mandate(account).id for _ in range(3))
    provider.core.cancel_mandate(newest)
    provider.core.cancel_mandate(dead)
    assert provider.core.payment(provider.collect(payer)).mandate_id == alive


def test_a_payer_without_a_mandate_for_the_currency_is_refused(provider):
    payer = provider.payer()
    claim = PaymentClaim("INV1", payer, 100, "GBP", "2026-03-02")
    assert provider.failure(provider.connector.collect(claim, "k", "c")).cause == "rejected"
    assert provider.core.state.payments == {}


def test_a_key_of_any_length_and_letters_is_taken(provider):
    payer = provider.payer()
    claim = PaymentClaim("INV1", payer, 100, "EUR", "2026-03-02")
    for key in ("k" * 300, "schlüssel", "zeile\n2"):
        one, two = (provider.do(provider.connector.collect(claim, key, "c")) for _ in range(2))
        assert one == two
    assert len(provider.core.state.payments) == 3


def test_a_payment_takes_its_turns(provider):
    payer = provider.payer()
    payment = provider.collect(payer)
    provider.days(5)
    paid = provider.payment(payment)
    assert (paid.state, paid.payout_id) == ("paid", None)
    assert paid.modified_at == epoch(datetime(2026, 3, 6, 12, tzinfo=UTC))
    provider.days(5)
    assert provider.payment(payment).payout_id in provider.core.state.payouts
    provider.core.bank_refuses(payment, "refer_to_payer")
    late = provider.payment(payment)
    assert (late.state, late.reason) == ("failed", "refer_to_payer")
    provider.core.retry_payment(payment)
    assert (provider.payment(payment).state, provider.payment(payment).reason) == ("pending", "")


def test_a_payment_claimed_back_cancelled_or_refunded_says_so(provider):
    payer = provider.payer()
    claimed, cancelled, refunded = (provider.collect(payer, f"INV{n}") for n in range(3))
    provider.core.cancel_payment(cancelled)
    provider.days(10)
    provider.core.payer_claims_back(claimed)
    refund = provider.core.add_refund(refunded, 4_000, 4_000)
    part = provider.payment(refunded)
    assert (part.state, part.refunded_minor) == ("paid", 4_000)
    provider.core.add_refund(refunded, 6_000, 10_000)
    for id_, state, reason in (
        (claimed, "charged-back", "refund_requested"),
        (cancelled, "cancelled", "payment_cancelled"),
        (refunded, "refunded", ""),
    ):
        assert (provider.payment(id_).state, provider.payment(id_).reason) == (state, reason)
    assert provider.payment(refund.id).payment_id == refunded
    provider.core.bank_refuses(refunded)
    assert provider.payment(refunded).state == "failed"
    fresh = provider.connect()
    assert provider.do(fresh.payment(claimed)).payer_id == payer


# --- payouts ----------------------------------------------------------------------------------------


def test_a_payout_is_made_of_payments_with_their_fees_and_what_was_taken_back(provider):
    payer = provider.payer()
    late = provider.collect(payer, amount=4_567)
    provider.days(10)
    provider.core.bank_refuses(late)
    good = provider.collect(payer, "INV2", 12_345)
    provider.days(6.2)
    provider.core.add_refund(good, 1_000, 1_000)
    provider.days(10)
    payout = provider.do(provider.connector.payout(provider.payment(good).payout_id))
    held = provider.core.payout(payout.payout_id)
    assert (payout.reference, payout.currency, payout.arrives_on) == (held.reference, "EUR", held.arrives_on)
    assert sum(line.amount_minor - line.fee_minor for line in payout.lines) == payout.amount_minor == held.amount
    assert [(line.payment_id, line.kind, line.amount_minor) for line in payout.lines] == [
        (good, "payment", 12_345),
        (late, "chargeback", -4_567),
        (good, "refund", -1_000),
    ]
    assert [line.fee_minor for line in payout.lines] == [143, -65, 0]


def test_a_payout_of_many_items_is_read_to_its_end(provider):
    payer = provider.payer()
    made = [provider.collect(payer, f"INV{n}", 1_003 + n) for n in range(260)]
    provider.days(10)
    payout = provider.do(provider.connector.payout(provider.payment(made[0]).payout_id))
    assert [line.payment_id for line in payout.lines] == made
    assert sum(line.amount_minor - line.fee_minor for line in payout.lines) == payout.amount_minor


def _item(type_, amount, payment="PM1"):
    return Item(type_, amount, ItemLinks(payment))


@pytest.mark.parametrize(
    ("items", "total", "lines"),
    [
        ([_item("gocardless_fee", "-50.0")], -50, [PayoutLine("PM1", "fee", -50, 0)]),
        (
            [_item("payment_paid_out", "100.0"), _item("gocardless_fee", "-0.5")],
            100,
            [PayoutLine("PM1", "payment", 100, 0)],
        ),
        (
            [_item("payment_paid_out", "100.0"), _item("gocardless_fee", "-0.5")],
            99,
            [PayoutLine("PM1", "payment", 100, 0), PayoutLine(None, "adjustment", -1, 0)],
        ),
        ([_item("something_new", "-7.0", None)], -7, [PayoutLine(None, "adjustment", -7, 0)]),
        ([_item("payment_paid_out", "100.0")], 500, [PayoutLine("PM1", "payment", 100, 0)]),
    ],
)
def test_lines_make_the_sum_to_a_rounding_and_hide_nothing_larger(items, total, lines):
    assert list(lines_of(items, total)) == lines


# --- events -----------------------------------------------------------------------------------------


def test_changes_tell_of_payments_and_payouts_once_and_in_order(provider):
    payer = provider.payer()
    payment = provider.collect(payer)
    provider.days(10)
    events, until = provider.do(provider.connector.changes(0))
    assert [(e.flow, e.lane) for e in events] == [("payment", "invoice:INV1")] * 4 + [
        ("payout", f"payout:{provider.payment(payment).payout_id}")
    ]
    assert [e.source_at for e in events] == sorted(e.source_at for e in events)
    assert until == events[-1].source_at
    assert {e.object_id for e in events[:4]} == {payment}
    again, still = provider.do(provider.connector.changes(until))
    assert (again, still) == (events[-1:], until)
    assert provider.do(provider.connector.changes(until + 1_000)) == ([], until + 1_000)


def test_a_payment_that_names_no_invoice_has_a_lane_of_its_own_and_a_refund_tells_of_its_payment(provider):
    payer = provider.payer()
    (mandate,) = provider.core.mandates_of[payer]
    payment = provider.core.add_payment(mandate, 500, "EUR").id
    provider.days(10)
    refund = provider.core.add_refund(payment, 500, 500)
    events, _ = provider.do(provider.connector.changes(0))
    assert {e.lane for e in events if e.object_id == payment} == {f"payment:{payment}"}
    assert [(e.flow, e.object_id, e.lane) for e in events][-1] == ("payment", refund.id, f"payment:{refund.id}")
    assert provider.payment(refund.id).state == "refunded"


def test_many_changes_are_read_to_their_end(provider):
    payer = provider.payer()
    made = []
    for n in range(520):
        made.append(provider.collect(payer, f"INV{n}"))
        if n == 400:
            provider.days(1 / 1440)  # the vendor's limit: 1000 calls a minute
    events, _ = provider.do(provider.connector.changes(0))
    assert [e.object_id for e in events] == made
    assert len({e.event_id for e in events}) == 520


def test_the_same_event_is_named_the_same_by_push_and_by_poll(provider):
    provider.dialect.subscribe("https://engine.example/hooks/payments")
    payer = provider.payer()
    provider.collect(payer)
    provider.days(10)
    pushed = [event for headers, body in provider.posted for event in provider.connector.pushed(body, headers)[0]]
    polled, _ = provider.do(provider.connector.changes(0))
    assert pushed == polled
    assert len(polled) == 5


def test_a_forged_webhook_is_not_believed(provider):
    body = json.dumps({"events": [], "meta": {"webhook_id": "WB1"}}).encode()
    signature = hmac.new(provider.dialect.config.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert provider.connector.pushed(body, {"webhook-signature": signature}) == ([], b"")
    for forged_body, headers in (
        (body + b" ", {"webhook-signature": signature}),
        (body, {"webhook-signature": signature.upper()}),
        (body, {"webhook-signature": "é"}),
        (body, {}),
    ):
        with pytest.raises(NotAuthentic):
            provider.connector.pushed(forged_body, headers)
    signed = hmac.new(provider.dialect.config.webhook_secret.encode(), b"[]", hashlib.sha256).hexdigest()
    with pytest.raises(ValueError, match="Expected"):
        provider.connector.pushed(b"[]", {"webhook-signature": signed})


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
    assert failure.cause == cause


def test_a_throttled_call_waits_until_the_vendors_count_starts_anew(provider):
    provider.days(1 / 1440 / 3)  # twenty seconds
    provider.server.faults.add(Throttled(next=1))
    assert provider.failure(provider.connector.changes(0)).retry_after_s == pytest.approx(40.0)


def test_a_token_that_is_not_taken_a_record_that_is_not_there_and_a_field_that_is_wrong(provider):
    assert provider.failure(provider.connect(token="old").changes(0)).cause == "login"
    assert provider.failure(provider.connector.payment("PM00NOBODY")).cause == "missing"
    payer = provider.payer()
    claim = PaymentClaim("INV1", payer, 0, "EUR", "2026-03-02")
    refused = provider.failure(provider.connector.collect(claim, "k", "c"))
    assert (refused.cause, "validation_failed" in refused.detail) == ("rejected", True)


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ([NotSent("refused")], "unavailable"),
        ([NoAnswer("reset")], "unknown-outcome"),
        ([(200, b'{"payments":')], "unknown-outcome"),
        ([(200, {"payments": {"id": "PM1"}}), (200, {"events": []})], "rejected"),
        ([(200, {"payments": {}}), (200, {"events": "none"})], "rejected"),
        ([(200, {"other": {}})], "rejected"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failed_call(http, refusal, answers, cause):
    http.answers(*answers)
    connector = GoCardlessPayments("payments", "https://x.example", http, _Still(), "t", "s", german)
    assert refusal(connector.payment("PM1")).cause == cause


@pytest.mark.parametrize("body", [{"error": {}}, {"error": {"errors": [{"reason": "other"}]}}])
def test_a_conflict_of_another_kind_is_a_refusal(http, refusal, body):
    http.answers((409, body))
    connector = GoCardlessPayments("payments", "https://x.example", http, _Still(), "t", "s", german)
    assert refusal(connector.put_payer(ACME, "k", "c")).cause == "rejected"


class _Still:
    def now(self):
        return START
