"""The systems that can stand in each role of an estate, by vendor."""

from o2c_twin.twin.stands.bank_files import BankFilesStand
from o2c_twin.twin.stands.bank_iso20022 import BankIso20022Stand
from o2c_twin.twin.stands.business_central import BusinessCentralStand
from o2c_twin.twin.stands.gocardless import GoCardlessStand
from o2c_twin.twin.stands.hubspot import HubSpotStand
from o2c_twin.twin.stands.legacy_erp import LegacyErpStand
from o2c_twin.twin.stands.netsuite import NetSuiteStand
from o2c_twin.twin.stands.s4hana import S4HanaStand
from o2c_twin.twin.stands.salesforce import SalesforceStand
from o2c_twin.twin.stands.stand import BankStand, CrmStand, ErpStand, Maker, PaymentsStand, Stand
from o2c_twin.twin.stands.stripe import StripeStand

STANDS: dict[str, dict[str, Maker]] = {
    "crm": {"salesforce": SalesforceStand, "hubspot": HubSpotStand},
    "erp": {
        "netsuite": NetSuiteStand,
        "s4hana": S4HanaStand,
        "business_central": BusinessCentralStand,
        "legacy_erp": LegacyErpStand,
    },
    "bank": {"bank_iso20022": BankIso20022Stand, "bank_files": BankFilesStand},
    "payments": {"stripe": StripeStand, "gocardless": GoCardlessStand},
}
"""By role and vendor. The names are those of `twin.plan.VENDORS`."""

__all__ = ["STANDS", "BankStand", "CrmStand", "ErpStand", "PaymentsStand", "Stand"]
