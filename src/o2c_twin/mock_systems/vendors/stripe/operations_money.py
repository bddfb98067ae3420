"""Refunds, disputes, the balance and its payouts."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.roles.billing import Dispute
from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.money_shapes import EVIDENCE
from o2c_twin.mock_systems.vendors.stripe.operations_invoices import checked_currency, given
from o2c_twin.mock_systems.vendors.stripe.operations_payments import Whole
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect


class MetadataParams(Params, kw_only=True):
    """Only metadata may change."""

    metadata: Metadata | UnsetType = UNSET


# --- refunds ----------------------------------------------------------------------------------------


class RefundParams(Params, kw_only=True):
    """What to send back; without an amount all that is left."""

    charge: str | None = None
    payment_intent: str | None = None
    amount: Whole | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    instructions_email: str | None = None
    metadata: Metadata | UnsetType = UNSET


class RefundListParams(DatedListParams, kw_only=True):
    """Filters of a list of refunds."""

    charge: str | None = None
    payment_intent: str | None = None


def refund_create(stripe: "StripeDialect", asked: Asked, params: RefundParams) -> Shape:
    """Send money back."""
    charge_id = params.charge
    if charge_id is None:
        if params.payment_intent is None:
            message = "One of the following params should be provided for this request: payment_intent or charge."
            errors.refuse(400, message, code="parameter_missing")
        payment = stripe.core.collecting.payment(params.payment_intent)
        if payment.status != "succeeded":
            message = "This PaymentIntent does not have a successful charge to refund."
            errors.refuse(400, message, code="payment_intent_unexpected_state", param="payment_intent")
        charge_id = payment.charge_ids[-1]
    refund = stripe.core.returning.refund(charge_id, params.amount, params.reason, merged({}, given(params.metadata)))
    return stripe.shapes.refund(refund, asked.version)


def refund_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A refund."""
    refund = stripe.core.state.refunds.get(asked.id)
    if refund is None:
        errors.no_such("refund", asked.id, "id", in_path=True)
    return stripe.shapes.refund(refund, asked.version)


def refund_update(stripe: "StripeDialect", asked: Asked, params: MetadataParams) -> Shape:
    """Change metadata."""
    refund = stripe.core.state.refunds.get(asked.id)
    if refund is None:
        errors.no_such("refund", asked.id, "id", in_path=True)
    refund.metadata = merged(refund.metadata, given(params.metadata))
    stripe.core.books.tell("refund", refund.id, "updated")
    return stripe.shapes.refund(refund, asked.version)


def refund_cancel(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Only refunds that wait for the customer can be cancelled, and none here do."""
    shown = refund_retrieve(stripe, asked, params)
    errors.refuse(400, f"A refund with status {shown['status']} cannot be canceled; only requires_action can.")


def refund_list(stripe: "StripeDialect", asked: Asked, params: RefundListParams) -> Shape:
    """Refunds."""
    rows = (
        refund
        for refund in newest(stripe.core.state.refunds, params.created)
        if params.charge in (None, refund.charge_id) and params.payment_intent in (None, refund.payment_id)
    )
    show = stripe.shapes.refund
    return page(rows, params, "/v1/refunds", "refund", lambda r: r.id, lambda r: show(r, asked.version))


# --- disputes ---------------------------------------------------------------------------------------


class DisputeListParams(DatedListParams, kw_only=True):
    """Filters of a list of disputes."""

    charge: str | None = None
    payment_intent: str | None = None


class DisputeParams(Params, kw_only=True):
    """Evidence; ``submit`` sends it to the bank."""

    evidence: dict[str, Text] = msgspec.field(default_factory=dict)
    submit: bool = True
    metadata: Metadata | UnsetType = UNSET


def _dispute(stripe: "StripeDialect", asked: Asked) -> Dispute:
    return stripe.core.returning.dispute(asked.id)


def dispute_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A dispute."""
    return stripe.shapes.dispute(_dispute(stripe, asked), asked.version)


def dispute_update(stripe: "StripeDialect", asked: Asked, params: DisputeParams) -> Shape:
    """Put evidence together and send it. In the sandbox two words decide: winning_evidence and losing_evidence."""
    dispute = _dispute(stripe, asked)
    for name in params.evidence:
        if name not in EVIDENCE:
            unknown = f"evidence[{name[:40]}]"
            errors.refuse(400, f"Received unknown parameter: {unknown}", code="parameter_unknown", param=unknown)
    if params.evidence:
        words = params.evidence.get("uncategorized_text", "")
        persuasive = {"winning_evidence": True, "losing_evidence": False}.get(words)
        if stripe.config.livemode:
            persuasive = None
        stripe.core.returning.give_evidence(dispute.id, params.evidence, params.submit, persuasive)
        if persuasive is not None and params.submit:
            stripe.core.returning.decide(dispute.id, persuasive)
    dispute.metadata = merged(dispute.metadata, given(params.metadata))
    return stripe.shapes.dispute(dispute, asked.version)


def dispute_close(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Do not contest it: lost."""
    return stripe.shapes.dispute(stripe.core.returning.accept(asked.id), asked.version)


def dispute_list(stripe: "StripeDialect", asked: Asked, params: DisputeListParams) -> Shape:
    """Disputes."""
    rows = (
        dispute
        for dispute in newest(stripe.core.state.disputes, params.created)
        if params.charge in (None, dispute.charge_id) and params.payment_intent in (None, dispute.payment_id)
    )
    show = stripe.shapes.dispute
    return page(rows, params, "/v1/disputes", "dispute", lambda d: d.id, lambda d: show(d, asked.version))


# --- balance ----------------------------------------------------------------------------------------


class EntryListParams(DatedListParams, kw_only=True):
    """Filters of a list of balance transactions."""

    payout: str | None = None
    type: str | None = None
    source: str | None = None
    currency: str | None = None


def balance(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """The merchant's balance."""
    return stripe.shapes.balance()


def entry_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A balance transaction."""
    entry = stripe.core.state.entries.get(asked.id)
    if entry is None:
        errors.no_such("balance_transaction", asked.id, "id", in_path=True)
    return stripe.shapes.entry(entry, asked.version)


def entry_list(stripe: "StripeDialect", asked: Asked, params: EntryListParams) -> Shape:
    """Balance transactions; of an automatic payout those it is made of, with its own."""
    show = stripe.shapes.entry
    entries: Any = newest(stripe.core.state.entries, params.created)
    if params.payout is not None:
        payout = stripe.core.ledger.payout(params.payout)
        if not payout.automatic:
            message = "Balance transaction history can only be filtered on automatic transfers, not manual."
            errors.refuse(400, message, param="payout")
        made_of = {entry.id: entry for entry in stripe.core.ledger.entries_of(payout.id)}
        entries = newest(made_of, params.created)
    rows = (
        entry
        for entry in entries
        if params.source in (None, entry.source_id)
        and params.currency in (None, entry.currency)
        and params.type in (None, show(entry, asked.version)["type"])
    )
    kind = "balance_transaction"
    return page(rows, params, "/v1/balance_transactions", kind, lambda e: e.id, lambda e: show(e, asked.version))


# --- payouts ----------------------------------------------------------------------------------------


class PayoutParams(Params, kw_only=True):
    """A payout by hand."""

    amount: Whole
    currency: str
    description: Text | None = None
    statement_descriptor: Annotated[str, msgspec.Meta(max_length=22)] | None = None
    method: Literal["standard"] = "standard"
    metadata: Metadata | UnsetType = UNSET


class PayoutListParams(DatedListParams, kw_only=True):
    """Filters of a list of payouts."""

    status: Literal["pending", "in_transit", "paid", "failed", "canceled"] | None = None
    arrival_date: Whole | None = None


def payout_create(stripe: "StripeDialect", asked: Asked, params: PayoutParams) -> Shape:
    """Send available money to the bank."""
    if stripe.core.books.terms.payouts.interval != "manual":
        errors.refuse(400, "Payouts by hand need a manual payout schedule.", code="payouts_not_allowed")
    payout = stripe.core.ledger.pay_out(
        params.amount,
        checked_currency(params.currency),
        params.description,
        params.statement_descriptor,
        merged({}, given(params.metadata)),
    )
    return stripe.shapes.payout(payout, asked.version)


def payout_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A payout."""
    return stripe.shapes.payout(stripe.core.ledger.payout(asked.id), asked.version)


def payout_update(stripe: "StripeDialect", asked: Asked, params: MetadataParams) -> Shape:
    """Change metadata."""
    payout = stripe.core.ledger.payout(asked.id)
    payout.metadata = merged(payout.metadata, given(params.metadata))
    stripe.core.books.tell("payout", payout.id, "updated")
    return stripe.shapes.payout(payout, asked.version)


def payout_cancel(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Call a payout back before it is on its way."""
    return stripe.shapes.payout(stripe.core.ledger.cancel(asked.id), asked.version)


def payout_list(stripe: "StripeDialect", asked: Asked, params: PayoutListParams) -> Shape:
    """Payouts."""
    show = stripe.shapes.payout
    rows = (
        payout
        for payout in newest(stripe.core.state.payouts, params.created)
        if params.status in (None, show(payout, asked.version)["status"])
        and params.arrival_date in (None, show(payout, asked.version)["arrival_date"])
    )
    return page(rows, params, "/v1/payouts", "payout", lambda p: p.id, lambda p: show(p, asked.version))


_ENTRIES = "docs: payout reconciliation"
ROUTES = (
    operation("refunds.create", "POST", "/v1/refunds", refund_create, "Send money back", RefundParams),
    operation("refunds.list", "GET", "/v1/refunds", refund_list, "List refunds", RefundListParams),
    operation("refunds.retrieve", "GET", "/v1/refunds/{id}", refund_retrieve, "A refund"),
    operation("refunds.update", "POST", "/v1/refunds/{id}", refund_update, "Change a refund", MetadataParams),
    operation("refunds.cancel", "POST", "/v1/refunds/{id}/cancel", refund_cancel, "Cancel a refund"),
    operation("disputes.list", "GET", "/v1/disputes", dispute_list, "List disputes", DisputeListParams),
    operation("disputes.retrieve", "GET", "/v1/disputes/{id}", dispute_retrieve, "A dispute"),
    operation("disputes.update", "POST", "/v1/disputes/{id}", dispute_update, "Give evidence", DisputeParams),
    operation("disputes.close", "POST", "/v1/disputes/{id}/close", dispute_close, "Accept a dispute"),
    operation("balance.retrieve", "GET", "/v1/balance", balance, "The balance"),
    operation("balance_transactions.list", "GET", "/v1/balance_transactions", entry_list, "Movements of the balance",
              EntryListParams, _ENTRIES),
    operation("balance_transactions.retrieve", "GET", "/v1/balance_transactions/{id}", entry_retrieve,
              "A movement of the balance"),
    operation("payouts.create", "POST", "/v1/payouts", payout_create, "Pay out by hand", PayoutParams),
    operation("payouts.list", "GET", "/v1/payouts", payout_list, "List payouts", PayoutListParams),
    operation("payouts.retrieve", "GET", "/v1/payouts/{id}", payout_retrieve, "A payout"),
    operation("payouts.update", "POST", "/v1/payouts/{id}", payout_update, "Change a payout", MetadataParams),
    operation("payouts.cancel", "POST", "/v1/payouts/{id}/cancel", payout_cancel, "Call a payout back"),
)  # fmt: skip
