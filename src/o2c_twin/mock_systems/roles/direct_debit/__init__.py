"""A direct debit provider's core: mandates, collections that may fail late or be claimed back, payouts."""

from o2c_twin.mock_systems.roles.direct_debit.book import AlreadyThere, Listener
from o2c_twin.mock_systems.roles.direct_debit.core import DirectDebitCore
from o2c_twin.mock_systems.roles.direct_debit.records import Happening, Item, Mandate, Payment, Payout, Refund
from o2c_twin.mock_systems.roles.direct_debit.rehearsal import RehearsedCore
from o2c_twin.mock_systems.roles.direct_debit.rules import Terms
from o2c_twin.mock_systems.roles.direct_debit.schemes import BACS, SCHEMES, SEPA_CORE, Scheme, WorkingDays, iban

__all__ = [
    "BACS",
    "SCHEMES",
    "SEPA_CORE",
    "AlreadyThere",
    "DirectDebitCore",
    "Happening",
    "Item",
    "Listener",
    "Mandate",
    "Payment",
    "Payout",
    "Refund",
    "RehearsedCore",
    "Scheme",
    "Terms",
    "WorkingDays",
    "iban",
]
