"""A Salesforce org behind the wire layers: login, limits, errors, state."""

from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.config import OutboundMessage, SalesforceConfig
from o2c_twin.mock_systems.vendors.salesforce.feed import Outbound, OutboundState
from o2c_twin.mock_systems.vendors.salesforce.jobs import Jobs
from o2c_twin.mock_systems.vendors.salesforce.limits import DAILY, LONG_CALLS, daily_calls, policy_of
from o2c_twin.mock_systems.vendors.salesforce.login import Login, Sessions
from o2c_twin.mock_systems.vendors.salesforce.operations import ROUTES
from o2c_twin.mock_systems.vendors.salesforce.org import Org, Traces
from o2c_twin.mock_systems.vendors.salesforce.promises import PROMISES
from o2c_twin.mock_systems.vendors.salesforce.queries import Queries
from o2c_twin.mock_systems.vendors.salesforce.rows import Rows
from o2c_twin.mock_systems.vendors.salesforce.shapes import Shape, shapes_of
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Principal, Router
from o2c_twin.mock_systems.wire.webhooks import Outcome


class State(msgspec.Struct):
    """All that a snapshot holds."""

    core: bytes
    traces: Traces
    sessions: Sessions
    jobs: Jobs
    outbound: OutboundState


class SalesforceDialect(Dialect):
    """One org. ``core`` is its CRM; people act on it, the API's calls go through here.

    Raises `BadSetting` when the config cannot be served.
    """

    vendor = "salesforce"
    family = "crm"
    routes = ROUTES
    promises = PROMISES
    router = Router(ROUTES)

    def __init__(self, world: World, config: SalesforceConfig) -> None:
        self.world = world
        self.config = config
        self.policy = policy_of(config)
        self.limiter = Limiter(self.policy)
        self.org = Org(world, config)
        self.core = self.org.core
        self.shapes: dict[str, Shape] = shapes_of(self.org)
        self.rows = Rows(self.org, self.shapes)
        self.queries = Queries(self.org, self.shapes)
        self.login = Login(self.org)
        self.jobs = Jobs()
        self.outbound = Outbound(world, self.org, self.shapes, self.queries.live, lambda: self.faults)
        self._quota = daily_calls(config)
        for message in config.outbound_messages:
            self.outbound.subscribe(message)

    def subscribe(self, message: OutboundMessage) -> Outcome:
        """Add an outbound message; gives the counts of its deliveries. Raises `BadSetting`."""
        return self.outbound.subscribe(message)

    def shape(self, name: str) -> Shape:
        """The shape of an sObject a path names, whatever its case. Raises `ApiError`."""
        shape = self.shapes.get(name)
        if shape is None:
            shape = next((s for n, s in self.shapes.items() if n.lower() == name.lower()), None)
            if shape is None:
                raise errors.not_found()
        return shape

    def authenticate(self, request: Request, now: int) -> Principal:
        return self.login.principal(request.headers.get("authorization", ""), now)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        if allowed is None:
            return errors.not_found().answer()
        methods = ", ".join(sorted(allowed))
        message = f"HTTP Method '{request.method}' not allowed. Allowed are {methods}"
        answer = errors.ApiError(405, "METHOD_NOT_ALLOWED", message).answer()
        answer.headers["Allow"] = methods
        return answer

    def malformed(self, request: Request, detail: str) -> Response:
        return errors.ApiError(400, "JSON_PARSER_ERROR", detail).answer()

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        if verdict is not None and verdict.limit == LONG_CALLS:
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        else:
            message = "TotalRequests Limit exceeded."
        return errors.ApiError(403, "REQUEST_LIMIT_EXCEEDED", message).answer()

    def failed(self, status: int) -> Response:
        if status == 503:
            return errors.ApiError(503, "SERVER_UNAVAILABLE", "Server Unavailable").answer()
        message = "An unexpected error occurred. Please include this ErrorId if you contact support"
        return errors.ApiError(status, "UNKNOWN_EXCEPTION", message).answer()

    def decorate(self, response: Response, principal: Principal, now: int) -> None:
        if principal.tenant:
            used = self.limiter.used(DAILY, principal, now)
            response.headers["Sforce-Limit-Info"] = f"api-usage={used}/{self._quota}"

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(
            State(self.core.snapshot(), self.org.traces, self.login.state, self.jobs, self.outbound.state)
        )

    def restore(self, snapshot: bytes) -> None:
        state = msgspec.msgpack.decode(snapshot, type=State)
        self.core.restore(state.core)
        self.org.traces = state.traces
        self.login.state = state.sessions
        self.jobs = state.jobs
        self.outbound.state = state.outbound
        self.queries.forget()

    def facts(self) -> dict[str, Any]:
        counts = {name: len(list(self.org.rows(shape.sobject))) for name, shape in self.shapes.items() if shape.kind}
        return {**super().facts(), "records": counts, "sessions": len(self.login.state.by_token)}
