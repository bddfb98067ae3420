"""Payouts: what is ready and what is owed goes to the creditor's bank in one sum a currency and working day."""

from o2c_twin.mock_systems.roles.direct_debit.book import Book
from o2c_twin.mock_systems.roles.direct_debit.records import Item, ItemKind, Payment, Payout
from o2c_twin.mock_systems.roles.direct_debit.rules import next_hour, payout_amount, round_half_up
from o2c_twin.mock_systems.roles.direct_debit.schemes import day_of, instant
from o2c_twin.mock_systems.roles.records import RuleError


class Settlement(Book):
    """The part of the provider that pays out."""

    def available(self, currency: str) -> int:
        """Whole minor units not paid out yet: collected or submitted money less fees and what is owed."""
        tenths = sum(item.tenths for item in self.state.owed.get(currency, ()))
        for payment_id in self.state.ready:
            payment = self.state.payments[payment_id]
            if payment.currency == currency:
                tenths += payment.amount * 10 - self.terms.fee(payment.amount)
        return tenths // 10

    def _pay_out_from(self, at: int, currency: str) -> None:
        """Have a payout run at or after an instant."""
        run = next_hour(self.days, at - 1, self.days.payout_hour)
        if (run, currency) not in self._runs:
            self._runs.add((run, currency))
            self._schedule(run, "payout-run", currency)

    def _owe(self, currency: str, items: list[Item]) -> None:
        self.state.owed.setdefault(currency, []).extend(items)
        self._pay_out_from(self._at(), currency)

    def _reversal(self, payment: Payment, kind: ItemKind) -> list[Item]:
        """The items that take a paid-out payment back: its amount, its fee returned, a surcharge if there is one."""
        items = [Item(kind, -payment.amount * 10, payment.id, payment.mandate_id)]
        if payment.fee:
            items.append(Item("fee", payment.fee, payment.id, payment.mandate_id))
        if self.terms.surcharge:
            items.append(Item("surcharge", -self.terms.surcharge * 10, payment.id, payment.mandate_id))
        return items

    def _earning(self, payment: Payment, fee: int) -> list[Item]:
        items = [Item("payment_paid_out", payment.amount * 10, payment.id, payment.mandate_id)]
        if fee:
            items.append(Item("fee", -fee, payment.id, payment.mandate_id))
        return items

    def _run_payout(self, currency: str, everything: bool = False) -> Payout | None:
        """One run; ``everything`` takes what is ready on a later day as well. None when nothing is left to send."""
        at = self._at()
        today = day_of(at).isoformat()
        state = self.state
        earned: list[tuple[Payment, int]] = []
        items: list[Item] = []
        for payment_id, from_day in state.ready.items():
            payment = state.payments[payment_id]
            if payment.currency == currency and (everything or from_day <= today):
                fee = self.terms.fee(payment.amount)
                earned.append((payment, fee))
                items.extend(self._earning(payment, fee))
        debits = state.owed.get(currency, [])
        items.extend(debits)
        amount = payout_amount(items)
        if amount <= 0:
            return None  # stays until there is more to set it against
        payout = self._open_payout(currency, amount, items)
        state.owed[currency] = []
        for payment, fee in earned:
            del state.ready[payment.id]
            payment.status, payment.payout_id, payment.fee = "paid_out", payout.id, fee
            self._happened(
                "payment",
                payment,
                "paid_out",
                "payment_paid_out",
                "The payment has been paid out.",
                links={"payout": payout.id},
            )
        for item in debits:
            self._tell_settled(item, payout.id)
        return payout

    def _open_payout(self, currency: str, amount: int, items: list[Item]) -> Payout:
        at = self._at()
        id_, number = self._new_id("payout")
        fees = -sum(item.tenths for item in items if item.kind in ("fee", "surcharge"))
        # The provider's money leaves on the day of the run, or on the next working day when its hour is past.
        arrival = next_hour(self.days, at, self.days.arrival_hour)
        payout = Payout(
            id_,
            number,
            at,
            amount,
            round_half_up(fees, 10),
            currency,
            f"{self.creditor.short_name}-{self._names('reference', number)}",
            day_of(arrival).isoformat(),
            items,
        )
        self.state.payouts[id_] = payout
        payout.step_at = self._schedule(arrival, "payout", id_)
        return payout

    def _tell_settled(self, item: Item, payout_id: str) -> None:
        links = {"payout": payout_id}
        payment = self.state.payments[item.payment_id]
        if item.kind == "payment_failed":
            text = "The amount of a payment that failed late has been taken from a payout."
            self._happened("payment", payment, "late_failure_settled", "late_failure_settled", text, links=links)
        elif item.kind == "payment_charged_back":
            text = "The amount of a payment that was charged back has been taken from a payout."
            self._happened("payment", payment, "chargeback_settled", "chargeback_settled", text, links=links)
        elif item.kind == "payment_refunded" and item.refund_id is not None:
            refund = self.state.refunds[item.refund_id]
            refund.payout_id = payout_id
            text = "The refund has been taken from a payout."
            self._happened("refund", refund, "refund_settled", "refund_settled", text, links=links)

    def _send_payout(self, payout: Payout) -> None:
        payout.status, payout.step_at = "paid", None
        self._happened("payout", payout, "paid", "payout_paid", "The payout has been sent to the creditor's bank.")
        for listener in self.payout_listeners:
            listener(payout)

    def bank_returns_payout(self, payout_id: str) -> Payout:
        """The creditor's bank sends a payout back; it is sent again on the next working day.

        Raises `RuleError` when it was not sent.
        """
        self.run_due()
        payout = self.payout(payout_id)
        if payout.status != "paid":
            raise RuleError("payout-state", f"the payout {payout_id} is {payout.status}, not paid")
        payout.status = "bounced"
        text = "The payout was returned by the creditor's bank."
        self._happened("payout", payout, "bounced", "payout_bounced", text, "bank")
        tomorrow = self.days.plus(day_of(self._at()), 1)
        payout.step_at = self._schedule(instant(tomorrow, self.days.arrival_hour), "payout", payout.id)
        return payout
