"""A HubSpot portal behind the wire layers: login, limits, errors, state."""

from itertools import islice
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.config import BadSetting, HubSpotConfig, Subscription
from o2c_twin.mock_systems.vendors.hubspot.index import Index, Kept
from o2c_twin.mock_systems.vendors.hubspot.intake import Intake
from o2c_twin.mock_systems.vendors.hubspot.limits import (
    BURST,
    BURST_S,
    DAILY,
    burst,
    daily,
    policy_of,
    search_policy,
    throttled,
)
from o2c_twin.mock_systems.vendors.hubspot.links import Links
from o2c_twin.mock_systems.vendors.hubspot.login import Login, Tokens
from o2c_twin.mock_systems.vendors.hubspot.operations import ROUTES
from o2c_twin.mock_systems.vendors.hubspot.operations_objects import Unmetered
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal
from o2c_twin.mock_systems.vendors.hubspot.promises import PROMISES
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.vendors.hubspot.schema import Property
from o2c_twin.mock_systems.vendors.hubspot.webhooks import Webhooks, WebhookState
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Request, Response, json_response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal
from o2c_twin.mock_systems.wire.webhooks import Outcome


class State(msgspec.Struct):
    """All that a snapshot holds."""

    core: bytes
    links: dict[str, dict[str, None]]
    properties: dict[str, list[Property]]
    index: list[Kept]
    tokens: Tokens
    webhooks: WebhookState


class HubSpotDialect(Dialect):
    """One portal. ``core`` is its CRM; people act on it, the API's calls go through here.

    Raises `BadSetting` when the config cannot be served.
    """

    vendor: ClassVar[str] = "hubspot"
    family: ClassVar[str] = "crm"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = PROMISES

    def __init__(self, world: World, config: HubSpotConfig) -> None:
        self.world = world
        self.config = config
        self.policy = policy_of(config)
        self.limiter = Limiter(self.policy)
        self.searches = Limiter(search_policy(config))
        self.portal = Portal(world, config)
        self.core = self.portal.core
        self.links = Links(self.portal)
        self.intake = Intake(self.portal, self.links)
        self.index = Index(self.portal)
        self.login = Login(self.portal)
        try:
            self.webhooks = Webhooks(self.portal, lambda: self.faults)
        except errors.ApiError as refused:
            raise BadSetting(f"subscriptions: {refused.message}") from None
        self.index.heard = self.webhooks.heard
        self.links.told = self.webhooks.associated
        self._burst = str(burst(config))
        self._daily = daily(config)

    def subscribe(self, url: str, subscriptions: tuple[Subscription, ...] = ()) -> Outcome:
        """Push events to ``url``; gives the counts of deliveries. Raises `BadSetting`."""
        if url != self.webhooks.state.target_url:
            self.webhooks.aim(url, 10)
        try:
            for each in subscriptions:
                self.webhooks.subscribe(each)
        except errors.ApiError as refused:
            raise BadSetting(f"subscriptions: {refused.message}") from None
        return self.webhooks.outcome

    def page(self, shape: Shape, archived: bool, after: str, limit: int) -> tuple[list[Any], str]:
        """Records of a type from the one of id ``after`` on, and where the next page begins (empty: nowhere).

        Ids grow with age, so that a page is found without looking at those before it.
        """
        rows = self.portal.rows(shape, archived)
        if archived:
            rows = sorted(rows, key=lambda row: int(row.id))
        if after:
            begin = int(after)
            rows = (row for row in rows if int(row.id) >= begin)
        found = list(islice(rows, limit + 1))
        return found[:limit], found[limit].id if len(found) > limit else ""

    def reply_429(self, limit: str) -> Response:
        """The throttling reply of a limit, by its name."""
        return throttled(limit, self.config.app_id)

    # --- what the wire layers ask ----------------------------------------------------------------

    def authenticate(self, request: Request, now: int) -> Principal:
        if "hapikey" in request.query and request.path.startswith("/webhooks/"):
            return self.login.developer(request.query["hapikey"])
        return self.login.principal(request.headers.get("authorization", ""), now)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        if allowed is None:
            return errors.not_found().answer()
        answer = json_response(405, {"status": "error", "message": "HTTP 405 Method Not Allowed"})
        answer.headers["Allow"] = ", ".join(sorted(allowed))
        return answer

    def malformed(self, request: Request, detail: str) -> Response:
        return errors.bad_request(f"Invalid input JSON: {detail}").answer()

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        return self.reply_429(BURST if verdict is None else verdict.limit)

    def failed(self, status: int) -> Response:
        message = {
            502: "Bad gateway",
            503: "The service is temporarily unavailable",
            504: "The request timed out",
        }.get(status, "internal error")
        return errors.ApiError(status, "INTERNAL_ERROR", message).answer()

    def decorate(self, response: Response, principal: Principal, now: int) -> None:
        if not principal.tenant or isinstance(response, Unmetered):
            return
        headers, used = response.headers, self.limiter.used(BURST, principal, now)
        headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(BURST_S * 1_000)
        headers["X-HubSpot-RateLimit-Max"] = self._burst
        headers["X-HubSpot-RateLimit-Remaining"] = str(max(0, int(self._burst) - used))
        if self.config.app == "private":
            left = self._daily - self.limiter.used(DAILY, principal, now)
            headers["X-HubSpot-RateLimit-Daily"] = str(self._daily)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, left))

    # --- state -----------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(
            State(
                self.core.snapshot(),
                self.links.kept,
                self.portal.made_properties(),
                self.index.snapshot(),
                self.login.state,
                self.webhooks.state,
            )
        )

    def restore(self, snapshot: bytes) -> None:
        state = msgspec.msgpack.decode(snapshot, type=State)
        self.core.restore(state.core)
        self.links.kept = state.links
        self.portal.restore_properties(state.properties)
        self.index.restore(state.index)
        self.login.state = state.tokens
        self.webhooks.state = state.webhooks
        self.webhooks.index()
        self.searches.reset()

    def facts(self) -> dict[str, Any]:
        counts = {name: len(self.core.tables[shape.kind]) for name, shape in self.portal.shapes.items()}
        return {**super().facts(), "records": counts, "subscriptions": len(self.webhooks.state.subscriptions)}
