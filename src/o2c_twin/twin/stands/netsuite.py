"""NetSuite as the ERP."""

from typing import get_args

import msgspec

from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.netsuite_maps import NetSuiteMaps
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Erp
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import netsuite
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of
from o2c_twin.twin.world.company import SameNames
from o2c_twin.twin.world.population import tax_code

INTEGRATION = "o2c-twin engine"


class NetSuiteStand:
    """An account with one integration record."""

    names = SameNames()

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        account = netsuite.NetSuiteConfig().account
        token = netsuite.derive_integration(account, plan.seed, INTEGRATION)
        # A design that works for one entity does so in a role that may use its subsidiary only.
        home = plan.world.home_entity if plan.world.entities and plan.design.entities == "one" else ""
        self._token = msgspec.structs.replace(token, subsidiary=home)
        config = netsuite.NetSuiteConfig(
            seed=plan.seed,
            integrations=(self._token,),
            tier=one_of(system.plan or "premium", get_args(netsuite.config.Tier)),
            suitecloud_plus=system.licences,
            currency=plan.world.currency,
            currencies=tuple(plan.world.foreign),
            date_format="YYYY-MM-DD",
            custom_fields=_custom_fields(plan),
            subsidiaries=tuple(_subsidiary(code) for code in plan.world.legal_entities),
        )
        self.dialect = netsuite.make(world, config)
        self.core = self.dialect.core
        self._currency = plan.world.currency
        self._foreign = tuple(plan.world.foreign)
        self._discounts = config.discount_item if plan.world.early_discount else ""
        self._own = plan.maps
        self._told: tuple[str, ...] = ("salesOrder", "itemFulfillment", "invoice")
        if plan.design.hears_customers:
            self._told = (*self._told, "customer")

    def subscribe(self, url: str) -> None:
        """A user-event script on orders, fulfilments and invoices, and on customers where the design asks for them."""
        self.dialect.subscribe(netsuite.Subscription(url, self._told))

    def credentials(self) -> dict[str, str]:
        """Account and token."""
        token = self._token
        return {
            "account": self.dialect.config.account,
            "consumer_key": token.consumer_key,
            "consumer_secret": token.consumer_secret,
            "token_id": token.token_id,
            "token_secret": token.token_secret,
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Erp:
        """Signed in with the integration's token."""
        token, account = self._token, self.dialect.config.account
        signer = TokenSigner(account, token.consumer_key, token.consumer_secret, token.token_id, token.token_secret)
        maps = maps_for(self._own, NetSuiteMaps)
        return NetSuiteErp(
            name,
            url,
            http,
            clock,
            signer,
            self._currency,
            maps,
            foreign=self._foreign,
            discounts=self._discounts,
        )


def _custom_fields(plan: RunPlan) -> tuple[str, ...]:
    """The custom fields of orders an estate's own maps write: the account has them."""
    if plan.maps is None:
        return ()
    maps = maps_for(plan.maps, NetSuiteMaps).variants
    written = (path.rpartition(".")[2] for each in maps for path in each.deal_to_sales_order.written)
    return tuple(dict.fromkeys(name for name in written if name.startswith("cust")))


def _subsidiary(code: str) -> netsuite.Subsidiary:
    return netsuite.Subsidiary(f"Company {code}", code, tax_code(code))
