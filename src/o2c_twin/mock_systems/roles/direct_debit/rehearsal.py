"""Steps brought forward, as sandboxes of providers allow: what would take days happens now.

The steps are the core's own, only their time is not waited for.
"""

from o2c_twin.mock_systems.roles.direct_debit import rules
from o2c_twin.mock_systems.roles.direct_debit.core import DirectDebitCore
from o2c_twin.mock_systems.roles.direct_debit.records import Mandate, Payment, Payout, Refund, Refusal
from o2c_twin.mock_systems.roles.direct_debit.schemes import SCHEMES
from o2c_twin.mock_systems.roles.records import RuleError


def _need(what: Mandate | Payment | Payout | Refund, *statuses: str) -> None:
    if what.status not in statuses:
        raise RuleError("wrong-state", f"must be {' or '.join(statuses)} to start with, and is {what.status}")


class RehearsedCore(DirectDebitCore):
    """A core whose steps can be brought forward. Every ``rehearse_`` method raises `RuleError` when the record is
    not ready for it."""

    def rehearse_submit(self, payment_id: str) -> Payment:
        """From pending to the banks."""
        payment = self._ready(payment_id)
        self._submit(payment)
        return payment

    def _ready(self, payment_id: str) -> Payment:
        self.run_due()
        payment = self.payment(payment_id)
        _need(payment, "pending_submission")
        mandate = self.mandate(payment.mandate_id)
        if SCHEMES[mandate.scheme].lodge_days is not None:
            _need(mandate, "active")
        return payment

    def rehearse_confirm(self, payment_id: str) -> Payment:
        """From pending to collected."""
        payment = self._ready(payment_id)
        self._submit(payment)
        payment.refusal = None
        self._conclude(payment)
        return payment

    def rehearse_fail(self, payment_id: str, cause: str = "insufficient_funds") -> Payment:
        """From pending to refused by the payer's bank."""
        payment = self._ready(payment_id)
        self._submit(payment)
        payment.refusal = Refusal(cause, self.scheme_of(payment.mandate_id).refused.get(cause))
        self._conclude(payment)
        return payment

    def rehearse_pay_out(self, payment_id: str) -> Payment:
        """From pending to paid out, with a payout that is sent at once."""
        payment = self.rehearse_confirm(payment_id)
        self._run(payment.currency)
        return payment

    def _run(self, currency: str) -> None:
        payout = self._run_payout(currency, everything=True)
        if payout is not None:
            self._send_payout(payout)

    def rehearse_fail_late(self, payment_id: str, settle: bool = False) -> Payment:
        """Paid out, then refused; with ``settle`` taken from a payout as far as there is money for one."""
        self.run_due()
        if self.payment(payment_id).status != "paid_out":
            self.rehearse_pay_out(payment_id)
        payment = self.bank_refuses(payment_id, "insufficient_funds")
        if settle:
            self._run(payment.currency)
        return payment

    def rehearse_claim_back(self, payment_id: str, settle: bool = False) -> Payment:
        """Paid out, then claimed back by the payer."""
        self.run_due()
        if self.payment(payment_id).status != "paid_out":
            self.rehearse_pay_out(payment_id)
        payment = self.payer_claims_back(payment_id, "authorisation_disputed")
        if settle:
            self._run(payment.currency)
        return payment

    def rehearse_activate(self, mandate_id: str) -> Mandate:
        """From pending to active."""
        mandate = self._lodged(mandate_id)
        if mandate.status == "pending_submission":
            self._submit_mandate(mandate)
        mandate.refusal = None
        self._answer_mandate(mandate)
        return mandate

    def _lodged(self, mandate_id: str) -> Mandate:
        self.run_due()
        mandate = self.mandate(mandate_id)
        _need(mandate, "pending_submission", "submitted")
        if SCHEMES[mandate.scheme].lodge_days is None:
            raise RuleError("wrong-state", f"a {mandate.scheme} mandate is submitted with its first payment")
        return mandate

    def rehearse_refuse_mandate(self, mandate_id: str) -> Mandate:
        """From pending to refused."""
        mandate = self._lodged(mandate_id)
        if mandate.status == "pending_submission":
            self._submit_mandate(mandate)
        self.bank_refuses_mandate(mandate_id)
        self._answer_mandate(mandate)
        return mandate

    def rehearse_expire(self, mandate_id: str) -> Mandate:
        """Active, then unused for the scheme's time."""
        self.run_due()
        mandate = self.mandate(mandate_id)
        _need(mandate, *rules.ALIVE)
        text = "No payment was collected on the mandate for a long time."
        self._end_mandate(mandate, "expired", "mandate_expired", text, "provider")
        return mandate

    def rehearse_transfer(self, mandate_id: str) -> Mandate:
        """Moved by the payer's bank to an account of another number."""
        return self.payer_moves_account(mandate_id, f"TRANSFERRED{len(self.state.accounts):08d}")

    def rehearse_pay_refund(self, refund_id: str, settle: bool = False) -> Refund:
        """Paid to the customer; with ``settle`` taken from a payout as far as there is money for one."""
        self.run_due()
        refund = self.refund(refund_id)
        _need(refund, "created", "submitted", *(("paid",) if settle else ()))
        while refund.status != "paid":
            self._step_refund(refund)
        if settle:
            self._run(refund.currency)
        return refund
