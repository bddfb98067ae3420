"""The provider's core: payments asked for, collected, refused, claimed back, refunded, and paid out."""

from collections.abc import Mapping
from datetime import date

from o2c_twin.mock_systems.roles.direct_debit import rules
from o2c_twin.mock_systems.roles.direct_debit.instructions import Instructions
from o2c_twin.mock_systems.roles.direct_debit.records import Due, Item, Payment, Refund, Refusal
from o2c_twin.mock_systems.roles.direct_debit.schemes import SCHEMES, day_of, instant
from o2c_twin.mock_systems.roles.records import RuleError

_RETRIED_CAUSES = ("insufficient_funds", "refer_to_payer")
_RETRY_AFTER_DAYS = 3


class DirectDebitCore(Instructions):
    """One provider with one creditor. See `Book` for the arguments.

    What payers and banks do: `bank_refuses`, `payer_claims_back`, `bank_withdraws_claim`,
    `payer_cancels_mandate`, `payer_moves_account`, `bank_refuses_mandate`, `bank_returns_refund`,
    `bank_returns_payout`.
    """

    # --- the creditor's side -----------------------------------------------------------------------

    def add_payment(
        self,
        mandate_id: str,
        amount: int,
        currency: str,
        *,
        charge_on: date | None = None,
        description: str | None = None,
        reference: str | None = None,
        retry_if_possible: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> Payment:
        """Ask for money; without ``charge_on`` as soon as possible, on a day banks are closed the next they work.

        Raises `RuleError`: mandate not alive, other currency, amount not positive, day too early.
        """
        self.run_due()
        mandate = self.mandate(mandate_id)
        scheme = SCHEMES[mandate.scheme]
        rules.check_collectable(mandate, scheme, currency)
        if amount <= 0:
            raise RuleError("bad-amount", "must be greater than 0", "amount")
        first = rules.next_charge_day(scheme, self.days, mandate, self._at())
        assert first is not None  # the mandate is alive
        if charge_on is not None and charge_on < first:
            raise RuleError("too-early", f"must be on or after {first.isoformat()}", "charge_date")
        day = first if charge_on is None else self.days.on_or_after(charge_on)
        id_, number = self._new_id("payment")
        payment = Payment(
            id_, number, self._at(), mandate_id, amount, currency, day.isoformat(), description, reference,
            retry_if_possible, metadata=dict(metadata or {}),
        )  # fmt: skip
        self.state.payments[id_] = payment
        self.payments_of.setdefault(mandate_id, []).append(id_)
        self._plan(payment)
        self._happened("payment", payment, "created", "payment_created", "The payment was created.", "api")
        return payment

    def _plan(self, payment: Payment) -> None:
        scheme = self.scheme_of(payment.mandate_id)
        at = rules.submitted_at(scheme, self.days, date.fromisoformat(payment.charge_on))
        payment.step_at = self._schedule(at, "payment", payment.id)

    def cancel_payment(self, payment_id: str, metadata: Mapping[str, str] | None = None) -> Payment:
        """Take a payment back before it goes to the banks. Raises `RuleError` after that."""
        self.run_due()
        payment = self.payment(payment_id)
        rules.check_cancellable(payment)
        text = "The payment was cancelled at the creditor's request."
        self._cancel_payment(payment, "payment_cancelled", text, "api", metadata)
        return payment

    def retry_payment(self, payment_id: str, metadata: Mapping[str, str] | None = None) -> Payment:
        """Ask again for a payment that failed, at most three times. Raises `RuleError`."""
        self.run_due()
        payment = self.payment(payment_id)
        rules.check_retriable(payment, self.mandate(payment.mandate_id))
        self._retry(payment, "payment_retried", "api", metadata)
        return payment

    def _retry(
        self, payment: Payment, cause: str, origin: str = "provider", metadata: Mapping[str, str] | None = None
    ) -> None:
        mandate = self.mandate(payment.mandate_id)
        first = rules.next_charge_day(SCHEMES[mandate.scheme], self.days, mandate, self._at())
        assert first is not None  # the mandate is alive
        payment.attempts += 1
        payment.status, payment.refusal, payment.payout_id, payment.fee = "pending_submission", None, None, 0
        payment.charge_on = first.isoformat()
        self._plan(payment)
        text = "The payment will be collected again."
        asked = dict(metadata or {})
        if origin == "api":
            self._happened("payment", payment, "resubmission_requested", cause, text, "api", metadata=asked)
        else:
            self._happened("payment", payment, "resubmission_requested", cause, text)

    def add_refund(
        self,
        payment_id: str,
        amount: int,
        total: int,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Refund:
        """Send money of a collected payment back; ``total`` is what has gone back altogether then.

        Raises `RuleError`.
        """
        self.run_due()
        payment = self.payment(payment_id)
        made = (self.state.refunds[id_] for id_ in self.refunds_of.get(payment_id, ()))
        available = self.available(payment.currency) if self.refunds_need_funds else None
        rules.check_refund(payment, made, amount, total, available)
        id_, number = self._new_id("refund")
        refund = Refund(
            id_, number, self._at(), payment_id, payment.mandate_id, amount, payment.currency, reference,
            metadata=dict(metadata or {}),
        )  # fmt: skip
        self.state.refunds[id_] = refund
        self.refunds_of.setdefault(payment_id, []).append(id_)
        payment.refunded += amount
        self._owe(payment.currency, [Item("payment_refunded", -amount * 10, payment_id, payment.mandate_id, id_)])
        submitted = rules.next_hour(self.days, self._at(), self.days.cut_off_hour)
        refund.step_at = self._schedule(submitted, "refund", id_)
        self._happened("refund", refund, "created", "refund_created", "The refund was created.", "api")
        return refund

    # --- steps that are due ------------------------------------------------------------------------

    def _step(self, due: Due) -> None:
        state = self.state
        if due.kind == "payment":
            payment = state.payments[due.id]
            if payment.step_at == due.at:
                self._step_payment(payment)
        elif due.kind == "retry":
            self._auto_retry(state.payments[due.id])
        elif due.kind == "mandate":
            mandate = state.mandates[due.id]
            if mandate.step_at == due.at:
                self._step_mandate(mandate)
        elif due.kind == "dormant":
            self._step_dormant(state.mandates[due.id])
        elif due.kind == "payout-run":
            self._runs.discard((due.at, due.id))
            self._run_payout(due.id)
        elif due.kind == "payout":
            payout = state.payouts[due.id]
            if payout.step_at == due.at:
                self._send_payout(payout)
        else:
            refund = state.refunds[due.id]
            if refund.step_at == due.at:
                self._step_refund(refund)

    def _step_payment(self, payment: Payment) -> None:
        if payment.status == "pending_submission":
            self._submit(payment)
        elif payment.status == "submitted":
            self._conclude(payment)

    def _submit(self, payment: Payment) -> None:
        mandate = self.state.mandates[payment.mandate_id]
        mandate.last_used = day_of(self._at()).isoformat()
        scheme = SCHEMES[mandate.scheme]
        if mandate.status == "pending_submission" and scheme.lodge_days is None:
            self._submit_mandate(mandate)
        result = rules.result_at(scheme, self.days, date.fromisoformat(payment.charge_on))
        payment.status = "submitted"
        payment.step_at = self._schedule(max(result, self._at()), "payment", payment.id)
        text = "The payment has been submitted to the banks."
        self._happened("payment", payment, "submitted", "payment_submitted", text)

    def _conclude(self, payment: Payment) -> None:
        """The result of the charge is known."""
        payment.step_at = None
        mandate = self.state.mandates[payment.mandate_id]
        scheme = SCHEMES[mandate.scheme]
        if mandate.status == "submitted" and scheme.lodge_days is None:
            self._answer_mandate(mandate)
        if payment.refusal is not None:
            self._fail(payment, payment.refusal)
            return
        payment.status = "confirmed"
        day = rules.payout_day(scheme, self.days, date.fromisoformat(payment.charge_on))
        self.state.ready[payment.id] = day.isoformat()
        self._pay_out_from(max(instant(day, 0), self._at()), payment.currency)
        text = "The time in which the banks report failures is over."
        self._happened("payment", payment, "confirmed", "payment_confirmed", text)

    def _fail(self, payment: Payment, refusal: Refusal) -> None:
        payment.status, payment.refusal = "failed", refusal
        again = None
        if payment.retry_if_possible:
            mandate = self.state.mandates[payment.mandate_id]
            again = (
                refusal.cause in _RETRIED_CAUSES
                and payment.attempts < rules.MOST_RETRIES
                and mandate.status in rules.ALIVE
            )
            if again:
                day = self.days.plus(day_of(self._at()), _RETRY_AFTER_DAYS)
                self._schedule(instant(day, self.days.activation_hour), "retry", payment.id)
        text = f"The payer's bank refused the payment: {refusal.cause.replace('_', ' ')}."
        scheme = self.state.mandates[payment.mandate_id].scheme
        self._happened("payment", payment, "failed", refusal.cause, text, "bank",
                       code=refusal.code, scheme=scheme, will_retry=again)  # fmt: skip

    def _auto_retry(self, payment: Payment) -> None:
        mandate = self.state.mandates[payment.mandate_id]
        if payment.status == "failed" and payment.attempts < rules.MOST_RETRIES and mandate.status in rules.ALIVE:
            self._retry(payment, "payment_autoretried")

    def _step_refund(self, refund: Refund) -> None:
        if refund.status == "created":
            refund.status = "submitted"
            day = self.days.plus(day_of(self._at()), 2)
            refund.step_at = self._schedule(instant(day, self.days.arrival_hour), "refund", refund.id)
        elif refund.status == "submitted":
            refund.status, refund.step_at = "paid", None
            text = "The refund has been paid to the customer."
            self._happened("refund", refund, "paid", "refund_paid", text)
        elif refund.status == "bounced":
            self._return_funds(refund)

    def _return_funds(self, refund: Refund) -> None:
        refund.status, refund.step_at = "funds_returned", None
        payment = self.state.payments[refund.payment_id]
        payment.refunded -= refund.amount
        back = Item("refund_funds_returned", refund.amount * 10, payment.id, refund.mandate_id, refund.id)
        self._owe(refund.currency, [back])
        text = "The funds of a refund that was not taken have been returned."
        self._happened("refund", refund, "funds_returned", "refund_funds_returned", text)

    # --- what payers and their banks do ------------------------------------------------------------

    def bank_refuses(self, payment_id: str, cause: str = "insufficient_funds", code: str | None = None) -> Payment:
        """The payer's bank does not pay.

        Told before the result is known, the payment fails when it is. Told after it was confirmed it fails at
        once (a late failure), and what was paid out for it is taken from a payout. ``code`` is the scheme's own,
        from the cause when not given. Raises `RuleError` when there is nothing to refuse.
        """
        self.run_due()
        payment = self.payment(payment_id)
        refusal = Refusal(cause, code or self.scheme_of(payment.mandate_id).refused.get(cause))
        if payment.status in ("pending_submission", "submitted"):
            payment.refusal = refusal
        elif payment.status == "confirmed":
            del self.state.ready[payment_id]
            self._fail(payment, refusal)
        elif payment.status == "paid_out":
            self._owe(payment.currency, self._reversal(payment, "payment_failed"))
            self._fail(payment, refusal)
        else:
            raise RuleError("refusal-state", f"the payment {payment_id} is {payment.status}: nothing to refuse")
        return payment

    def payer_claims_back(self, payment_id: str, cause: str = "refund_requested") -> Payment:
        """The payer takes the money back at the bank (Bacs: an indemnity claim; SEPA: a refund).

        ``cause`` is ``refund_requested`` or ``authorisation_disputed``. Raises `RuleError`, also when SEPA's time
        for it is over.
        """
        self.run_due()
        payment = self.payment(payment_id)
        scheme = self.scheme_of(payment.mandate_id)
        rules.check_claim(payment, scheme, cause, self._at())
        if payment.status == "confirmed":
            del self.state.ready[payment_id]
        else:
            self._owe(payment.currency, self._reversal(payment, "payment_charged_back"))
        payment.status = "charged_back"
        text = "The payer has claimed the payment back."
        self._happened("payment", payment, "charged_back", cause, text, "bank",
                       code=scheme.claimed.get(cause), scheme=scheme.name)  # fmt: skip
        return payment

    def bank_withdraws_claim(self, payment_id: str) -> Payment:
        """The payer's bank takes a claim back: the money stays, or comes again. Raises `RuleError`."""
        self.run_due()
        payment = self.payment(payment_id)
        if payment.status != "charged_back":
            raise RuleError("claim-state", f"the payment {payment_id} is {payment.status}, not charged back")
        if payment.payout_id is None:
            payment.status = "confirmed"
            today = self.days.on_or_after(day_of(self._at()))
            self.state.ready[payment_id] = today.isoformat()
            self._pay_out_from(self._at(), payment.currency)
        else:
            payment.status = "paid_out"
            self._undo_reversal(payment)
        text = "The claim was withdrawn."
        self._happened("payment", payment, "chargeback_cancelled", "chargeback_cancelled", text, "bank")
        return payment

    def _undo_reversal(self, payment: Payment) -> None:
        reversal = self._reversal(payment, "payment_charged_back")
        owed = self.state.owed.get(payment.currency, [])
        if reversal[0] in owed:
            for item in reversal:
                owed.remove(item)
            return
        again = self._earning(payment, payment.fee)
        if self.terms.surcharge:
            again.append(Item("surcharge", self.terms.surcharge * 10, payment.id, payment.mandate_id))
        self._owe(payment.currency, again)

    def bank_returns_refund(self, refund_id: str) -> Refund:
        """The payer's bank does not take a refund: its funds come back the next working day.

        Raises `RuleError` when it came back already.
        """
        self.run_due()
        refund = self.refund(refund_id)
        if refund.status not in ("created", "submitted", "paid"):
            raise RuleError("refund-state", f"the refund {refund_id} is {refund.status}")
        refund.status = "bounced"
        text = "The payer's bank did not take the refund."
        self._happened("refund", refund, "bounced", "refund_bounced", text, "bank")
        day = self.days.plus(day_of(self._at()), 1)
        refund.step_at = self._schedule(instant(day, self.days.result_hour), "refund", refund_id)
        return refund
