"""The org's limits on calls, by edition."""

from o2c_twin.mock_systems.vendors.salesforce.config import SalesforceConfig
from o2c_twin.mock_systems.wire.limits import Concurrency, LimitPolicy, Window

DAILY = "DailyApiRequests"
LONG_CALLS = "ConcurrentPerOrgLongTxn"
_DAY_S = 86_400
_DAILY_SOURCE = (
    "Salesforce Developer Limits Quick Reference, API Request Limits and Allocations (rolling 24 hours, whole org)"
)
_LONG_SOURCE = (
    "Salesforce Developer Limits Quick Reference, Concurrent API Request Limits (calls of 20 seconds or longer)"
)
LONG_CALL_S = 20.0

BULK_BATCHES_A_DAY = 15_000
BULK_ROWS_A_BATCH = 10_000
BULK_QUERY_JOBS_A_DAY = 10_000
BULK_UPLOAD_BYTES = 150_000_000
"""Bulk API 2.0. Source: Salesforce Developer Limits Quick Reference, Bulk API and Bulk API 2.0 Limits."""


def daily_calls(config: SalesforceConfig) -> int:
    """Calls in 24 hours: the edition's base and an allowance for each licence; add-ons are not modelled."""
    if config.edition == "developer":
        return 15_000
    if config.edition == "sandbox":
        return 5_000_000
    return 100_000 + config.licences * (5_000 if config.edition == "unlimited" else 1_000)


def policy_of(config: SalesforceConfig) -> LimitPolicy:
    """The policy of an org."""
    long_calls = 5 if config.edition == "developer" else 25
    return LimitPolicy(
        config.edition,
        (Window(DAILY, daily_calls(config), _DAY_S, "tenant", "sliding", _DAILY_SOURCE),),
        (Concurrency(LONG_CALLS, long_calls, "tenant", LONG_CALL_S, _LONG_SOURCE),),
    )
