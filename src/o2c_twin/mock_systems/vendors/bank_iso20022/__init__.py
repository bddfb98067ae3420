"""A bank that reports in ISO 20022: camt.053 statements and camt.054 notifications over HTTP, and as files."""

from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import file_name, statement_document
from o2c_twin.mock_systems.vendors.bank_iso20022.camt054 import notification_document
from o2c_twin.mock_systems.vendors.bank_iso20022.config import BankConfig
from o2c_twin.mock_systems.vendors.bank_iso20022.dialect import BankDialect, make
from o2c_twin.mock_systems.vendors.bank_iso20022.files import StatementFolder

__all__ = [
    "BankConfig",
    "BankDialect",
    "StatementFolder",
    "file_name",
    "make",
    "notification_document",
    "statement_document",
]
