"""What the shipped maps of payment providers and of the old ERP make of any record, said once more by hand."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.mappings.canonical import words

from o2c_twin.integration.connectors.gocardless import BankDetails, GoCardlessPayments
from o2c_twin.integration.connectors.stripe import StripePayments
from o2c_twin.integration.mappings import shipped_maps
from o2c_twin.integration.mappings.documents import Receipt
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Deal,
    DealLine,
    Party,
    PaymentClaim,
    Payout,
    PayoutLine,
    ProviderPayment,
)
from o2c_twin.integration.ports import HttpAnswer

MAPS = shipped_maps()
maybe = st.none() | words
amounts = st.integers(0, 10**9)
currencies = st.sampled_from(["EUR", "JPY", "KWD"])
parties = st.builds(
    Party, words, words, st.none() | st.just("") | words, st.none() | st.just("") | words,
    st.integers(0, 120), st.none() | amounts,
)  # fmt: skip
claims = st.builds(PaymentClaim, words, words, amounts, currencies, st.dates().map(str))
seconds = st.integers(0, 2 * 10**9)


class Answers:
    """A wire that answers with these bodies, one after the other, and keeps what it was sent."""

    def __init__(self, *answers):
        self._answers = [json.dumps(each).encode() for each in answers]
        self.sent = []

    async def send(self, request):
        self.sent.append(request)
        return HttpAnswer(200, {}, self._answers.pop(0))


class Noon:
    def now(self):
        return 0


def stripe(wire):
    return StripePayments("payments", "https://x.example", wire, Noon(), "k", "s")


def gocardless(wire):
    def details(party):
        return BankDetails(party.name, iban="DE1")

    return GoCardlessPayments("payments", "https://x.example", wire, Noon(), "t", "s", details)


def without_blanks(**fields):
    return {name: value for name, value in fields.items() if value}


# --- Stripe -----------------------------------------------------------------------------------------


def form(wire):
    return dict(parse_qsl(wire.sent[-1].body.decode(), keep_blank_values=True))


@settings(max_examples=40)
@given(parties)
def test_a_payer_is_written(party):
    wire = Answers({"id": "cus_1"})
    asyncio.run(stripe(wire).put_payer(party, "k", "c"))
    numbers = {"metadata[crm_id]": party.crm_id, "metadata[customer_number]": party.number}
    assert form(wire) == without_blanks(name=party.name, email=party.email, **numbers)


@settings(max_examples=40)
@given(claims)
def test_a_claim_is_written(claim):
    wire = Answers({"id": "pi_1"})
    asyncio.run(stripe(wire).collect(claim, "k", "c"))
    assert form(wire) == {
        "amount": str(claim.amount_minor),
        "currency": claim.currency.lower(),
        "customer": claim.payer_id,
        "description": f"Invoice {claim.invoice_number}",
        "metadata[invoice_number]": claim.invoice_number,
        "metadata[due_on]": claim.due_on,
    }


STATES = {
    "requires_payment_method": "pending",
    "requires_confirmation": "pending",
    "requires_action": "pending",
    "processing": "pending",
    "requires_capture": "pending",
    "succeeded": "paid",
    "canceled": "cancelled",
}


@st.composite
def intents(draw):
    """Payment intents with what may belong to one of that status."""
    amount = draw(st.integers(1, 10**6))
    received = draw(st.integers(1, amount))
    refunds = [{"created": draw(seconds), "reason": draw(maybe)} for _ in range(draw(st.integers(0, 2)))]
    kept = draw(st.integers(amount - received, amount))
    charge = {"created": draw(seconds), "amount": amount, "amount_refunded": kept, "refunds": {"data": refunds}}
    status = draw(st.sampled_from(sorted(STATES)))
    return {
        "id": draw(words),
        "status": status,
        "amount": amount,
        "amount_received": received,
        "currency": draw(currencies).lower(),
        "customer": draw(maybe),
        "metadata": draw(st.fixed_dictionaries({"other": words}, optional={"invoice_number": words})),
        "created": draw(seconds),
        "canceled_at": draw(st.none() | seconds),
        "cancellation_reason": draw(maybe),
        "latest_charge": charge if status == "succeeded" else draw(st.none() | st.just(charge)),
        "last_payment_error": draw(st.none() | st.fixed_dictionaries({"code": maybe, "decline_code": maybe})),
    }


def payment_of(intent):
    charge, error = intent["latest_charge"], intent["last_payment_error"]
    state, reason, amount, refunded = STATES[intent["status"]], "", intent["amount"], 0
    times = [intent["created"], intent["canceled_at"] or 0, charge["created"] if charge else 0]
    if state == "pending" and error:
        state, reason = "failed", error["decline_code"] or error["code"] or ""
    elif state == "cancelled":
        reason = intent["cancellation_reason"] or ""
    elif state == "paid":
        amount = intent["amount_received"]
        refunded = max(0, charge["amount_refunded"] - charge["amount"] + amount)
        times += [each["created"] for each in charge["refunds"]["data"]]
        if refunded >= amount:
            state = "refunded"
            reason = ([each["reason"] for each in charge["refunds"]["data"] if each["reason"]] or [""])[0]
    return ProviderPayment(
        payment_id=intent["id"],
        invoice_number=intent["metadata"].get("invoice_number"),
        payer_id=intent["customer"],
        amount_minor=amount,
        refunded_minor=refunded,
        currency=intent["currency"].upper(),
        state=state,
        reason=reason,
        payout_id=None,
        modified_at=max(times) * 1_000_000,
    )


@settings(max_examples=80)
@given(intents())
def test_a_payment_is_read(intent):
    assert asyncio.run(stripe(Answers(intent)).payment("pi_1")) == payment_of(intent)


KINDS = {
    "charge": "payment",
    "payment": "payment",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund",
    "stripe_fee": "fee",
}
entries = st.fixed_dictionaries(
    {
        "id": words,
        "type": st.sampled_from([*KINDS, "adjustment", "payout", "tax_fee"]),
        "reporting_category": st.sampled_from(["dispute", "dispute_reversal", "charge", "other"]),
        "amount": st.integers(-(10**6), 10**6),
        "fee": st.integers(0, 999),
        "source": st.none() | words | st.fixed_dictionaries({"id": words}, optional={"payment_intent": maybe}),
    }
)
payouts = st.fixed_dictionaries(
    {"id": words, "amount": amounts, "currency": st.just("eur"), "arrival_date": seconds, "automatic": st.just(True)},
    optional={
        "trace_id": st.none() | st.fixed_dictionaries({"value": st.none() | st.just("") | words}),
        "statement_descriptor": st.none() | st.just("") | words,
    },
)


def line_of(entry):
    kind = KINDS.get(entry["type"], "adjustment")
    if entry["type"] == "adjustment" and entry["reporting_category"] in ("dispute", "dispute_reversal"):
        kind = "chargeback"
    source = entry["source"] if isinstance(entry["source"], dict) else {}
    return PayoutLine(source.get("payment_intent"), kind, entry["amount"], entry["fee"])


@settings(max_examples=60)
@given(payouts, st.lists(entries, max_size=4))
def test_a_payout_is_read(row, rows):
    reference = (row.get("trace_id") or {}).get("value") or row.get("statement_descriptor") or "STRIPE"
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=row["arrival_date"])).date().isoformat()
    lines = tuple(line_of(each) for each in rows if each["type"] != "payout")
    read = asyncio.run(stripe(Answers(row, {"data": rows, "has_more": False})).payout("po_1"))
    assert read == Payout(row["id"], row["amount"], "EUR", reference, day, lines)


# --- GoCardless -------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(parties)
def test_a_debited_customer_is_written(party):
    wire = Answers(*({kind: {"id": "X"}} for kind in ("customers", "customer_bank_accounts", "mandates")))
    asyncio.run(gocardless(wire).put_payer(party, "k", "c"))
    metadata = without_blanks(crm_id=party.crm_id, customer_number=party.number)
    body = without_blanks(company_name=party.name, metadata=metadata, email=party.email)
    assert json.loads(wire.sent[0].body) == {"customers": body}


@settings(max_examples=40)
@given(claims)
def test_a_debit_is_written(claim):
    claim = msgspec.structs.replace(claim, currency="EUR")
    mandate = {"id": "MD1", "scheme": "sepa_core", "status": "active", "next_possible_charge_date": "9999-12-31"}
    wire = Answers({"mandates": [mandate]}, {"payments": {"id": "PM1"}})
    asyncio.run(gocardless(wire).collect(claim, "k", "c"))
    assert json.loads(wire.sent[-1].body) == {
        "payments": {
            "amount": claim.amount_minor,
            "currency": claim.currency,
            "description": f"Invoice {claim.invoice_number}",
            "metadata": {"invoice_number": claim.invoice_number},
            "links": {"mandate": "MD1"},
        }
    }


DEBITS = {
    "pending_customer_approval": "pending",
    "pending_submission": "pending",
    "submitted": "pending",
    "confirmed": "paid",
    "paid_out": "paid",
    "cancelled": "cancelled",
    "customer_approval_denied": "cancelled",
    "failed": "failed",
    "charged_back": "charged-back",
}
debits = st.fixed_dictionaries(
    {
        "id": words,
        "status": st.sampled_from(sorted(DEBITS)),
        "amount": st.integers(1, 99),
        "amount_refunded": st.integers(0, 99),
        "currency": currencies,
        "metadata": st.fixed_dictionaries({}, optional={"invoice_number": words}),
        "links": st.fixed_dictionaries({"mandate": st.just("MD1")}, optional={"payout": words}),
        "created_at": st.just("1970-01-01T00:00:01.000Z"),
    }
)


@settings(max_examples=80)
@given(debits, words, st.booleans())
def test_a_debit_is_read(row, cause, ended):
    event = {"id": "EV1", "created_at": "1970-01-01T00:00:02.000Z", "resource_type": "payments"}
    event |= {"action": "failed" if ended else "submitted", "details": {"cause": cause}}
    wire = Answers({"payments": row}, {"events": [event]}, {"mandates": {"links": {"customer": "CU1"}}})
    state = DEBITS[row["status"]]
    if state == "paid" and row["amount_refunded"] >= row["amount"]:
        state = "refunded"
    assert asyncio.run(gocardless(wire).payment("PM1")) == ProviderPayment(
        payment_id=row["id"],
        invoice_number=row["metadata"].get("invoice_number"),
        payer_id="CU1",
        amount_minor=row["amount"],
        refunded_minor=row["amount_refunded"],
        currency=row["currency"],
        state=state,
        reason=cause if ended and state not in ("pending", "paid") else "",
        payout_id=row["links"].get("payout"),
        modified_at=2_000_000,
    )


# --- the old ERP ------------------------------------------------------------------------------------


def filled(record):
    return {name: value for name, value in record.items() if value is not None}


@settings(max_examples=40)
@given(parties, currencies)
def test_a_customer_of_the_old_erp_is_written(party, currency):
    made = MAPS.compiled("legacy-erp-party-to-customer")(party, {"currency": currency})
    head = {"CUST_NO": party.number, "NAME": party.name, "CURR": currency, "TERMS_DAYS": party.terms_days}
    assert made == filled(head | {"CREDIT_LIMIT": party.credit_limit_minor, "EMAIL": party.email})


lines = st.lists(st.builds(DealLine, words, st.integers(1, 999), amounts), max_size=3).map(tuple)


@settings(max_examples=40)
@given(lines, maybe, currencies)
def test_an_order_of_the_old_erp_is_written(sold, po_number, currency):
    deal = Deal("D1", "R-1", po_number, Party("A1", "Acme"), sold, currency, 0)
    rows = [{"SKU": x.sku, "QTY": x.quantity, "UOM": "EA", "PRICE": x.unit_price_minor} for x in sold]
    made = MAPS.compiled("legacy-erp-deal-to-order")(deal, {"customer": "K-1"})
    assert made == filled({"CUST_NO": "K-1", "PO_NO": po_number, "CURR": currency, "lines": rows})


@settings(max_examples=40)
@given(amounts, words, st.lists(st.builds(Allocation, words, amounts), min_size=1, max_size=3), currencies)
def test_cash_of_the_old_erp_is_written(amount, reference, paid, currency):
    entry = BankEntry(reference, amount, currency, "2026-01-05", None, "", None, None)
    invoices = {each.invoice_erp_id: f"INV-{each.invoice_erp_id}" for each in paid}
    receipt = Receipt(entry, "77", tuple(paid))
    made = MAPS.compiled("legacy-erp-receipt-to-cash")(receipt, {"customer": "K-1", "invoices": invoices})
    rows = [{"INV_NO": f"INV-{each.invoice_erp_id}", "AMOUNT": each.amount_minor} for each in paid]
    head = {"CUST_NO": "K-1", "VALUE_DATE": "2026-01-05", "AMOUNT": amount, "CURR": currency, "BANK_REF": reference}
    assert made == head | {"lines": rows}
