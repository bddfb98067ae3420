"""The portal's limits by tier, and the exact words of each throttling reply.

Sources: HubSpot developer documentation, "API usage guidelines" (burst, daily, headers, bodies); search's
five a second from public integration code; free-tier and public-app figures from memory.
"""

from o2c_twin.mock_systems.vendors.hubspot.config import HubSpotConfig
from o2c_twin.mock_systems.vendors.hubspot.ids import name_of
from o2c_twin.mock_systems.wire.limits import LimitPolicy, Window
from o2c_twin.mock_systems.wire.message import Response, json_response

BURST, DAILY, SECONDLY = "TEN_SECONDLY_ROLLING", "DAILY", "SECONDLY"
BURST_S, DAY_S = 10, 86_400
SEARCHES_A_SECOND = 5
_USAGE = "HubSpot developer documentation, API usage guidelines and limits"
_BURSTS = {"free": 100, "starter": 100, "professional": 190, "enterprise": 190}
_DAYS = {"free": 250_000, "starter": 250_000, "professional": 650_000, "enterprise": 1_000_000}
_PACK_BURST, _PACK_DAY = 250, 1_000_000
_PUBLIC_BURST = 110
_WORDS = {
    BURST: "You have reached your ten_secondly_rolling limit.",
    DAILY: "You have reached your daily limit.",
    SECONDLY: "You have reached your secondly limit.",
}


def burst(config: HubSpotConfig) -> int:
    """Calls an app may make in ten seconds; a capacity pack does not add up with a second one."""
    if config.app == "public":
        return _PUBLIC_BURST
    return _PACK_BURST if config.capacity_packs else _BURSTS[config.tier]


def daily(config: HubSpotConfig) -> int:
    """Calls all private apps of the account may make in a day."""
    return _DAYS[config.tier] + config.capacity_packs * _PACK_DAY


def policy_of(config: HubSpotConfig) -> LimitPolicy:
    """The policy of a portal. The day ends at midnight UTC: the account's time zone is taken to be that."""
    windows = [Window(BURST, burst(config), BURST_S, "app", "sliding", _USAGE)]
    if config.app == "private":
        # Public apps have no daily limit of their own (documented: the header is not sent for OAuth).
        windows.append(Window(DAILY, daily(config), DAY_S, "tenant", "fixed", _USAGE))
    return LimitPolicy(config.tier, tuple(windows))


def search_policy(config: HubSpotConfig) -> LimitPolicy:
    """What search counts by itself, beside the other limits."""
    source = "public integration code: five requests per second and account"
    return LimitPolicy(config.tier, (Window(SECONDLY, SEARCHES_A_SECOND, 1, "tenant", "sliding", source),))


def throttled(limit: str, app: int) -> Response:
    """429 in the vendor's words. There is no ``Retry-After``: sources disagree, and nobody may rely on it."""
    message = _WORDS[limit]
    body = {
        "status": "error",
        "message": message,
        "errorType": "RATE_LIMIT",
        "correlationId": name_of(message),
        "policyName": limit,
    }
    if limit == BURST:
        body["groupName"] = f"publicapi:private_app-api-calls-ten-secondly:{app}"
    return json_response(429, body)
