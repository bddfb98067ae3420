"""A bank that reports in ISO 20022: a feed of camt.053 statements over HTTP, and the files themselves."""

from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import file_name, statement_document
from o2c_twin.mock_systems.vendors.bank_iso20022.dialect import BankConfig, BankDialect, make

__all__ = ["BankConfig", "BankDialect", "file_name", "make", "statement_document"]
