"""Payers, their accounts and their mandates: given, lodged with the banks, cancelled, expired, reinstated."""

import hashlib
from collections.abc import Mapping
from datetime import date

from o2c_twin.mock_systems.roles.direct_debit import rules
from o2c_twin.mock_systems.roles.direct_debit.book import AlreadyThere
from o2c_twin.mock_systems.roles.direct_debit.records import (
    Customer,
    Mandate,
    MandateStatus,
    Origin,
    PayerAccount,
    Payment,
    Refusal,
)
from o2c_twin.mock_systems.roles.direct_debit.schemes import SCHEMES, Scheme, day_of, instant, months_after
from o2c_twin.mock_systems.roles.direct_debit.settlement import Settlement
from o2c_twin.mock_systems.roles.records import RuleError


class Instructions(Settlement):
    """The part of the provider that keeps payers and what they allow."""

    # --- payers ------------------------------------------------------------------------------------

    def add_customer(self, details: Mapping[str, str | None], metadata: Mapping[str, str] | None = None) -> Customer:
        """A payer with names and address by field."""
        self.run_due()
        id_, number = self._new_id("customer")
        customer = Customer(id_, number, self._at(), dict(details), dict(metadata or {}))
        self.state.customers[id_] = customer
        return customer

    def add_account(
        self,
        customer_id: str,
        holder: str,
        number: str,
        country: str,
        currency: str,
        metadata: Mapping[str, str] | None = None,
        bank_name: str = "TWIN BANK",
    ) -> PayerAccount:
        """A payer's account; ``number`` is an IBAN, or sort code and account number.

        Raises `RuleError` for an unknown payer, `AlreadyThere` when the payer has that account already.
        """
        self.run_due()
        self.customer(customer_id)
        fingerprint = hashlib.blake2b(f"{customer_id}/{number}".encode(), digest_size=16).hexdigest()
        if fingerprint in self.fingerprints:
            raise AlreadyThere("duplicate-account", "Bank account already exists", self.fingerprints[fingerprint])
        id_, count = self._new_id("account")
        account = PayerAccount(
            id_,
            count,
            self._at(),
            customer_id,
            holder.upper()[:18],
            number[-2:],
            country,
            currency,
            bank_name,
            fingerprint,
            metadata=dict(metadata or {}),
        )
        self.state.accounts[id_] = account
        self.fingerprints[fingerprint] = id_
        return account

    def disable_account(self, account_id: str) -> PayerAccount:
        """No collecting from it any more: its mandates and what is not submitted yet are cancelled.

        Raises `RuleError`.
        """
        self.run_due()
        account = self.account(account_id)
        if not account.enabled:
            raise RuleError("already-disabled", f"the account {account_id} is disabled already")
        account.enabled = False
        del self.fingerprints[account.fingerprint]
        for mandate_id in self.mandates_of.get(account.customer_id, ()):
            mandate = self.state.mandates[mandate_id]
            if mandate.account_id == account_id and mandate.status in rules.ALIVE:
                text = "The customer's bank account was disabled."
                self._end_mandate(mandate, "cancelled", "bank_account_disabled", text, "api")
        return account

    # --- mandates ----------------------------------------------------------------------------------

    def add_mandate(
        self,
        account_id: str,
        scheme: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Mandate:
        """A payer's instruction; the scheme follows from the account's currency when not given.

        Raises `RuleError`: unknown or disabled account, a scheme that does not fit, a reference not allowed.
        """
        self.run_due()
        account = self.account(account_id)
        if not account.enabled:
            raise RuleError("account-disabled", f"the account {account_id} is disabled")
        under = self._scheme_for(account, scheme)
        if reference is not None:
            rules.check_reference(under, reference)
            if any(m.reference == reference and m.status in rules.ALIVE for m in self.state.mandates.values()):
                raise RuleError("duplicate-reference", "has already been taken", "reference")
        id_, number = self._new_id("mandate")
        at = self._at()
        reference = reference or self._names("reference", -number)
        today = day_of(at).isoformat()
        mandate = Mandate(id_, number, at, account.customer_id, account_id, under.name, reference, today)
        mandate.metadata = dict(metadata or {})
        self.state.mandates[id_] = mandate
        self.mandates_of.setdefault(account.customer_id, []).append(id_)
        self._lodge(mandate)
        self._watch(mandate, under)
        self._happened("mandate", mandate, "created", "mandate_created", "The mandate was created.", "api")
        return mandate

    def _scheme_for(self, account: PayerAccount, name: str | None) -> Scheme:
        if name is None:
            for scheme in SCHEMES.values():
                if scheme.currency == account.currency:
                    return scheme
            raise RuleError("no-scheme", f"no scheme collects {account.currency}", "scheme")
        if name not in SCHEMES:
            raise RuleError("no-scheme", f"must be one of {', '.join(SCHEMES)}", "scheme")
        if SCHEMES[name].currency != account.currency:
            raise RuleError("wrong-scheme", f"does not collect {account.currency}", "scheme")
        return SCHEMES[name]

    def _lodge(self, mandate: Mandate) -> None:
        """Have it lodged at the next cut-off, where the scheme lodges mandates by themselves."""
        active = rules.active_on(SCHEMES[mandate.scheme], self.days, self._at())
        mandate.active_on = None if active is None else active.isoformat()
        mandate.step_at = None
        if active is not None:
            submitted = instant(self.days.accepted_on(self._at()), self.days.cut_off_hour)
            mandate.step_at = self._schedule(submitted, "mandate", mandate.id)

    def _watch(self, mandate: Mandate, scheme: Scheme) -> None:
        end = months_after(date.fromisoformat(mandate.last_used), scheme.dormant_months)
        self._schedule(instant(end, self.days.activation_hour), "dormant", mandate.id)

    def _step_mandate(self, mandate: Mandate) -> None:
        """The next step of a mandate: to the banks, then their answer."""
        if mandate.status == "pending_submission":
            self._submit_mandate(mandate)
            if mandate.active_on is not None:
                answer = instant(date.fromisoformat(mandate.active_on), self.days.activation_hour)
                mandate.step_at = self._schedule(max(answer, self._at()), "mandate", mandate.id)
        elif mandate.status == "submitted":
            self._answer_mandate(mandate)

    def _submit_mandate(self, mandate: Mandate) -> None:
        mandate.status, mandate.step_at = "submitted", None
        text = "The mandate has been submitted to the banks."
        self._happened("mandate", mandate, "submitted", "mandate_submitted", text, scheme=mandate.scheme)

    def _answer_mandate(self, mandate: Mandate) -> None:
        """The banks' answer is known: active, or refused."""
        mandate.step_at = None
        if mandate.refusal is not None:
            text = "The customer's bank refused the mandate."
            refusal = mandate.refusal
            self._end_mandate(mandate, "failed", refusal.cause, text, "bank", refusal.code)
        elif mandate.reinstated:
            mandate.status = "active"
            text = "The mandate is active again."
            self._happened("mandate", mandate, "reinstated", "mandate_reinstated", text, scheme=mandate.scheme)
        else:
            mandate.status = "active"
            text = "The time in which banks can refuse the mandate is over."
            self._happened("mandate", mandate, "active", "mandate_activated", text, scheme=mandate.scheme)

    def _step_dormant(self, mandate: Mandate) -> None:
        """Expire it when it was not used for the scheme's time; else look again when that will be."""
        if mandate.status not in rules.ALIVE:
            return
        scheme = SCHEMES[mandate.scheme]
        end = months_after(date.fromisoformat(mandate.last_used), scheme.dormant_months)
        if day_of(self._at()) < end:
            self._watch(mandate, scheme)
            return
        text = f"No payment was collected on the mandate for {scheme.dormant_months} months."
        self._end_mandate(mandate, "expired", "mandate_expired", text, "provider")

    def _end_mandate(
        self,
        mandate: Mandate,
        status: MandateStatus,
        cause: str,
        text: str,
        origin: Origin,
        code: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """A mandate is over: what is not submitted is cancelled; what is, a bank that knows will refuse."""
        mandate.status = status
        mandate.step_at = None
        scheme = SCHEMES[mandate.scheme]
        details = {"code": code, "scheme": mandate.scheme if origin == "bank" else None}
        self._happened("mandate", mandate, status, cause, text, origin, metadata=dict(metadata or {}), **details)
        for payment_id in self.payments_of.get(mandate.id, ()):
            payment = self.state.payments[payment_id]
            if payment.status == "pending_submission":
                why = "mandate_cancelled" if status == "cancelled" else cause
                self._cancel_payment(payment, why, "The mandate of the payment is over.", origin)
            elif payment.status == "submitted" and origin == "bank" and payment.refusal is None:
                payment.refusal = Refusal(cause, scheme.refused.get(cause))

    def _cancel_payment(
        self, payment: Payment, cause: str, text: str, origin: Origin, metadata: Mapping[str, str] | None = None
    ) -> None:
        payment.status, payment.step_at = "cancelled", None
        self._happened("payment", payment, "cancelled", cause, text, origin, metadata=dict(metadata or {}))

    def cancel_mandate(self, mandate_id: str, metadata: Mapping[str, str] | None = None) -> Mandate:
        """The creditor gives a mandate up. Raises `RuleError` when it is over already."""
        self.run_due()
        mandate = self.mandate(mandate_id)
        if mandate.status not in rules.ALIVE:
            raise RuleError("not-cancellable", f"the mandate {mandate_id} is {mandate.status} and cannot be cancelled")
        text = "The mandate was cancelled at the creditor's request."
        self._end_mandate(mandate, "cancelled", "mandate_cancelled", text, "api", metadata=metadata)
        return mandate

    def reinstate_mandate(self, mandate_id: str, metadata: Mapping[str, str] | None = None) -> Mandate:
        """Try again with a mandate that is over. Raises `RuleError` when it is not, or after ten times."""
        self.run_due()
        mandate = self.mandate(mandate_id)
        if mandate.status in rules.ALIVE:
            raise RuleError("mandate-alive", "Mandate is already active or being submitted")
        if mandate.reinstated >= rules.MOST_REINSTATEMENTS:
            raise RuleError("mandate-inactive", f"the mandate was reinstated {mandate.reinstated} times already")
        if not self.account(mandate.account_id).enabled:
            raise RuleError("account-disabled", f"the account {mandate.account_id} is disabled")
        mandate.status, mandate.refusal = "pending_submission", None
        mandate.reinstated += 1
        mandate.last_used = day_of(self._at()).isoformat()
        text = "The creditor asked for the mandate to be reinstated."
        self._happened(
            "mandate", mandate, "resubmission_requested", "resubmission_requested", text, "api",
            metadata=dict(metadata or {}),
        )  # fmt: skip
        self._lodge(mandate)
        self._watch(mandate, SCHEMES[mandate.scheme])
        return mandate

    # --- what payers and their banks do ------------------------------------------------------------

    def bank_refuses_mandate(self, mandate_id: str, cause: str = "invalid_bank_details") -> Mandate:
        """The payer's bank will not take the instruction: it fails when the bank's answer is due.

        Raises `RuleError` once it is active or over.
        """
        self.run_due()
        mandate = self.mandate(mandate_id)
        if mandate.status not in ("pending_submission", "submitted"):
            raise RuleError("mandate-state", f"the mandate {mandate_id} is {mandate.status}: the bank has answered")
        mandate.refusal = Refusal(cause, SCHEMES[mandate.scheme].lodging.get(cause))
        return mandate

    def payer_cancels_mandate(self, mandate_id: str, cause: str = "mandate_cancelled") -> Mandate:
        """The payer cancels at the bank, or closes the account; what is on its way will be refused.

        Raises `RuleError` when the mandate is over already.
        """
        self.run_due()
        mandate = self.mandate(mandate_id)
        if mandate.status not in rules.ALIVE:
            raise RuleError("mandate-state", f"the mandate {mandate_id} is {mandate.status} already")
        text = "The mandate was cancelled at the payer's bank."
        code = SCHEMES[mandate.scheme].cancelled.get(cause)
        self._end_mandate(mandate, "cancelled", cause, text, "bank", code)
        return mandate

    def payer_moves_account(self, mandate_id: str, number: str, bank_name: str = "OTHER BANK") -> Mandate:
        """The payer's bank moves the instruction to another account. Raises `RuleError`, `AlreadyThere`."""
        self.run_due()
        mandate = self.mandate(mandate_id)
        if mandate.status not in rules.ALIVE:
            raise RuleError("mandate-state", f"the mandate {mandate_id} is {mandate.status}")
        old = self.account(mandate.account_id)
        new = self.add_account(mandate.customer_id, old.holder, number, old.country, old.currency, None, bank_name)
        mandate.account_id = new.id
        links = {"previous_account": old.id, "new_account": new.id}
        text = "The mandate was moved to another bank account."
        self._happened("mandate", mandate, "transferred", "bank_account_transferred", text, "bank",
                       scheme=mandate.scheme, links=links)  # fmt: skip
        return mandate
