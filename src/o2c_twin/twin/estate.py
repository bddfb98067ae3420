"""The estate: the systems of one world, made to order, with the engine's credentials for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from o2c_twin.integration.connectors.bank_feed import BankFeed
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.ports import Bank, Crm, Erp
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.ports import HttpPort
from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.roles.crm import CrmCore
from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors import bank_iso20022, netsuite, salesforce
from o2c_twin.mock_systems.wire.faults import FaultPlan, Latency
from o2c_twin.mock_systems.wire.journal import Entry, Journal
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.world.company import CrmFields

SALESFORCE_FIELDS = CrmFields(
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
)
INTEGRATION = "o2c-twin engine"
COMPANY_IBAN = "DE02500105170000000042"


@dataclass(frozen=True, slots=True)
class Estate:
    """The systems by name, their cores, and what an engine needs to log in to them."""

    servers: dict[str, MockServer]
    crm: CrmCore
    erp: ErpCore
    bank: BankCore
    crm_fields: CrmFields
    bank_account_id: str
    crm_dialect: salesforce.SalesforceDialect
    erp_dialect: netsuite.NetSuiteDialect
    bank_dialect: bank_iso20022.BankDialect
    currency: str

    def subscribe(self, url_of: Callable[[str], str]) -> None:
        """Have every system push its changes; ``url_of`` gives the target by system name."""
        crm = url_of("crm")
        won = salesforce.config.OutboundMessage(
            "Won deal", "Opportunity", crm, ("Id", "AccountId", "SystemModstamp"), "IsWon = true"
        )
        changed = salesforce.config.OutboundMessage("Changed account", "Account", crm, trigger="onAllChanges")
        self.crm_dialect.subscribe(won)
        self.crm_dialect.subscribe(changed)
        kinds = ("salesOrder", "itemFulfillment", "invoice")
        self.erp_dialect.subscribe(netsuite.Subscription(url_of("erp"), kinds))
        self.bank_dialect.subscribe(url_of("bank"))

    def credentials(self, system: str) -> dict[str, str]:
        """What a client needs to log in to a system."""
        if system == "crm":
            sf = self.crm_dialect.config
            return {
                "client_id": sf.client_id,
                "client_secret": sf.client_secret,
                "username": sf.username,
                "password": sf.password + sf.security_token,
            }
        if system == "erp":
            token = self._token()
            return {
                "account": self.erp_dialect.config.account,
                "consumer_key": token.consumer_key,
                "consumer_secret": token.consumer_secret,
                "token_id": token.token_id,
                "token_secret": token.token_secret,
            }
        feed = self.bank_dialect.config
        return {
            "client_id": feed.client_id,
            "client_secret": feed.client_secret,
            "webhook_secret": feed.webhook_secret,
            "account_id": self.bank_account_id,
        }

    def _token(self) -> netsuite.Integration:
        config = self.erp_dialect.config
        return netsuite.derive_integration(config.account, config.seed, INTEGRATION)

    def connectors(self, http: HttpPort, url_of: Callable[[str], str]) -> tuple[Crm, Erp, Bank]:
        """Connectors that speak to these systems at the given addresses."""
        sf, ns, feed = self.crm_dialect.config, self.erp_dialect.config, self.bank_dialect.config
        token = self._token()
        clock = self.servers["erp"].world.clock
        signer = TokenSigner(ns.account, token.consumer_key, token.consumer_secret, token.token_id, token.token_secret)
        return (
            SalesforceCrm("crm", url_of("crm"), http, sf.client_id, sf.client_secret, self.currency),
            NetSuiteErp("erp", url_of("erp"), http, clock, signer, self.currency),
            BankFeed(
                "bank",
                url_of("bank"),
                http,
                feed.client_id,
                feed.client_secret,
                self.bank_account_id,
                feed.webhook_secret,
            ),
        )

    def seal(self) -> None:
        """Remember the present state of all systems as the one a reset goes back to."""
        for server in self.servers.values():
            server.seal()


def build_estate(plan: RunPlan, world: World, sink: Callable[[Entry], None] | None = None) -> Estate:
    """Make the systems of a plan in a world. ``sink`` gets every journal entry."""
    systems = plan.systems
    sf = salesforce.make(world, _salesforce_config(plan, systems["crm"]))
    ns = netsuite.make(world, _netsuite_config(plan, systems["erp"]))
    feed = bank_iso20022.make(world, bank_iso20022.BankConfig(seed=plan.seed))
    account = feed.core.open_account(COMPANY_IBAN, plan.world.currency, "The company")
    start = world.clock.now()
    servers = {
        name: MockServer(
            name,
            dialect,
            world,
            Journal(sink=sink),
            FaultPlan(name, world.draw, start, systems[name].faults),
            _latency(systems[name]),
        )
        for name, dialect in (("crm", sf), ("erp", ns), ("bank", feed))
    }
    for name, dialect in (("crm", sf), ("erp", ns), ("bank", feed)):
        dialect.faults = servers[name].faults
    return Estate(
        servers, sf.core, ns.core, feed.core, SALESFORCE_FIELDS, account.id, sf, ns, feed, plan.world.currency
    )


def _latency(system: SystemPlan) -> Latency | None:
    return Latency(median_s=system.latency_s, sigma=system.latency_sigma) if system.latency_s else None


def _salesforce_config(plan: RunPlan, system: SystemPlan) -> salesforce.SalesforceConfig:
    fields = salesforce.config.default_custom_fields()
    # Sales may enter a customer twice: neither its number nor the ERP's id is unique among accounts.
    for name in ("ERP_Id__c", "Customer_Number__c"):
        fields["Account"][name] = salesforce.config.CustomField("text")
    return salesforce.SalesforceConfig(
        client_id="o2c-connected-app",
        client_secret=f"o2c-secret-{plan.seed}",
        seed=plan.seed,
        edition=_one_of(system.plan or "enterprise", salesforce.config.Edition),
        licences=system.licences or 50,
        currency=plan.world.currency,
        custom_fields=fields,
    )


def _netsuite_config(plan: RunPlan, system: SystemPlan) -> netsuite.NetSuiteConfig:
    account = netsuite.NetSuiteConfig().account
    return netsuite.NetSuiteConfig(
        seed=plan.seed,
        integrations=(netsuite.derive_integration(account, plan.seed, INTEGRATION),),
        tier=_one_of(system.plan or "premium", netsuite.config.Tier),
        suitecloud_plus=system.licences,
        currency=plan.world.currency,
        date_format="YYYY-MM-DD",
    )


def _one_of(value: str, choices: Any) -> Any:
    known = get_args(choices)
    if value not in known:
        raise ValueError(f"systems: no plan {value!r}; there are: {', '.join(known)}")
    return value
