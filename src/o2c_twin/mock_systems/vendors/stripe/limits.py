"""Stripe's rate limits as data, and a limiter that counts a call for the account and for its endpoint.

Source: docs.stripe.com/rate-limits. An older edition of the page has other figures; both are kept, the
configuration chooses.
"""

from o2c_twin.mock_systems.vendors.stripe.config import StripeConfig
from o2c_twin.mock_systems.wire.limits import Limiter, LimitPolicy, Verdict, Window
from o2c_twin.mock_systems.wire.route import Principal

_CURRENT = "docs.stripe.com/rate-limits (2026): live 100/s, sandbox 25/s, each endpoint 25/s"
_OLDER = "older edition of the same page: 100 read and 100 write operations a second live, 25 and 25 in test mode"
GLOBAL, ENDPOINT, SEARCH, PAYOUTS = "global-rate", "endpoint-rate", "search-rate", "payout-rate"
UPDATES_PER_HOUR = 1_000
"""Updates of one PaymentIntent an hour (same page); over it: resource-specific."""
_OWN = {SEARCH: Window(SEARCH, 20, 1, "app", "sliding", _CURRENT), PAYOUTS: Window(PAYOUTS, 15, 1, "app", "sliding")}
_EACH = Window(ENDPOINT, 25, 1, "app", "sliding", _CURRENT)


class Caller(Principal, frozen=True):
    """Who calls, with the marks the call holds while it is in flight (idempotency key, locked object)."""

    marks: tuple[tuple[str, ...], ...] = ()


def policy(config: StripeConfig) -> LimitPolicy:
    """The limits of the whole account."""
    mode = "live" if config.livemode else "sandbox"
    whole = 100 if config.livemode else 25
    if config.limits == "older":
        # Reads and writes are counted apart: they come as different applications of one tenant.
        return LimitPolicy(f"{mode}, older limits", (Window(GLOBAL, whole, 1, "app", "sliding", _OLDER),))
    return LimitPolicy(mode, (Window(GLOBAL, whole, 1, "tenant", "sliding", _CURRENT),))


def counted_as(config: StripeConfig, method: str, path: str) -> str:
    """The application a call counts as: with the current limits its endpoint, with the older ones reads or writes."""
    if config.limits == "older":
        return "read" if method == "GET" else "write"
    steps = path.split("/")
    resource = steps[2] if len(steps) > 2 else ""
    if steps[-1] == "search":
        return SEARCH
    if method == "POST" and resource == "payouts" and len(steps) == 3:
        return PAYOUTS
    verb = steps[4] if len(steps) > 4 else "{id}" if len(steps) > 3 else ""
    return f"{method} {resource}/{verb}"


class EndpointLimiter(Limiter):
    """Counts the account first and then the endpoint: a call an endpoint refuses has counted for the account."""

    def __init__(self, policy: LimitPolicy, per_endpoint: bool) -> None:
        super().__init__(policy)
        self._per_endpoint = per_endpoint
        self._endpoints: dict[str, Limiter] = {}
        self._plain: dict[tuple[str, str], Principal] = {}

    def _of_call(self, principal: Principal) -> Principal:
        key = (principal.app, principal.user)
        plain = self._plain.get(key)
        if plain is None:
            plain = self._plain[key] = Principal(principal.tenant, principal.app, principal.user)
        return plain

    def reset(self) -> None:
        super().reset()
        self._endpoints.clear()

    def admit(self, principal: Principal, cost: int, now: int) -> Verdict | None:
        plain = self._of_call(principal)
        verdict = super().admit(plain, cost, now)
        if verdict is not None or not self._per_endpoint:
            return verdict
        own = self._endpoints.get(plain.app)
        if own is None:
            window = _OWN.get(plain.app, _EACH)
            own = self._endpoints[plain.app] = Limiter(LimitPolicy(plain.app, (window,)))
        return own.admit(plain, cost, now)

    def enter(self, principal: Principal, now: int) -> int:
        return super().enter(self._of_call(principal), now)

    def leave(self, principal: Principal, ticket: int) -> None:
        super().leave(self._of_call(principal), ticket)
