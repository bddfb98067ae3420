"""What a map of a payment provider says, its connector does: bodies, lanes, states, references, and refusals."""

import asyncio
import json
from urllib.parse import parse_qsl

import pytest

from o2c_twin.integration.connectors.gocardless import BankDetails, GoCardlessPayments
from o2c_twin.integration.connectors.gocardless_maps import GoCardlessMaps
from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.connectors.stripe import StripePayments
from o2c_twin.integration.connectors.stripe_maps import StripeMaps
from o2c_twin.integration.mappings import MappingError, shipped_files
from o2c_twin.integration.model import Party, PaymentClaim

ACME = Party("A1", "Acme", "K-1", "")
CLAIM = PaymentClaim("INV1", "cus_1", 10_000, "EUR", "2026-04-01")
MADE = (200, {"id": "pi_1"})
INTENT = {
    "id": "pi_1",
    "status": "requires_capture",
    "amount": 500,
    "currency": "eur",
    "customer": "cus_1",
    "metadata": {},
    "created": 7,
    "canceled_at": None,
    "cancellation_reason": None,
    "latest_charge": None,
    "last_payment_error": None,
}
EVENT = {"id": "evt_1", "type": "payment_intent.succeeded", "created": 7}
DEBIT = {
    "id": "PM1",
    "status": "submitted",
    "amount": 500,
    "amount_refunded": 0,
    "currency": "EUR",
    "links": {"mandate": "MD1"},
    "created_at": "1970-01-01T00:00:07.000Z",
}


class Clock:
    def now(self):
        return 1_767_607_200_000_000


@pytest.fixture
def changed(tmp_path):
    """The maps of a vendor with shipped files changed: by file its texts, each replaced by another."""

    def write(vendor, files, schema=""):
        shipped = shipped_files()
        for path, changes in files.items():
            text = {**shipped.maps, **shipped.codes}[path]
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            place = tmp_path / path.split("/")[0] / path.rsplit("/", 1)[1]
            place.parent.mkdir(exist_ok=True)
            place.write_text(text, encoding="utf-8")
        if schema:
            (tmp_path / "schemas").mkdir()
            (tmp_path / "schemas" / "own.yaml").write_text(f"extends: {vendor.system}\n{schema}", encoding="utf-8")
        return own_maps(tmp_path).of(vendor)

    write.folder = tmp_path
    return write


def stripe(http, maps=None, currency="EUR"):
    return StripePayments("payments", "https://x.example", http, Clock(), "k", "s", "page", currency, maps)


def gocardless(http, maps=None):
    def details(party):
        return BankDetails(party.name, iban="DE89370400440532013000")

    return GoCardlessPayments("payments", "https://x.example", http, Clock(), "t", "s", details, "EUR", maps)


def form(request):
    return dict(parse_qsl(request.body.decode()))


# --- written ----------------------------------------------------------------------------------------


def test_a_companys_own_field_of_the_metadata_and_what_is_empty(http, changed):
    files = {
        "maps/stripe/party_to_customer.yaml": [
            ("examples:\n", "  - {value: DE01, to: metadata.entity}\nexamples:\n"),
            ("customer_number: K-1}", "customer_number: K-1, entity: DE01}"),
            ("metadata: {crm_id: A1}}", "metadata: {crm_id: A1, entity: DE01}}"),
        ]
    }
    maps = changed(StripeMaps, files, "objects: {CustomerMetadata: {entity: text}}\n")
    http.answers((200, {"id": "cus_1"}))
    assert asyncio.run(stripe(http, maps).put_payer(ACME, "k", "c")) == "cus_1"
    assert form(http.sent[0]) == {
        "name": "Acme",
        "metadata[crm_id]": "A1",
        "metadata[customer_number]": "K-1",
        "metadata[entity]": "DE01",
    }


def test_a_debited_customer_is_written_by_the_map_without_empty_texts(http, changed):
    files = {
        "maps/gocardless/party_to_customer.yaml": [
            ("to: company_name, invertible: true}", "to: company_name, by: {cut: {length: 2}}}"),
            ("company_name: Aoki", "company_name: Ao"),
        ]
    }  # fmt: skip
    made = [(201, {kind: {"id": "X1"}}) for kind in ("customers", "customer_bank_accounts", "mandates")]
    http.answers(*made)
    asyncio.run(gocardless(http, changed(GoCardlessMaps, files)).put_payer(ACME, "k", "c"))
    body = {"company_name": "Ac", "metadata": {"crm_id": "A1", "customer_number": "K-1"}}
    assert json.loads(http.sent[0].body) == {"customers": body}


FX = [
    ("currency: {from: currency}\n",
     "given: {rates: rates}\ncurrency: {from: currency}\nfx: {source: ECB, date: due_on, target: USD}\n"),
    ("{from: amount_minor, to: amount, invertible: true}", "{from: amount_minor, to: amount, by: convert}"),
    ("  - in: {invoice_number", "  - given: {rates: {EUR/USD 2026-02-04: 2}}\n    in: {invoice_number"),
    ("      amount: 10050", "      amount: 20100"),
]  # fmt: skip
USD = [
    ("{from: currency, to: currency, invertible: true}", "{value: USD, to: currency}"),
    ("      currency: EUR\n", "      currency: USD\n"),
]


def test_an_amount_is_collected_in_the_currency_it_is_worked_out_in_or_not_at_all(http, refusal, changed, tmp_path):
    (tmp_path / "rates").mkdir()
    (tmp_path / "rates" / "ecb.yaml").write_text("rates: ECB\npairs: {EUR/USD: {2026-04-01: 1.5}}\n")
    name = "maps/stripe/claim_to_payment_intent.yaml"
    half = changed(StripeMaps, {name: FX})
    failure = refusal(stripe(http, half).collect(CLAIM, "k", "c"))
    told = "map stripe-claim-to-payment-intent: currency: the amount is in USD and the currency written is EUR"
    assert (failure.cause, failure.detail) == ("rejected", f"{told}; write USD")
    assert http.sent == []
    http.answers(MADE)
    whole = changed(StripeMaps, {name: [*FX, *USD]})
    asyncio.run(stripe(http, whole).collect(CLAIM, "k", "c"))
    assert (form(http.sent[0])["amount"], form(http.sent[0])["currency"]) == ("15000", "usd")


# --- read -------------------------------------------------------------------------------------------


def test_the_invoice_is_found_where_the_maps_write_its_number(http, changed):
    schema = "objects: {PaymentMetadata: {bill_no: text}}\n"
    files = {
        "maps/stripe/claim_to_payment_intent.yaml": [
            ("to: metadata.invoice_number", "to: metadata.bill_no"),
            ("metadata: {invoice_number", "metadata: {bill_no"),
        ],
        "maps/stripe/payment_intent_to_payment.yaml": [
            ("from: metadata.invoice_number", "from: metadata.bill_no"),
            ("{invoice_number: INV1, due_on", "{bill_no: INV1, due_on"),
        ],
    }
    maps = changed(StripeMaps, files, schema)
    metadata = {"bill_no": "INV1", "invoice_number": "other"}
    told = {"id": "pi_1", "object": "payment_intent", "metadata": metadata}
    again = (400, {"error": {"type": "idempotency_error"}})
    known = (200, {"data": [{**INTENT, "metadata": metadata}], "has_more": False})
    http.answers(MADE, (200, {**INTENT, "metadata": metadata}), again, known)
    http.answers((200, {"data": [{**EVENT, "data": {"object": told}}], "has_more": False}))
    connector = stripe(http, maps)
    asyncio.run(connector.collect(CLAIM, "k", "c"))
    assert form(http.sent[0])["metadata[bill_no]"] == "INV1"
    assert asyncio.run(connector.payment("pi_1")).invoice_number == "INV1"
    assert asyncio.run(connector.collect(CLAIM, "k", "c")) == "pi_1"
    ((event,), _) = asyncio.run(connector.changes(Clock().now()))
    assert event.lane == "invoice:INV1"


def test_a_payment_of_somebody_elses_words_stops_no_feed_and_is_refused_when_it_is_read(http, refusal, changed):
    files = {
        "maps/gocardless/payment_to_payment.yaml": [
            ("    to: invoice_number\n    invertible: true\n",
             "    to: invoice_number\n    by: {code: {list: gocardless-payment-states}}\n"),
            ("metadata: {invoice_number: INV1}", "metadata: {invoice_number: failed}"),
            ("invoice_number: INV1", "invoice_number: failed"),
        ]
    }  # fmt: skip
    event = {
        "id": "EV1",
        "created_at": "1970-01-01T00:00:07.000Z",
        "resource_type": "payments",
        "action": "created",
        "links": {"payment": "PM1"},
        "resource_metadata": {"invoice_number": "theirs"},
    }
    http.answers((200, {"events": [event]}), (200, {"payments": {**DEBIT, "metadata": {"invoice_number": "theirs"}}}))
    http.answers((200, {"events": []}), (200, {"mandates": {"links": {"customer": "CU1"}}}))
    connector = gocardless(http, changed(GoCardlessMaps, files))
    ((told,), _) = asyncio.run(connector.changes(0))
    assert told.lane == "payment:PM1"
    failure = refusal(connector.payment("PM1"))
    assert failure.cause == "rejected"
    assert "map gocardless-payment-to-payment: metadata.invoice_number: 'theirs' is not in code list" in failure.detail


def test_what_counts_as_paid_is_the_code_lists(http, changed):
    maps = changed(
        StripeMaps, {"codes/stripe_payment_states.yaml": [("requires_capture: pending", "requires_capture: paid")]}
    )
    http.answers((200, INTENT), (200, INTENT))
    assert asyncio.run(stripe(http).payment("pi_1")).state == "pending"
    assert asyncio.run(stripe(http, maps).payment("pi_1")).state == "paid"


def test_a_payout_is_named_by_the_field_the_map_names(http, changed):
    files = {
        "maps/stripe/payout_to_payout.yaml": [
            ("from: [trace_id.value, statement_descriptor]", "from: description"),
            ("reference: TR1", "reference: STRIPE"),
        ]
    }
    payout = {"id": "po_1", "amount": 5, "currency": "eur", "arrival_date": 0, "automatic": False}
    answer = (200, {**payout, "description": "WEEK 1", "trace_id": {"value": "TR1"}})
    http.answers(answer, answer)
    assert asyncio.run(stripe(http).payout("po_1")).reference == "TR1"
    assert asyncio.run(stripe(http, changed(StripeMaps, files)).payout("po_1")).reference == "WEEK 1"


def test_a_connector_works_by_other_maps_from_the_next_call_on_and_keeps_what_it_knows(http, changed):
    files = {"codes/gocardless_payment_states.yaml": [("submitted: pending", "submitted: paid")]}
    changed(GoCardlessMaps, files)
    payment, none = (200, {"payments": dict(DEBIT)}), (200, {"events": []})
    http.answers(payment, none, (200, {"mandates": {"links": {"customer": "CU1"}}}), payment, none, payment, none)
    connector = gocardless(http)
    assert asyncio.run(connector.payment("PM1")).state == "pending"
    connector.use(own_maps(changed.folder))
    assert asyncio.run(connector.payment("PM1")).state == "paid"
    connector.use(None)
    assert asyncio.run(connector.payment("PM1")).state == "pending"


# --- refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "name", "change", "told"),
    [
        (
            StripeMaps,
            "maps/stripe/payment_intent_to_payment.yaml",
            [
                ("from: metadata.invoice_number", "from: description"),
                ('metadata: {invoice_number: INV1, due_on: "2026-02-04"}', "description: INV1"),
            ],
            "invoice_number: map stripe-payment-intent-to-payment is asked for it where there is no whole "
            "stripe.payment_intent; make it of one field of metadata alone, without look-ups",
        ),
        (
            GoCardlessMaps,
            "maps/gocardless/payment_to_payment.yaml",
            [
                ("from: outcome, to: state", "from: [reason, outcome], to: state"),
                ("      reason: refund_requested\n      links", "      links"),
                ("reason: refund_requested", 'reason: ""'),
            ],
            "state: map gocardless-payment-to-payment is asked for it where there is no whole "
            "gocardless.payment; make it of outcome alone, without look-ups",
        ),
    ],
)
def test_what_lists_and_events_cannot_tell_is_refused_before_anything_starts(changed, vendor, name, change, told):
    with pytest.raises(MappingError) as refused:
        changed(vendor, {name: change})
    assert told in str(refused.value)
