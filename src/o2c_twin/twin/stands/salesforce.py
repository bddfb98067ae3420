"""Salesforce as the CRM."""

from typing import get_args

from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Crm
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.connectors.salesforce_maps import SalesforceMaps
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import salesforce
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of
from o2c_twin.twin.world.company import CrmFields

FIELDS = CrmFields(
    po_number="PO_Number__c",
    deal_ref="Deal_Ref__c",
    customer_number="Customer_Number__c",
    terms_days="Payment_Terms_Days__c",
    credit_limit="Credit_Limit__c",
    erp_order_number="ERP_Order_Number__c",
    erp_order_id="ERP_Order_Id__c",
    fulfilment="Fulfilment_Status__c",
    invoice_number="Invoice_Number__c",
    payment="Payment_Status__c",
    credit="Credit_Status__c",
    entity="O2C_Entity__c",
)


class SalesforceStand:
    """An org with the company's own fields."""

    fields = FIELDS

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        custom = salesforce.config.default_custom_fields()
        # Sales may enter a customer twice: neither its number nor the ERP's id is unique among accounts.
        for name in ("ERP_Id__c", "Customer_Number__c"):
            custom["Account"][name] = salesforce.config.CustomField("text")
        if plan.several_entities:
            custom["Account"][FIELDS.entity] = salesforce.config.CustomField("text")
        config = salesforce.SalesforceConfig(
            client_id="o2c-connected-app",
            client_secret=f"o2c-secret-{plan.seed}",
            seed=plan.seed,
            edition=one_of(system.plan or "enterprise", get_args(salesforce.config.Edition)),
            licences=system.licences or 50,
            currency=plan.world.currency,
            currencies=tuple(plan.world.foreign),
            custom_fields=custom,
        )
        self.dialect = salesforce.make(world, config)
        self.core = self.dialect.core
        self._currency = plan.world.currency
        self._own = plan.maps

    def subscribe(self, url: str) -> None:
        """Outbound messages of won deals and changed accounts."""
        won = salesforce.config.OutboundMessage(
            "Won deal", "Opportunity", url, ("Id", "AccountId", "SystemModstamp"), "IsWon = true"
        )
        changed = salesforce.config.OutboundMessage("Changed account", "Account", url, trigger="onAllChanges")
        self.dialect.subscribe(won)
        self.dialect.subscribe(changed)

    def credentials(self) -> dict[str, str]:
        """Connected app and user."""
        config = self.dialect.config
        return {
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "username": config.username,
            "password": config.password + config.security_token,
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Crm:
        """Logged in as the connected app."""
        config = self.dialect.config
        secret, maps = config.client_secret, maps_for(self._own, SalesforceMaps)
        several = bool(config.currencies)
        return SalesforceCrm(name, url, http, config.client_id, secret, self._currency, maps, several)
