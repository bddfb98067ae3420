"""A payment provider whose clock moves when told, and what happened there."""

from datetime import UTC, datetime

import pytest

from o2c_twin.mock_systems.roles.billing import Behaviour, BillingCore, BillingTerms
from o2c_twin.mock_systems.roles.billing.rules import DAY_US
from o2c_twin.mock_systems.roles.records import RuleError

HOUR_US = 3_600_000_000


def us(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


MONDAY = us("2026-03-02T09:00")


class Provider:
    """A provider whose clock moves when told, and what happened there."""

    def __init__(self, **terms):
        self.now = MONDAY
        self.core = BillingCore(lambda: self.now, BillingTerms(**terms))
        self.told = []
        self.paid_out = []
        self.core.listeners.append(lambda h: self.told.append((h.kind, h.name)))
        self.core.payout_listeners.append(lambda payout: self.paid_out.append((payout.amount_minor, payout.reference)))

    def wait(self, days=0.0, hours=0.0):
        self.now += int(days * DAY_US + hours * HOUR_US)
        self.core.run_due()

    def customer(self, **instrument):
        customer = self.core.add_customer(name="Acme")
        if instrument:
            self.core.add_instrument(customer_id=customer.id, last4="4242", **instrument)
        return customer.id

    def invoice(self, customer, amount=10_000, **fields):
        invoice = self.core.invoicing.create(customer, "eur", **{"automatic": False, **fields})
        self.core.invoicing.add_line(customer, "eur", amount, invoice_id=invoice.id)
        return self.core.invoicing.finalise(invoice.id)

    def card_charge(self, amount=10_000, **behaviour):
        customer = self.customer()
        payment = self.core.collecting.create(amount, "eur", ("card", "debit"), customer_id=customer)
        self.core.customer_pays(payment.id, "card", Behaviour(**behaviour))
        return self.core.state.charges[payment.charge_ids[-1]]

    def refused(self, code, call, *args, **fields):
        before = self.core.snapshot()
        with pytest.raises(RuleError) as caught:
            call(*args, **fields)
        assert caught.value.code == code
        assert self.core.snapshot() == before, "a refused call changed something"

    @property
    def balance(self):
        return self.core.ledger.balance().get("eur", (0, 0))
