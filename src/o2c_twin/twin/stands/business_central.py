"""Dynamics 365 Business Central as the ERP."""

from typing import get_args

from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient
from o2c_twin.integration.connectors.business_central_maps import BusinessCentralMaps
from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Erp
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import business_central
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of

INTEGRATION = "o2c-twin engine"


class _Guids:
    """Business Central names its records by GUID."""

    def __init__(self, dialect: business_central.BusinessCentralDialect) -> None:
        self._guids = dialect.guids

    def name_of(self, kind: str, core_id: str) -> str:
        """The GUID of a record."""
        return self._guids.of(kind, core_id)

    def id_of(self, kind: str, name: str) -> str:
        """The core's id behind a GUID. Raises KeyError for one that is not ours."""
        found = self._guids.read(kind, name)
        if found is None:
            raise KeyError(f"{name} is no {kind} of this company")
        return found[0]

    def reference_of(self, reference: str) -> str:
        """External document numbers are codes: capitals, 35 at most."""
        return reference[:35].upper()


class BusinessCentralStand:
    """A company in one environment of a tenant, with one application registered."""

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        tenant = business_central.BusinessCentralConfig().tenant
        self._app = business_central.derive_app(tenant, plan.seed, INTEGRATION)
        config = business_central.BusinessCentralConfig(
            seed=plan.seed,
            apps=(self._app,),
            currency=plan.world.currency,
            plan=one_of(system.plan or "online", get_args(business_central.config.Plan)),
        )
        self.dialect = business_central.make(world, config)
        self.core = self.dialect.core
        self.names = _Guids(self.dialect)
        self._currency = plan.world.currency
        self._secret = f"o2c-state-{plan.seed}"
        self._discounts = bool(plan.world.early_discount)
        self._own = plan.maps
        self._told: tuple[str, ...] = ("salesOrders", "salesShipments", "salesInvoices")
        if plan.design.hears_customers:
            self._told = (*self._told, "customers")

    def subscribe(self, url: str) -> None:
        """Webhook subscriptions on orders, shipments and invoices, and on customers where the design asks for them."""
        self.dialect.subscribe(url, self._told, self._secret)

    def credentials(self) -> dict[str, str]:
        """Tenant, company and application."""
        config = self.dialect.config
        return {
            "tenant": config.tenant,
            "environment": config.environment,
            "company_id": self.dialect.company_id,
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret,
            "client_state": self._secret,
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Erp:
        """Logged in as the application."""
        config = self.dialect.config
        client = BusinessCentralClient(
            name,
            url,
            http,
            config.tenant,
            config.environment,
            self.dialect.company_id,
            self._app.client_id,
            self._app.client_secret,
        )
        maps = maps_for(self._own, BusinessCentralMaps)
        discounts = "DISCOUNT" if self._discounts else ""
        return BusinessCentralErp(client, self._currency, self._secret, maps=maps, discounts=discounts)
