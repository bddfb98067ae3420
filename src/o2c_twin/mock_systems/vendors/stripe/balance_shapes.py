"""The merchant's balance, payouts from it and what customers have in cash, as Stripe shows them."""

from o2c_twin.mock_systems.roles.billing import CashEntry, Entry, Payout
from o2c_twin.mock_systems.vendors.stripe.shapes import BillingShapes, Shape, seconds
from o2c_twin.mock_systems.vendors.stripe.versions import Version

_ENTRY = {
    "refund-failure": ("refund_failure", "refund_failure"),
    "dispute": ("adjustment", "dispute"),
    "dispute-reversal": ("adjustment", "dispute_reversal"),
    "payout": ("payout", "payout"),
    "payout-failure": ("payout_failure", "payout_reversal"),
    "payout-cancelled": ("payout_cancel", "payout_reversal"),
}
CASH_KIND = {
    "funded": "funded",
    "applied": "applied_to_payment",
    "unapplied": "unapplied_from_payment",
    "refunded": "refunded_from_payment",
    "returned": "return_initiated",
}


class BalanceShapes(BillingShapes):
    """Shapes of what money there is in one account, and how it came and went."""

    def entry(self, entry: Entry, version: Version) -> Shape:
        """A balance transaction."""
        if entry.kind == "charge":
            type_, category = ("charge" if entry.method == "card" else "payment"), "charge"
        elif entry.kind == "refund":
            type_, category = ("refund" if entry.method == "card" else "payment_refund"), "refund"
        else:
            type_, category = _ENTRY[entry.kind]
        fees = []
        if entry.fee_minor:
            fee: Shape = {
                "amount": entry.fee_minor,
                "application": None,
                "currency": entry.currency,
                "description": "Dispute fee" if entry.kind.startswith("dispute") else "Stripe processing fees",
                "type": "stripe_fee",
            }
            fees.append(fee)
        return {
            "id": entry.id,
            "object": "balance_transaction",
            "amount": entry.amount_minor,
            "available_on": seconds(entry.available_at),
            "balance_type": "payments",
            "created": seconds(entry.created_at),
            "currency": entry.currency,
            "description": entry.description,
            "exchange_rate": None,
            "fee": entry.fee_minor,
            "fee_details": fees,
            "net": entry.net_minor,
            "reporting_category": category,
            "source": entry.source_id,
            "status": "available" if entry.available_at <= self.core.books.now() else "pending",
            "type": type_,
        }

    def payout(self, payout: Payout, version: Version) -> Shape:
        """A payout."""
        day_s = 86_400
        reconciliation = "completed" if payout.reconciled else "in_progress"
        return {
            "id": payout.id,
            "object": "payout",
            "amount": payout.amount_minor,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": (payout.arrives_at // 1_000_000) // day_s * day_s,
            "automatic": payout.automatic,
            "balance_transaction": payout.entry_id or None,
            "created": seconds(payout.created_at),
            "currency": payout.currency,
            "description": "STRIPE PAYOUT" if payout.automatic else payout.description,
            "destination": f"ba_{self.config.account[5:]}",
            "failure_balance_transaction": payout.failure_entry_id,
            "failure_code": payout.failure,
            "failure_message": None if payout.failure is None else "The bank did not take the payout.",
            "livemode": self.live,
            "metadata": payout.metadata,
            "method": "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": reconciliation if payout.automatic else "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": payout.statement,
            "status": {"in-transit": "in_transit", "cancelled": "canceled"}.get(payout.status, payout.status),
            "trace_id": {"status": "supported", "value": payout.reference},
            "type": "bank_account",
        }

    def balance(self) -> Shape:
        """The merchant's balance."""
        sums = self.core.ledger.balance() or {self.config.currency: (0, 0)}

        def part(currency: str, minor: int) -> Shape:
            return {"amount": minor, "currency": currency, "source_types": {"card": minor}}

        return {
            "object": "balance",
            "available": [part(currency, available) for currency, (available, _) in sums.items()],
            "livemode": self.live,
            "pending": [part(currency, pending) for currency, (_, pending) in sums.items()],
        }

    def cash_entry(self, entry: CashEntry, version: Version) -> Shape:
        """A movement of a customer's cash."""
        kind = CASH_KIND[entry.kind]
        shown: Shape = {
            "id": entry.id,
            "object": "customer_cash_balance_transaction",
            "created": seconds(entry.created_at),
            "currency": entry.currency,
            "customer": entry.customer_id,
            "ending_balance": entry.ending_minor,
            "livemode": self.live,
            "net_amount": entry.amount_minor,
            "type": kind,
        }
        if entry.kind in ("applied", "unapplied"):
            shown[kind] = {"payment_intent": entry.source_id}
        elif entry.kind == "refunded":
            shown[kind] = {"refund": entry.source_id}
        elif entry.kind == "funded":
            sender = {"bic": None, "iban_last4": None, "sender_name": entry.payer}
            transfer = {"eu_bank_transfer": sender, "reference": entry.reference, "type": "eu_bank_transfer"}
            shown[kind] = {"bank_transfer": transfer}
        return shown
