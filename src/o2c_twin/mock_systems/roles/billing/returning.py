"""Money that goes back: refunds, which may fail later, and disputes with evidence, won or lost."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.billing.books import Books
from o2c_twin.mock_systems.roles.billing.ledger import Ledger
from o2c_twin.mock_systems.roles.billing.records import Charge, Dispute, Refund
from o2c_twin.mock_systems.roles.billing.rules import DAY_US, business_days_after
from o2c_twin.mock_systems.roles.records import RuleError

if TYPE_CHECKING:
    from o2c_twin.mock_systems.roles.billing.cash import Cash

SETTLE_REFUND = "settle-refund"
ANSWER_DUE = "answer-due"
REVIEW_OVER = "review-over"
OPEN_DISPUTE = ("inquiry", "inquiry-review", "needs-response", "under-review")


class Returning:
    """All refunds and disputes. Methods raise `RuleError` and change nothing when a rule forbids it."""

    cash: "Cash"

    def __init__(self, books: Books, ledger: Ledger) -> None:
        self._books = books
        self._ledger = ledger

    def charge(self, charge_id: str) -> Charge:
        """The charge (``unknown``)."""
        charge = self._books.state.charges.get(charge_id)
        if charge is None:
            raise RuleError("unknown", f"no charge {charge_id}", "charge")
        return charge

    # --- refunds -----------------------------------------------------------------------------------

    def check_refund(self, charge_id: str, amount_minor: int | None = None) -> tuple[Charge, int]:
        """The charge and the sum a refund of it would send back; without an amount all that is left."""
        charge = self.charge(charge_id)
        if charge.status != "succeeded" or not charge.captured:
            raise RuleError("charge-state", f"charge {charge_id} has not taken money", "charge")
        dispute = self._books.state.disputes.get(charge.dispute_id or "")
        if dispute is not None and dispute.status not in ("won", "inquiry", "inquiry-review", "inquiry-closed"):
            raise RuleError("charge-disputed", f"charge {charge_id} is disputed", "charge")
        left = charge.amount_minor - charge.refunded_minor
        if left == 0:
            raise RuleError("already-refunded", f"charge {charge_id} is refunded already", "charge")
        amount = left if amount_minor is None else amount_minor
        if amount <= 0:
            raise RuleError("bad-amount", "the amount must be positive", "amount")
        if amount > left:
            raise RuleError("too-much", f"only {left} of the charge is left to refund", "amount")
        return charge, amount

    def refund(
        self,
        charge_id: str,
        amount_minor: int | None = None,
        reason: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Refund:
        """Send money back: to a card at once, to a bank account in days, of a transfer into the customer's cash."""
        charge, amount = self.check_refund(charge_id, amount_minor)
        books = self._books
        refund = Refund(
            books.new_id(f"{charge.method}-refund"),
            charge.id,
            charge.payment_id,
            amount,
            charge.currency,
            books.now(),
            "pending" if charge.method == "debit" else "succeeded",
            charge.customer_id,
            reason,
            dict(metadata or {}),
        )
        books.state.refunds[refund.id] = refund
        entry = self._ledger.enter("refund", -amount, 0, charge.currency, refund.id, None, charge.method)
        refund.entry_id = entry.id
        charge.refunded_minor += amount
        charge.refund_ids.append(refund.id)
        if charge.method == "transfer" and charge.customer_id is not None:
            self.cash.take_back(charge.customer_id, charge.currency, amount, refund.id)
        books.tell("refund", refund.id, "created")
        books.tell("charge", charge.id, "refunded")
        instrument = books.state.instruments.get(charge.instrument_id or "")
        rejects = instrument is not None and instrument.behaviour.rejects_refunds
        if refund.status == "pending" or rejects:
            due = business_days_after(books.now(), books.terms.refund_days)
            books.plan(due, SETTLE_REFUND, refund.id)
        return refund

    def settle_refund(self, refund_id: str) -> None:
        """The days of a refund are over: it has arrived, or it comes back."""
        refund = self._books.state.refunds[refund_id]
        charge = self._books.state.charges[refund.charge_id]
        instrument = self._books.state.instruments.get(charge.instrument_id or "")
        if refund.status in ("failed", "cancelled"):
            return
        if instrument is not None and instrument.behaviour.rejects_refunds:
            self.fail_refund(refund_id, "lost_or_stolen_card" if charge.method == "card" else "declined")
        elif refund.status == "pending":
            refund.status = "succeeded"
            self._books.tell("refund", refund.id, "updated")

    def fail_refund(self, refund_id: str, reason: str) -> Refund:
        """The money did not arrive: it is back in the merchant's balance, and the charge is less refunded."""
        refund = self._books.state.refunds.get(refund_id)
        if refund is None:
            raise RuleError("unknown", f"no refund {refund_id}", "refund")
        charge = self._books.state.charges[refund.charge_id]
        if refund.status not in ("pending", "succeeded") or charge.method == "transfer":
            raise RuleError("refund-state", f"refund {refund_id} is {refund.status} and cannot fail", "refund")
        refund.status, refund.failure = "failed", reason
        entry = self._ledger.enter(
            "refund-failure", refund.amount_minor, 0, refund.currency, refund.id, None, charge.method
        )
        refund.failure_entry_id = entry.id
        charge.refunded_minor -= refund.amount_minor
        self._books.tell("refund", refund.id, "failed")
        self._books.tell("charge", charge.id, "updated")
        return refund

    # --- disputes ----------------------------------------------------------------------------------

    def open_dispute(
        self,
        charge_id: str,
        reason: str,
        amount_minor: int | None = None,
        inquiry: bool = False,
        contestable: bool = True,
    ) -> Dispute:
        """The customer's bank takes a charge back (an inquiry only asks). One that cannot be contested is lost."""
        books = self._books
        charge = self.charge(charge_id)
        left = charge.amount_minor - charge.refunded_minor
        amount = left if amount_minor is None else amount_minor
        if charge.status != "succeeded" or not charge.captured or charge.method == "transfer":
            raise RuleError("charge-state", f"charge {charge_id} cannot be disputed", "charge")
        if charge.dispute_id is not None:
            raise RuleError("charge-disputed", f"charge {charge_id} is disputed already", "charge")
        if not 0 < amount <= left:
            raise RuleError("too-much", f"only {left} of the charge is left to dispute", "amount")
        due = books.now() + books.terms.answer_days * DAY_US
        dispute = Dispute(
            books.new_id("dispute"),
            charge.id,
            charge.payment_id,
            amount,
            charge.currency,
            books.now(),
            reason,
            "inquiry" if inquiry else "needs-response",
            due,
            contestable,
        )
        books.state.disputes[dispute.id] = dispute
        charge.disputed, charge.dispute_id = True, dispute.id
        books.tell("charge", charge.id, "updated")
        if not contestable:
            dispute.status = "lost"
        if inquiry:
            books.tell("dispute", dispute.id, "created")
        else:
            self._withdraw(dispute, charge)
            books.tell("dispute", dispute.id, "created")
            books.tell("dispute", dispute.id, "withdrawn")
        if contestable:
            books.plan(due, ANSWER_DUE, dispute.id)
        else:
            books.tell("dispute", dispute.id, "closed")
        return dispute

    def _withdraw(self, dispute: Dispute, charge: Charge) -> None:
        fee = self._books.terms.dispute_fee_minor
        entry = self._ledger.enter(
            "dispute", -dispute.amount_minor, fee, dispute.currency, dispute.id, None, charge.method
        )
        dispute.entry_ids.append(entry.id)

    def dispute(self, dispute_id: str) -> Dispute:
        """The dispute (``unknown``)."""
        dispute = self._books.state.disputes.get(dispute_id)
        if dispute is None:
            raise RuleError("unknown", f"no dispute {dispute_id}", "dispute")
        return dispute

    def give_evidence(
        self, dispute_id: str, evidence: dict[str, str], submit: bool, persuasive: bool | None = None
    ) -> Dispute:
        """Put evidence together, and with ``submit`` send it; ``persuasive`` decides the end if nobody else does."""
        dispute = self.dispute(dispute_id)
        if dispute.status not in ("inquiry", "needs-response"):
            raise RuleError("dispute-state", f"dispute {dispute_id} is {dispute.status}", "dispute")
        dispute.evidence.update(evidence)
        if persuasive is not None:
            dispute.persuasive = persuasive
        if submit:
            dispute.submissions += 1
            dispute.status = "inquiry-review" if dispute.status == "inquiry" else "under-review"
            over = self._books.now() + self._books.terms.review_days * DAY_US
            self._books.plan(over, REVIEW_OVER, dispute.id)
        self._books.tell("dispute", dispute.id, "updated")
        return dispute

    def accept(self, dispute_id: str) -> Dispute:
        """Do not contest it: lost."""
        dispute = self.dispute(dispute_id)
        if dispute.status not in OPEN_DISPUTE:
            raise RuleError("dispute-state", f"dispute {dispute_id} is {dispute.status}", "dispute")
        return self.decide(dispute_id, won=False)

    def answer_due(self, dispute_id: str) -> None:
        """The time to answer is over."""
        if self.dispute(dispute_id).status in ("inquiry", "needs-response"):
            self.decide(dispute_id, won=False)

    def review_over(self, dispute_id: str) -> None:
        """The bank has looked at the evidence."""
        dispute = self.dispute(dispute_id)
        if dispute.status in ("inquiry-review", "under-review"):
            self.decide(dispute_id, won=bool(dispute.persuasive))

    def decide(self, dispute_id: str, won: bool) -> Dispute:
        """The bank's word: won, and the money is back; lost, and it stays away. An inquiry is only closed."""
        dispute = self.dispute(dispute_id)
        if dispute.status not in OPEN_DISPUTE:
            raise RuleError("dispute-state", f"dispute {dispute_id} is {dispute.status}", "dispute")
        if dispute.status in ("inquiry", "inquiry-review"):
            dispute.status = "inquiry-closed"
            self._books.tell("dispute", dispute.id, "closed")
            return dispute
        dispute.status = "won" if won else "lost"
        if won:
            terms = self._books.terms
            fee = -terms.dispute_fee_minor if terms.dispute_fee_returned else 0
            charge = self._books.state.charges[dispute.charge_id]
            entry = self._ledger.enter(
                "dispute-reversal", dispute.amount_minor, fee, dispute.currency, dispute.id, None, charge.method
            )
            dispute.entry_ids.append(entry.id)
        self._books.tell("dispute", dispute.id, "closed")
        if won:
            self._books.tell("dispute", dispute.id, "reinstated")
        return dispute
