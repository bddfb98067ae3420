"""GoCardless: direct debit over the provider's core, with events, webhooks, payouts and scenario simulators."""

from o2c_twin.mock_systems.roles.direct_debit import RehearsedCore, Terms, WorkingDays
from o2c_twin.mock_systems.vendors.gocardless.config import GoCardlessConfig, WebhookEndpoint
from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect
from o2c_twin.mock_systems.vendors.gocardless.ids import namer
from o2c_twin.mock_systems.wire.ports import World

__all__ = ["GoCardlessConfig", "GoCardlessDialect", "WebhookEndpoint", "make"]


def make(world: World, config: GoCardlessConfig | None = None) -> GoCardlessDialect:
    """An account in a world with its one creditor; ``.core`` is what payers and banks in the world act on."""
    config = config or GoCardlessConfig()
    core = RehearsedCore(
        world.clock.now,
        namer(config.seed),
        WorkingDays(frozenset(config.holidays)),
        Terms(config.fee_share_bp, config.fee_fixed, config.fee_cap, config.surcharge),
        config.refunds_need_balance,
    )
    dialect = GoCardlessDialect(world, core, config)
    core.open_creditor(config.creditor_name, config.creditor_country, config.creditor_short_name)
    return dialect
