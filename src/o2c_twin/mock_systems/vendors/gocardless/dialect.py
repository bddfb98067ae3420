"""One GoCardless account: tokens, version, limits, errors, its clockwork, and what its operations work with."""

import hmac
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.direct_debit import Happening, RehearsedCore
from o2c_twin.mock_systems.vendors.gocardless import limits
from o2c_twin.mock_systems.vendors.gocardless.config import API_VERSION, GoCardlessConfig, WebhookEndpoint
from o2c_twin.mock_systems.vendors.gocardless.errors import Errors
from o2c_twin.mock_systems.vendors.gocardless.ids import namer
from o2c_twin.mock_systems.vendors.gocardless.keys import Key, Keys
from o2c_twin.mock_systems.vendors.gocardless.operations import ROUTES
from o2c_twin.mock_systems.vendors.gocardless.promises import PROMISES
from o2c_twin.mock_systems.vendors.gocardless.push import Pushes, Webhook
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal
from o2c_twin.mock_systems.wire.webhooks import Outcome

_OWNER = Principal("account", "access token", "read-write")
_READER = Principal("account", "access token", "read-only")


class _Kept(msgspec.Struct):
    core: bytes
    keys: dict[str, Key]
    requests: int
    webhook_count: int
    webhooks: dict[str, Webhook]


class GoCardlessDialect(Dialect):
    """Speaks GoCardless's API about a direct debit provider's core."""

    vendor: ClassVar[str] = "GoCardless"
    family: ClassVar[str] = "payments"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = PROMISES

    def __init__(self, world: World, core: RehearsedCore, config: GoCardlessConfig) -> None:
        self.world = world
        self.core = core
        self.config = config
        self.policy = limits.POLICY
        self.limiter = Limiter(self.policy)
        self.errors = Errors(config.seed)
        self.keys = Keys(self.errors, config.forget_keys_after_days)
        self._names = namer(config.seed)
        self.event_ids: list[str] = []
        self.event_places: dict[str, int] = {}
        self.pushes = Pushes(world, self._names, config.environment, config.webhook_delay_s, lambda: self.faults)
        for endpoint in config.endpoints:
            self.pushes.subscribe(endpoint)
        self._wakes: set[int] = set()
        self._reset_header: tuple[int, str] = (-1, "")
        core.listeners.append(self._heard)
        core.on_due = self._wake

    def subscribe(self, url: str, secret: str | None = None) -> Outcome:
        """Add a webhook endpoint (its secret is the account's when not given); gives the counts of its deliveries."""
        return self.pushes.subscribe(WebhookEndpoint(url, secret or self.config.webhook_secret))

    # --- clockwork ---------------------------------------------------------------------------------

    def _wake(self, at: int) -> None:
        """Be there when the core's next step is due."""
        if at not in self._wakes:
            self._wakes.add(at)
            self.world.spawn(self._run_due(at), f"gocardless.due.{at}")

    async def _run_due(self, at: int) -> None:
        wait_us = at - self.world.clock.now()
        if wait_us > 0:
            await self.world.sleep(wait_us / 1e6)
        self._wakes.discard(at)
        self.core.run_due()
        if self.core.next_due is not None:
            self._wake(self.core.next_due)

    def _heard(self, happening: Happening) -> None:
        event_id = self._names("event", happening.number)
        self.event_places[event_id] = len(self.event_ids)
        self.event_ids.append(event_id)
        self.pushes.heed(event_id, happening)

    # --- login -------------------------------------------------------------------------------------

    def authenticate(self, request: Request, now: int) -> Principal:
        """A bearer token of this account, and the version header; what is due by now is done first."""
        header = request.headers.get("authorization")
        if not header:
            self.errors.refuse_usage(401, "missing_authorization_header", "The Authorization header is missing")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            detail = "The Authorization header must be 'Bearer ACCESS_TOKEN'"
            self.errors.refuse_usage(401, "invalid_authorization_header", detail)
        principal = self._holder(token.strip())
        version = request.headers.get("gocardless-version")
        if not version:
            self.errors.refuse_usage(400, "missing_version_header", "The GoCardless-Version header is missing")
        if version != API_VERSION:
            self.errors.refuse_usage(400, "version_not_found", f"There is no version '{version[:40]}' of the API")
        if principal is _READER and request.method != "GET":
            detail = "The access token is read-only"
            self.errors.refuse_usage(403, "insufficient_permissions", detail)
        due = self.core.next_due
        if due is not None and due <= now:
            self.core.run_due()
        return principal

    def _holder(self, token: str) -> Principal:
        sent = token.encode()
        if hmac.compare_digest(sent, self.config.access_token.encode()):
            return _OWNER
        reader = self.config.read_only_token
        if reader is not None and hmac.compare_digest(sent, reader.encode()):
            return _READER
        if token in self.config.revoked_tokens:
            self.errors.refuse_usage(401, "access_token_revoked", "The access token has been revoked")
        self.errors.refuse_usage(401, "access_token_not_found", "The access token was not found")

    # --- answers -----------------------------------------------------------------------------------

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        """Unknown path, or known path with another method."""
        if allowed:
            response = self.errors.usage(405, "method_not_allowed", f"{request.method} is not allowed here")
            response.headers["Allow"] = ", ".join(sorted(allowed))
            return response
        return self.errors.usage(404, "not_found", "not found")

    def malformed(self, request: Request, detail: str) -> Response:
        """A body that is not a JSON object."""
        return self.errors.usage(400, "invalid_document_structure", "Invalid document structure")

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        """429; the headers say when the count starts anew."""
        response = self.errors.usage(429, "rate_limit_exceeded", "Rate limit exceeded")
        if verdict is None:
            response.headers["RateLimit-Remaining"] = "0"
        return response

    def failed(self, status: int) -> Response:
        """GoCardless fails itself."""
        text = "An internal error occurred while processing your request"
        return self.errors.problem(status, "gocardless", "internal_server_error", text)

    def decorate(self, response: Response, principal: Principal, now: int) -> None:
        """The three rate limit headers."""
        minute = now // limits.MINUTE_US
        if self._reset_header[0] != minute:
            self._reset_header = (minute, limits.resets_at(now))
        headers = response.headers
        headers["RateLimit-Limit"] = str(limits.PER_MINUTE)
        headers.setdefault(
            "RateLimit-Remaining", str(limits.PER_MINUTE - self.limiter.used(limits.WINDOW, principal, now))
        )
        headers["RateLimit-Reset"] = self._reset_header[1]

    # --- state -------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Core, idempotency keys, and the webhooks that were sent. What waits to be sent is not part of it."""
        return msgspec.msgpack.encode(
            _Kept(
                self.core.snapshot(),
                self.keys.known,
                self.errors.count,
                self.pushes.count,
                self.pushes.webhooks,
            )
        )

    def restore(self, snapshot: bytes) -> None:
        """Back to a snapshot."""
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        self.core.restore(kept.core)
        self.keys.known = kept.keys
        self.errors.count = kept.requests
        self.pushes.count = kept.webhook_count
        self.pushes.webhooks = kept.webhooks
        self.event_ids = [self._names("event", happening.number) for happening in self.core.state.happenings]
        self.event_places = {event_id: place for place, event_id in enumerate(self.event_ids)}

    def facts(self) -> dict[str, Any]:
        """Plan, environment and counts."""
        state = self.core.state
        return {
            **super().facts(),
            "environment": self.config.environment,
            "customers": len(state.customers),
            "mandates": len(state.mandates),
            "payments": len(state.payments),
            "payouts": len(state.payouts),
            "events": len(state.happenings),
        }
