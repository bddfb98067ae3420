"""How much an environment takes, by plan. Source: Microsoft Learn, "Operational limits for Business Central online"."""

from o2c_twin.mock_systems.vendors.business_central.config import Plan
from o2c_twin.mock_systems.wire.limits import Concurrency, LimitPolicy, Window

_SOURCE = "Operational limits for Business Central online"
_CONNECTIONS = Concurrency("connections", 100, "user", source=_SOURCE)
_OLD = "API rate limits per environment before late 2023"

MOST_BATCHED = 100
"""Operations of one ``$batch`` (same source)."""
MOST_BODY = 350 * 1024 * 1024
"""Bytes of a request body (same source)."""

POLICIES: dict[Plan, LimitPolicy] = {
    "online": LimitPolicy(
        "online", (Window("requests in 5 minutes", 6_000, 300, "user", "sliding", _SOURCE),), (_CONNECTIONS,)
    ),
    "production-2023": LimitPolicy(
        "production-2023", (Window("requests a minute", 600, 60, "tenant", "sliding", _OLD),), (_CONNECTIONS,)
    ),
    "sandbox-2023": LimitPolicy(
        "sandbox-2023", (Window("requests a minute", 300, 60, "tenant", "sliding", _OLD),), (_CONNECTIONS,)
    ),
    "on-premises": LimitPolicy("on-premises"),
}
