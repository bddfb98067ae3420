"""The documented rate limit: 1000 requests a minute, one count for the account."""

from email.utils import formatdate

from o2c_twin.mock_systems.wire.limits import LimitPolicy, Window

WINDOW = "requests per minute"
PER_MINUTE = 1000
MINUTE_US = 60_000_000
POLICY = LimitPolicy(
    "api",
    windows=(
        Window(
            WINDOW, PER_MINUTE, 60, "tenant", "fixed", "GoCardless API reference, rate limiting; window kind assumed"
        ),
    ),
)


def resets_at(now: int) -> str:
    """When the count starts anew, as the header ``RateLimit-Reset`` has it (an HTTP date)."""
    return formatdate((now // MINUTE_US + 1) * 60, usegmt=True)
