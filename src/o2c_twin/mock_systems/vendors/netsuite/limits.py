"""How many calls an account may have in flight; NetSuite publishes no frequency limits."""

from o2c_twin.mock_systems.vendors.netsuite.config import NetSuiteConfig, Tier
from o2c_twin.mock_systems.wire.limits import Concurrency, LimitPolicy

CONCURRENCY: dict[Tier, int] = {"standard": 5, "premium": 15, "enterprise": 20, "ultimate": 20}
"""Concurrent requests by service tier. Source: Oracle help, "Web Services and RESTlet Concurrency Governance"."""

PER_LICENCE = 10
"""More for each SuiteCloud Plus licence (same source: tier 1 with five licences has 65)."""


def account_limit(config: NetSuiteConfig) -> int:
    """Concurrent requests of the whole account."""
    return CONCURRENCY[config.tier] + PER_LICENCE * config.suitecloud_plus


def policy(config: NetSuiteConfig) -> LimitPolicy:
    """The limits of an account: one pool for all its integrations."""
    pool = Concurrency(
        "account concurrency", account_limit(config), "tenant", source="Oracle help, concurrency governance"
    )
    plan = config.tier if not config.suitecloud_plus else f"{config.tier} + {config.suitecloud_plus} SuiteCloud Plus"
    return LimitPolicy(plan, concurrency=(pool,))
