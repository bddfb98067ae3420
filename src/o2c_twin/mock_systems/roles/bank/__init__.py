"""The bank's core: accounts, bookings on business days, end-of-day statements."""

from o2c_twin.mock_systems.roles.bank.calendar import BankCalendar
from o2c_twin.mock_systems.roles.bank.core import BankCore
from o2c_twin.mock_systems.roles.bank.records import BankAccount, Entry, EntryKind, Statement

__all__ = ["BankAccount", "BankCalendar", "BankCore", "Entry", "EntryKind", "Statement"]
