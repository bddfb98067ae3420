"""A bank that delivers statement files: MT940, BAI2 and OFX, laid out for a client that fetches and confirms them."""

from o2c_twin.mock_systems.vendors.bank_files.bai2 import bai2_file
from o2c_twin.mock_systems.vendors.bank_files.config import BankFilesConfig
from o2c_twin.mock_systems.vendors.bank_files.dialect import BankFilesDialect, make
from o2c_twin.mock_systems.vendors.bank_files.folder import FileFolder
from o2c_twin.mock_systems.vendors.bank_files.mt940 import mt940_file
from o2c_twin.mock_systems.vendors.bank_files.ofx import ofx_file

__all__ = ["BankFilesConfig", "BankFilesDialect", "FileFolder", "bai2_file", "make", "mt940_file", "ofx_file"]
