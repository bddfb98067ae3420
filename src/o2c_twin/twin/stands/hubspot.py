"""HubSpot as the CRM."""

from typing import get_args

from o2c_twin.integration.connectors.hubspot import HubSpotCrm
from o2c_twin.integration.connectors.hubspot_login import PrivateApp
from o2c_twin.integration.connectors.hubspot_maps import HubSpotMaps
from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Crm
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import hubspot
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of
from o2c_twin.twin.world.company import CrmFields

FIELDS = CrmFields(
    po_number="po_number",
    deal_ref="deal_ref",
    customer_number="customer_number",
    terms_days="payment_terms_days",
    credit_limit="credit_limit",
    erp_order_number="erp_order_number",
    erp_order_id="erp_order_id",
    fulfilment="erp_fulfilment_status",
    invoice_number="erp_invoice_number",
    payment="erp_payment_status",
    credit="erp_credit_status",
    entity="o2c_entity",
)
PUSHED = (
    hubspot.Subscription("deal.associationChange"),
    hubspot.Subscription("deal.propertyChange", "dealstage"),
    hubspot.Subscription("company.creation"),
    *(
        hubspot.Subscription("company.propertyChange", name)
        for name in ("name", "customer_number", "payment_terms_days", "credit_limit")
    ),
)


class HubSpotStand:
    """An account with the company's own properties, called by a private app."""

    fields = FIELDS

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        properties = hubspot.default_properties()
        # Sales may enter a customer twice: neither its number nor the ERP's id is unique among companies.
        for name in ("erp_customer_id", "customer_number"):
            properties["companies"][name] = hubspot.CustomProperty("string")
        if plan.several_entities:
            properties["companies"][FIELDS.entity] = hubspot.CustomProperty("string")
        config = hubspot.HubSpotConfig(
            client_secret=f"o2c-secret-{plan.seed}",
            access_token=f"pat-eu1-o2c-{plan.seed}",
            tier=one_of(system.plan or "enterprise", get_args(hubspot.config.Tier)),
            capacity_packs=min(system.licences, 2),
            seed=plan.seed,
            currency=plan.world.currency,
            properties=properties,
        )
        self.dialect = hubspot.make(world, config)
        self.core = self.dialect.core
        self._pushed_to = ""
        self._own = plan.maps
        more = (hubspot.Subscription("company.propertyChange", FIELDS.entity),) if plan.several_entities else ()
        self._pushed = (*PUSHED, *more)

    def subscribe(self, url: str) -> None:
        """Webhooks of won deals, of what they belong to, and of changed companies."""
        self._pushed_to = url
        self.dialect.subscribe(url, self._pushed)

    def credentials(self) -> dict[str, str]:
        """The private app's token, and the secret its webhooks are signed with."""
        config = self.dialect.config
        return {"access_token": config.access_token, "client_secret": config.client_secret}

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Crm:
        """Logged in as the private app; pushes are believed when they were sent to where `subscribe` said."""
        config = self.dialect.config
        app = PrivateApp(config.access_token)
        secret, currency, maps = config.client_secret, config.currency, maps_for(self._own, HubSpotMaps)
        return HubSpotCrm(name, url, http, clock, app, secret, lambda: self._pushed_to, currency, maps=maps)
