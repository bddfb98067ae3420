"""One NetSuite account: login, limits, errors, and what its operations work with."""

from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.netsuite import errors, limits
from o2c_twin.mock_systems.vendors.netsuite.config import NetSuiteConfig, Subscription, derive_integration
from o2c_twin.mock_systems.vendors.netsuite.feed import Pushes
from o2c_twin.mock_systems.vendors.netsuite.index import Index
from o2c_twin.mock_systems.vendors.netsuite.jobs import Jobs, JobsState
from o2c_twin.mock_systems.vendors.netsuite.kept import Kept, KeptState
from o2c_twin.mock_systems.vendors.netsuite.ledger import Ledger
from o2c_twin.mock_systems.vendors.netsuite.login import TokenLogin
from o2c_twin.mock_systems.vendors.netsuite.operations import ROUTES
from o2c_twin.mock_systems.vendors.netsuite.promises import PROMISES
from o2c_twin.mock_systems.vendors.netsuite.shapes import Shapes
from o2c_twin.mock_systems.vendors.netsuite.subsidiaries import Subsidiaries
from o2c_twin.mock_systems.vendors.netsuite.values import Dates
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.query.results import PlanCache
from o2c_twin.mock_systems.wire.query.suiteql import LITERAL
from o2c_twin.mock_systems.wire.route import Operation, Principal


class _Snapshot(msgspec.Struct):
    core: bytes
    jobs: JobsState
    kept: KeptState


class NetSuiteDialect(Dialect):
    """Speaks NetSuite's REST web services about an ERP core.

    ``config.integrations`` has the credentials a client signs in with.
    """

    vendor: ClassVar[str] = "NetSuite"
    family: ClassVar[str] = "erp"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = PROMISES

    def __init__(self, world: World, core: ErpCore, config: NetSuiteConfig) -> None:
        if not config.integrations:
            only = derive_integration(config.account, config.seed, "o2c integration")
            config = msgspec.structs.replace(config, integrations=(only,))
        self.world = world
        self.core = core
        self.config = config
        self.policy = limits.policy(config)
        self.limiter = Limiter(self.policy)
        self.login = TokenLogin(config.account, config.integrations)
        self.by_name = {each.name: each for each in config.integrations}
        self.dates = Dates(config.date_format)
        self.index = Index(core)
        self.kept = Kept(config.custom_fields)
        self.subsidiaries = Subsidiaries(config)
        self.shapes = Shapes(config, core, self.index, self.kept, self.subsidiaries)
        self.ledger = Ledger(config, core, self.index, self.dates)
        self.plans = PlanCache(literal=LITERAL)
        self.jobs = Jobs()
        self.pushes = Pushes(config.account, core, self.index, world, lambda: self.faults)
        for subscription in config.subscriptions:
            self.subscribe(subscription)

    def subscribe(self, subscription: Subscription) -> None:
        """Deploy a user-event script that posts changes (NetSuite's own API has no such call)."""
        self.pushes.subscribe(subscription)

    def authenticate(self, request: Request, now: int) -> Principal:
        return self.login.check(request, now)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        if allowed is None:
            return errors.problem(404, "NONEXISTENT_ID", f"The resource {request.path[:200]} does not exist.")
        detail = f"The method {request.method} is not allowed for this resource."
        return errors.problem(405, "METHOD_NOT_ALLOWED", detail, headers={"Allow": ", ".join(sorted(allowed))})

    def malformed(self, request: Request, detail: str) -> Response:
        return errors.problem(400, "INVALID_CONTENT", f"Invalid content in the request body. {detail}")

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        return errors.problem(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")

    def failed(self, status: int) -> Response:
        number = format(self.world.clock.now(), "x")
        return errors.problem(status, "UNEXPECTED_ERROR", f"An unexpected error occurred. Error ID: {number}")

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(_Snapshot(self.core.snapshot(), self.jobs.state, self.kept.state))

    def restore(self, snapshot: bytes) -> None:
        sealed = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        self.core.restore(sealed.core)
        self.index.rebuild()
        self.jobs.load(sealed.jobs)
        self.kept.state = sealed.kept
        # Nonces belong to the clock, which may have gone back as well.
        self.login.forget()

    def facts(self) -> dict[str, Any]:
        state = self.core.state
        return {
            "vendor": self.vendor,
            "plan": self.policy.plan,
            "account": self.config.account,
            "customers": len(state.customers),
            "items": len(state.items),
            "sales orders": len(state.orders),
            "item fulfillments": len(state.deliveries),
            "invoices": len(state.invoices),
            "customer payments": len(state.payments),
            "credit memos": len(state.credit_memos),
        }
