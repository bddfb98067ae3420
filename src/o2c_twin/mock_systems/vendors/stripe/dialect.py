"""One Stripe account: login, limits, locks and keys in flight, errors, and what its operations work with."""

import base64
import hmac
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.billing import BillingCore
from o2c_twin.mock_systems.vendors.stripe import errors, limits
from o2c_twin.mock_systems.vendors.stripe.config import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.events import Endpoint, Events, EventState
from o2c_twin.mock_systems.vendors.stripe.finding import Finder
from o2c_twin.mock_systems.vendors.stripe.ids import Ids
from o2c_twin.mock_systems.vendors.stripe.limits import Caller, EndpointLimiter
from o2c_twin.mock_systems.vendors.stripe.money_shapes import MoneyShapes
from o2c_twin.mock_systems.vendors.stripe.operations import PROMISES, ROUTES
from o2c_twin.mock_systems.vendors.stripe.serving import Remembered
from o2c_twin.mock_systems.vendors.stripe.versions import Version, version
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.limits import Verdict
from o2c_twin.mock_systems.wire.message import Refused, Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal, Router
from o2c_twin.mock_systems.wire.webhooks import Outcome

_SWEEP_US = 3_600_000_000
_LONGEST_FLIGHT_US = 80_000_000
"""A mark older than a client's time-out belongs to a call that was cut off."""


class _Kept(msgspec.Struct):
    core: bytes
    events: EventState
    keys: dict[str, Remembered]
    requests: int


class StripeDialect(Dialect):
    """Speaks Stripe's API about a billing core. ``config.secret_key`` logs a client in."""

    vendor: ClassVar[str] = "Stripe"
    family: ClassVar[str] = "payments"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = PROMISES

    def __init__(self, world: World, core: BillingCore, config: StripeConfig, ids: Ids) -> None:
        self.world = world
        self.core = core
        self.config = config
        self.ids = ids
        self.policy = limits.policy(config)
        self.limiter = EndpointLimiter(self.policy, config.limits == "current")
        self.faults: FaultPlan | None = None
        self.shapes = MoneyShapes(config, core)
        self.finder = Finder(self.shapes)
        self.events = Events(world, config, core, self.finder, ids, lambda: self.faults)
        self._default = version(config.api_version)
        self._versions: dict[str, Version] = {config.api_version: self._default}
        self._keys: dict[str, Remembered] = {}
        self._swept_at = 0
        self._flying: dict[tuple[str, ...], int] = {}
        self._requests = 0
        self._secret = config.secret_key.encode()
        self._account = config.account
        self._request_id = (-1, "")
        self._wakes_at: int | None = None
        self._router = Router(ROUTES) if config.restricted_keys else None
        core.books.planned = self._wake

    # --- time --------------------------------------------------------------------------------------

    def _wake(self, at: int) -> None:
        """Have work that falls due done at its instant, whether or not anybody calls."""
        if self._wakes_at is not None and self._wakes_at <= at:
            return
        self._wakes_at = at
        self.world.spawn(self._work_at(at), f"stripe.due.{at}")

    async def _work_at(self, at: int) -> None:
        wait_us = at - self.world.clock.now()
        if wait_us > 0:
            await self.world.sleep(wait_us / 1_000_000)
        if self._wakes_at == at:
            self._wakes_at = None
        self.core.run_due()
        following = self.core.due()
        if following is not None:
            self._wake(following)

    # --- login -------------------------------------------------------------------------------------

    @property
    def request_id(self) -> str:
        """The id of the call that is being answered."""
        if self._request_id[0] != self._requests:
            self._request_id = (self._requests, self.ids.spell("request", self._requests))
        return self._request_id[1]

    def authenticate(self, request: Request, now: int) -> Principal:
        """Bearer, or Basic with the key for user name; then the marks of idempotency key and locked object."""
        self._requests += 1
        key = _key_of(request.headers.get("authorization", ""))
        if not key:
            message = "You did not provide an API key. Send it as a bearer token, or as the user name of basic auth."
            raise Refused(self._with_id(errors.problem(401, message, headers={"WWW-Authenticate": "Bearer"})))
        if key in self.config.expired_keys:
            message = f"Expired API Key provided: {_masked(key)}"
            raise Refused(self._with_id(errors.problem(401, message, code="api_key_expired")))
        allowed = self.config.restricted_keys.get(key)
        if allowed is None and not hmac.compare_digest(key.encode(), self._secret):
            message = f"Invalid API Key provided: {_masked(key)}"
            raise Refused(self._with_id(errors.problem(401, message)))
        if allowed is not None:
            self._check_permission(request, key, allowed)
        marks = self._marks(request, key, now) if request.method in ("POST", "DELETE") else ()
        app = limits.counted_as(self.config, request.method, request.path)
        return Caller(self._account, app, key[:12], marks)

    def _check_permission(self, request: Request, key: str, allowed: tuple[str, ...]) -> None:
        assert self._router is not None
        found = self._router.find(request.method, request.path)
        name = found[0].name if isinstance(found, tuple) else ""
        if not any(name.startswith(prefix) for prefix in allowed):
            message = f"The provided key '{_masked(key)}' does not have the permissions this endpoint needs."
            raise Refused(self._with_id(errors.problem(403, message)))

    def _marks(self, request: Request, key: str, now: int) -> tuple[tuple[str, ...], ...]:
        marks: list[tuple[str, ...]] = []
        idempotency = request.headers.get("idempotency-key")
        if idempotency:
            marks.append(("key", idempotency))
        steps = request.path.split("/")
        if self.config.object_locks and len(steps) > 3 and "_" in steps[3]:
            marks.append(("object", steps[3]))
        for mark in marks:
            since = self._flying.get(mark)
            if since is None or now - since > _LONGEST_FLIGHT_US:
                continue
            if mark[0] == "key":
                message = "There is currently another in-progress request using this Idempotent Key. Try again later."
                conflict = errors.problem(409, message, code="idempotency_key_in_use", type_="idempotency_error")
                raise Refused(self._with_id(conflict))
            message = "This object cannot be accessed right now because another API request is accessing it."
            raise Refused(self._with_id(errors.problem(429, message, code="lock_timeout")))
        for mark in marks:
            self._flying[mark] = now
        return tuple(marks)

    def remembered(self, key: str, now: int) -> Remembered | None:
        """The first answer to a key, while it is remembered."""
        forgotten = now - self.config.keys_forgotten_s * 1_000_000
        if now >= self._swept_at + _SWEEP_US:
            # All at once and seldom: a dict whose head is taken away key by key is slow to find its next.
            self._swept_at = now
            self._keys = {name: answer for name, answer in self._keys.items() if answer.at > forgotten}
        known = self._keys.get(key)
        return known if known is not None and known.at > forgotten else None

    def remember(self, key: str, answer: Remembered) -> None:
        """Keep the first answer to a key."""
        self._keys[key] = answer

    def version_of(self, request: Request) -> Version:
        """The API version of a request. Raises `Refused`."""
        name = request.headers.get("stripe-version")
        if name is None:
            return self._default
        known = self._versions.get(name)
        if known is None:
            try:
                known = version(name)
            except ValueError as bad:
                errors.refuse(400, str(bad))
            if len(self._versions) < 100:
                self._versions[name] = known
        return known

    # --- answers -----------------------------------------------------------------------------------

    def _with_id(self, response: Response) -> Response:
        response.headers.setdefault("Request-Id", self.request_id)
        return response

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        self._requests += 1
        url = f"{request.method}: {request.path[:200]}"
        return self._with_id(errors.problem(404, f"Unrecognized request URL ({url}). See https://stripe.com/docs."))

    def malformed(self, request: Request, detail: str) -> Response:
        return errors.problem(400, detail)

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        reason = limits.GLOBAL if verdict is None or verdict.limit == limits.GLOBAL else limits.ENDPOINT
        message = "Request rate limit exceeded. Learn more: https://docs.stripe.com/rate-limits"
        return errors.problem(429, message, code="rate_limit", headers={"Stripe-Rate-Limited-Reason": reason})

    def failed(self, status: int) -> Response:
        return errors.problem(status, "An error occurred on Stripe's side.", type_="api_error")

    def decorate(self, response: Response, principal: Principal, now: int) -> None:
        self._with_id(response)
        response.headers.setdefault("Stripe-Version", self.config.api_version)
        if isinstance(principal, Caller):
            for mark in principal.marks:
                self._flying.pop(mark, None)

    # --- webhooks ----------------------------------------------------------------------------------

    def subscribe(self, url: str, events: tuple[str, ...] = ("*",)) -> Outcome:
        """A webhook endpoint as made in the dashboard, signed with ``config.webhook_secret``; its delivery counts."""
        for endpoint in self.events.state.endpoints.values():
            if endpoint.url == url:
                return self.events.outcome(endpoint)
        return self.events.outcome(self.events.add_endpoint(url, events, self.config.webhook_secret))

    def roll_secret(self, endpoint_id: str, secret: str, old_for_s: int = 86_400) -> Endpoint:
        """Give an endpoint a new secret, as in the dashboard; both sign until the old one ends."""
        endpoint = self.events.state.endpoints[endpoint_id]
        endpoint.old_secret, endpoint.secret = endpoint.secret, secret
        endpoint.old_until = self.world.clock.now() + old_for_s * 1_000_000
        return endpoint

    # --- state -------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(_Kept(self.core.snapshot(), self.events.state, self._keys, self._requests))

    def restore(self, snapshot: bytes) -> None:
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        self.core.restore(kept.core)
        self.events.state, self._keys, self._requests = kept.events, kept.keys, kept.requests
        self._flying.clear()
        self._swept_at = 0
        self._wakes_at = None
        due = self.core.due()
        if due is not None:
            self._wake(due)

    def facts(self) -> dict[str, Any]:
        state = self.core.state
        return {
            **super().facts(),
            "account": self.config.account,
            "customers": len(state.customers),
            "invoices": len(state.invoices),
            "payment intents": len(state.payments),
            "charges": len(state.charges),
            "refunds": len(state.refunds),
            "disputes": len(state.disputes),
            "balance transactions": len(state.entries),
            "payouts": len(state.payouts),
            "events": len(self.events.state.events),
        }


def _key_of(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except ValueError:  # not base 64, or no text
        return ""


def _masked(key: str) -> str:
    return f"{key[:7]}****{key[-4:]}" if len(key) > 15 else "****"


def make(world: World, config: StripeConfig | None = None) -> StripeDialect:
    """An empty account in a world; ``.core`` is what customers and banks in the world act on."""
    config = config or StripeConfig()
    ids = Ids(config.seed)
    return StripeDialect(world, BillingCore(world.clock.now, config.terms, ids.spell), config, ids)
