"""Payments and the money that goes back, as Stripe shows them."""

from typing import Any

from o2c_twin.mock_systems.roles.billing import Charge, Dispute, Payment, Refund
from o2c_twin.mock_systems.roles.direct_debit import iban
from o2c_twin.mock_systems.vendors.stripe.balance_shapes import BalanceShapes
from o2c_twin.mock_systems.vendors.stripe.errors import payment_error
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape, listing, seconds
from o2c_twin.mock_systems.vendors.stripe.versions import Version

PAYMENT_STATUS = {
    "needs-instrument": "requires_payment_method",
    "needs-confirmation": "requires_confirmation",
    "needs-action": "requires_action",
    "processing": "processing",
    "capturable": "requires_capture",
    "succeeded": "succeeded",
    "cancelled": "canceled",
}
DISPUTE_STATUS = {
    "inquiry": "warning_needs_response",
    "inquiry-review": "warning_under_review",
    "inquiry-closed": "warning_closed",
    "needs-response": "needs_response",
    "under-review": "under_review",
    "won": "won",
    "lost": "lost",
}
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_CANCEL_REASON = {"void": "void_invoice", "automatic": "automatic"}


class MoneyShapes(BalanceShapes):
    """Shapes of payment objects of one account."""

    # --- payments ----------------------------------------------------------------------------------

    def payment(self, payment: Payment, version: Version) -> Shape:
        """A PaymentIntent."""
        shown: Shape = {
            "id": payment.id,
            "object": "payment_intent",
            "amount": payment.amount_minor,
            "amount_capturable": payment.capturable_minor,
            "amount_details": {"tip": {}},
            "amount_received": payment.received_minor,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": seconds(payment.cancelled_at),
            "cancellation_reason": _CANCEL_REASON.get(payment.cancel_reason or "", payment.cancel_reason),
            "capture_method": "manual" if payment.manual_capture else "automatic",
            "client_secret": f"{payment.id}_secret_{payment.id[-12:]}",
            "confirmation_method": "automatic",
            "created": seconds(payment.created_at),
            "currency": payment.currency,
            "customer": payment.customer_id,
            "description": payment.description,
            "last_payment_error": self._error(payment, version),
            "latest_charge": payment.charge_ids[-1] if payment.charge_ids else None,
            "livemode": self.live,
            "metadata": payment.metadata,
            "next_action": self._next_action(payment),
            "on_behalf_of": None,
            "payment_method": payment.instrument_id,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": [self.method_names[method] for method in payment.methods],
            "processing": None,
            "receipt_email": payment.email,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": payment.statement,
            "statement_descriptor_suffix": None,
            "status": PAYMENT_STATUS[payment.status],
            "transfer_data": None,
            "transfer_group": None,
        }
        if not version.invoice_payments:
            shown["invoice"] = payment.invoice_id
        if not version.latest_charge:
            rows = [self.charge(self.core.state.charges[id_], version) for id_ in reversed(payment.charge_ids)]
            shown["charges"] = listing(f"/v1/charges?payment_intent={payment.id}", rows)
            del shown["latest_charge"]
        return shown

    def _error(self, payment: Payment, version: Version) -> Any:
        if payment.error is None:
            return None
        type_, code, reason = payment_error(payment.error.code, payment.error.reason)
        error: Shape = {"code": code, "message": payment.error.message, "type": type_}
        if reason is not None:
            error["decline_code"] = reason
        if payment.error.charge_id is not None:
            error["charge"] = payment.error.charge_id
        instrument = self.core.state.instruments.get(payment.error.instrument_id or "")
        if instrument is not None:
            error["payment_method"] = self.instrument(instrument, version)
        return error

    def _next_action(self, payment: Payment) -> Any:
        if payment.status != "needs-action":
            return None
        if payment.instrument_id is not None:
            return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        customer = self.core.state.customers[payment.customer_id or ""]
        return {
            "type": "display_bank_transfer_instructions",
            "display_bank_transfer_instructions": {
                "amount_remaining": payment.amount_minor - payment.funded_minor,
                "currency": payment.currency,
                "financial_addresses": [self._address(customer.account)],
                "hosted_instructions_url": f"https://payments.stripe.com/bank_transfers/{payment.id}",
                "reference": payment.reference,
                "type": "eu_bank_transfer",
            },
        }

    def _address(self, account: str) -> Shape:
        transfer = {
            "account_holder_name": self.config.account_name,
            "bic": "TWINDEFFXXX",
            "country": self.config.country,
            "iban": iban(self.config.country, f"50010500{account}"),
        }
        return {"type": "iban", "iban": transfer, "supported_networks": ["sepa"]}

    def funding_instructions(self, account: str, currency: str) -> Shape:
        """Where a customer sends transfers."""
        return {
            "object": "funding_instructions",
            "bank_transfer": {
                "country": self.config.country,
                "financial_addresses": [self._address(account)],
                "type": "eu_bank_transfer",
            },
            "currency": currency,
            "funding_type": "bank_transfer",
            "livemode": self.live,
        }

    def charge(self, charge: Charge, version: Version) -> Shape:
        """A charge."""
        instrument = self.core.state.instruments.get(charge.instrument_id or "")
        kind = self.method_names[charge.method]
        failure = None if charge.failure is None else payment_error(charge.failure.code, charge.failure.reason)
        details: Shape = {"type": kind, kind: {} if instrument is None else self.instrument_details(instrument)}
        approved = charge.failure is None
        shown: Shape = {
            "id": charge.id,
            "object": "charge",
            "amount": charge.amount_minor,
            "amount_captured": charge.captured_minor,
            "amount_refunded": charge.refunded_minor,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": charge.entry_id,
            "billing_details": {
                "address": None,
                "email": instrument.email if instrument else None,
                "name": instrument.owner if instrument else None,
                "phone": None,
                "tax_id": None,
            },
            "calculated_statement_descriptor": self.config.account_name.upper()[:22],
            "captured": charge.captured,
            "created": seconds(charge.created_at),
            "currency": charge.currency,
            "customer": charge.customer_id,
            "description": charge.description,
            "disputed": charge.disputed,
            "failure_balance_transaction": None,
            "failure_code": None if failure is None else failure[1],
            "failure_message": None if charge.failure is None else charge.failure.message,
            "fraud_details": {},
            "livemode": self.live,
            "metadata": charge.metadata,
            "on_behalf_of": None,
            "outcome": {
                "network_status": "approved_by_network" if approved else "declined_by_network",
                "reason": None if failure is None else failure[2],
                "risk_level": "normal",
                "seller_message": "Payment complete." if approved else "The bank declined the payment.",
                "type": "authorized" if approved else "issuer_declined",
            },
            "paid": charge.status != "failed",
            "payment_intent": charge.payment_id,
            "payment_method": charge.instrument_id,
            "payment_method_details": details,
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": None,
            "refunded": charge.refunded_minor == charge.amount_minor,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": charge.status,
            "transfer_data": None,
            "transfer_group": None,
        }
        if not version.invoice_payments:
            shown["invoice"] = charge.invoice_id
        if not version.latest_charge:
            shown["refunds"] = self.refunds_of(charge, version)
        return shown

    def refunds_of(self, charge: Charge, version: Version) -> Shape:
        """The refunds of a charge."""
        rows = [self.refund(self.core.state.refunds[id_], version) for id_ in reversed(charge.refund_ids)]
        return listing(f"/v1/charges/{charge.id}/refunds", rows[:10], len(rows) > 10)

    # --- money back --------------------------------------------------------------------------------

    def refund(self, refund: Refund, version: Version) -> Shape:
        """A refund."""
        kind = self.core.state.charges[refund.charge_id].method
        type_ = {"card": "card", "debit": "sepa_bank_transfer", "transfer": "customer_cash_balance"}[kind]
        shown: Shape = {
            "id": refund.id,
            "object": "refund",
            "amount": refund.amount_minor,
            "balance_transaction": refund.entry_id,
            "charge": refund.charge_id,
            "created": seconds(refund.created_at),
            "currency": refund.currency,
            "destination_details": {type_: {}, "type": type_},
            "metadata": refund.metadata,
            "payment_intent": refund.payment_id,
            "reason": refund.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "canceled" if refund.status == "cancelled" else refund.status,
            "transfer_reversal": None,
        }
        if refund.failure is not None:
            shown["failure_balance_transaction"] = refund.failure_entry_id
            shown["failure_reason"] = refund.failure
        if refund.status == "pending":
            shown["pending_reason"] = "processing"
        return shown

    def dispute(self, dispute: Dispute, version: Version) -> Shape:
        """A dispute; its balance transactions are shown whole."""
        charge = self.core.state.charges[dispute.charge_id]
        kind = self.method_names[charge.method]
        now = self.core.books.now()
        waiting = dispute.status in ("inquiry", "needs-response")
        entries = [self.core.state.entries[id_] for id_ in dispute.entry_ids]
        details: Shape = {"type": kind, kind: {"brand": "visa", "case_type": "chargeback"} if kind == "card" else {}}
        return {
            "id": dispute.id,
            "object": "dispute",
            "amount": dispute.amount_minor,
            "balance_transactions": [self.entry(entry, version) for entry in entries],
            "charge": dispute.charge_id,
            "created": seconds(dispute.created_at),
            "currency": dispute.currency,
            "enhanced_eligibility_types": [],
            "evidence": {name: dispute.evidence.get(name) for name in EVIDENCE},
            "evidence_details": {
                "due_by": seconds(dispute.due_at) if dispute.contestable else None,
                "enhanced_eligibility": {},
                "has_evidence": bool(dispute.evidence),
                "past_due": waiting and now > dispute.due_at,
                "submission_count": dispute.submissions,
            },
            "is_charge_refundable": dispute.status.startswith("inquiry"),
            "livemode": self.live,
            "metadata": dispute.metadata,
            "network_reason_code": None,
            "payment_intent": dispute.payment_id,
            "payment_method_details": details,
            "reason": dispute.reason,
            "status": DISPUTE_STATUS[dispute.status],
        }
