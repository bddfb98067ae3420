"""Who pays early for a discount, when, and how much is kept for it.

Terms of 2 % within 10 days are the usual ones (domain sheet 2.5: not taking them costs 37 % a year); how many customers
take them, and how often one keeps the discount and pays late, are modelling assumptions.
"""

from o2c_twin.mock_systems.roles.erp import EarlyPayment, Invoice
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.world.settings import WorldSettings

_DAY = 86_400_000_000
# A payment run is at most three days from the day it is looked for, and a weekend at the bank takes three more.
_AHEAD = 6


def early_payment(settings: WorldSettings) -> EarlyPayment | None:
    """What the company's payment terms grant; None for nothing."""
    share_bp = round(settings.early_discount * 10_000)
    return EarlyPayment(share_bp, settings.discount_days) if share_bp else None


def takes_discount(settings: WorldSettings, chance: Chance, customer_id: str) -> bool:
    """Whether a customer is one of those who pay early for a discount."""
    return bool(settings.early_discount) and chance.uniform("payer.early", customer_id) < settings.early_payers


def pays_early_on(settings: WorldSettings, chance: Chance, invoice: Invoice, *key: str | int) -> int | None:
    """The day (since the epoch) about which such a customer pays an invoice; None where it pays as others do."""
    until = invoice.discount_until
    if until is None or chance.uniform("payer.keeps", *key) < settings.late_discounts:
        return None
    return until // _DAY - _AHEAD


def kept(invoice: Invoice, due: int) -> int:
    """What is kept of ``due`` minor units of an invoice."""
    return 0 if invoice.early is None else (due * invoice.early.share_bp + 5_000) // 10_000
