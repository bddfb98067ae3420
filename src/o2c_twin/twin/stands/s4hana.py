"""SAP S/4HANA as the ERP."""

from typing import get_args

from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Erp
from o2c_twin.integration.connectors.s4hana import Organisation, S4HanaErp
from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps
from o2c_twin.integration.connectors.s4hana_wire import fitted
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import s4hana
from o2c_twin.mock_systems.vendors.s4hana.feed import event_type
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of
from o2c_twin.twin.world.company import SameNames
from o2c_twin.twin.world.population import tax_code

COMMUNICATION_USER = "O2C_INTEGRATION"


class _Names(SameNames):
    def reference_of(self, reference: str) -> str:
        """A document reference has 16 characters; the connector makes a longer one fit."""
        return fitted(reference, 16)


class S4HanaStand:
    """One client of one system, with a communication user."""

    names = _Names()

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        client = s4hana.S4HanaConfig().client
        self._user = s4hana.derive_user(client, plan.seed, COMMUNICATION_USER)
        config = s4hana.S4HanaConfig(
            seed=plan.seed,
            users=(self._user,),
            currency=plan.world.currency,
            front=one_of(system.plan or "direct", get_args(s4hana.Front)),
            work_processes=system.licences or None,
            units=tuple(s4hana.Unit(code, tax_code(code)) for code in plan.world.legal_entities),
        )
        self.dialect = s4hana.make(world, config)
        self.core = self.dialect.core
        self._currency = plan.world.currency
        self._discounts = bool(plan.world.early_discount)
        self._own = plan.maps
        self._told = ("order", "customer") if plan.design.hears_customers else ("order",)
        self._broker = f"Bearer o2c-broker-{plan.seed}"

    def subscribe(self, url: str) -> None:
        """Order events, and those of business partners where the design asks for them.

        Deliveries and billing documents are asked for, as their events name no order.
        """
        topics = tuple(event_type(kind, what) for kind in self._told for what in ("created", "updated"))
        self.dialect.subscribe(s4hana.Subscription(url, self._broker, topics))

    def credentials(self) -> dict[str, str]:
        """Client, communication user and organisation."""
        config = self.dialect.config
        return {
            "client": config.client,
            "user": self._user.name,
            "password": self._user.password,
            "company_code": config.company_codes[0],
            "sales_organization": config.sales_organizations[0],
            "distribution_channel": config.distribution_channel,
            "division": config.division,
            "credit_segment": config.credit_segment,
            "push_authorization": self._broker,
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Erp:
        """Logged in as the communication user."""
        config = self.dialect.config
        at = Organisation(
            config.company_codes[0],
            config.sales_organizations[0],
            config.distribution_channel,
            config.division,
            config.credit_segment,
            discount_account=config.discount_account if self._discounts else "",
        )
        user, maps = self._user, maps_for(self._own, S4HanaMaps)
        return S4HanaErp(name, url, http, clock, user.name, user.password, self._currency, at, self._broker, maps)
