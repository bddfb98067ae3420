"""One S/4HANA client: login, limits, errors, and what its operations work with."""

from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.s4hana import edm, errors, limits
from o2c_twin.mock_systems.vendors.s4hana.config import S4HanaConfig, Subscription, derive_user
from o2c_twin.mock_systems.vendors.s4hana.edm import Service
from o2c_twin.mock_systems.vendors.s4hana.feed import Pushes
from o2c_twin.mock_systems.vendors.s4hana.index import Index
from o2c_twin.mock_systems.vendors.s4hana.login import Login, LoginState
from o2c_twin.mock_systems.vendors.s4hana.operations import ROUTES
from o2c_twin.mock_systems.vendors.s4hana.operations_billing import ROOT_V4
from o2c_twin.mock_systems.vendors.s4hana.promises import PROMISES
from o2c_twin.mock_systems.vendors.s4hana.rows_credit import CreditRows
from o2c_twin.mock_systems.vendors.s4hana.rows_deliveries import DeliveryRows
from o2c_twin.mock_systems.vendors.s4hana.rows_finance import FinanceRows
from o2c_twin.mock_systems.vendors.s4hana.rows_masters import MasterRows
from o2c_twin.mock_systems.vendors.s4hana.rows_orders import OrderRows
from o2c_twin.mock_systems.vendors.s4hana.services import SERVICES
from o2c_twin.mock_systems.vendors.s4hana.state import Books, Extras
from o2c_twin.mock_systems.vendors.s4hana.tables import Company, Table
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Request, Response, json_response
from o2c_twin.mock_systems.wire.odata import Queries
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal, Router


class _Kept(msgspec.Struct):
    core: bytes
    extras: Extras
    logins: LoginState


class S4HanaDialect(Dialect):
    """Speaks S/4HANA's OData V2 services, the V4 billing action and the journal entry SOAP services about an ERP core.

    ``config.users`` has the communication users a client logs in with.
    """

    vendor: ClassVar[str] = "SAP S/4HANA"
    family: ClassVar[str] = "erp"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = PROMISES

    def __init__(self, world: World, core: ErpCore, config: S4HanaConfig) -> None:
        if not config.users:
            only = derive_user(config.client, config.seed, "O2C_INTEGRATION")
            config = msgspec.structs.replace(config, users=(only,))
        self.world = world
        self.core = core
        self.config = config
        self.policy = limits.policy(config)
        self.limiter = Limiter(self.policy)
        self.login = Login(config, config.users)
        self.queries = Queries(2)
        self.books = Books()
        self.index = Index(core)
        self.router = Router(ROUTES)
        self.tables = self._all_tables()
        self.pushes = Pushes(config, core, world, lambda: self.faults)
        self._edmx: dict[str, bytes] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        for subscription in config.subscriptions:
            self.subscribe(subscription)

    def _all_tables(self) -> dict[str, dict[str, Table]]:
        company = Company(self.core, self.config, self.books)
        tables = [
            *MasterRows(company).tables(),
            *OrderRows(company, self.index).tables(),
            *DeliveryRows(company, self.index).tables(),
            *FinanceRows(company, self.index).tables(),
            *CreditRows(company).tables(),
        ]
        by_name = {table.entity.name: table for table in tables}
        return {each.name: {name: by_name[name] for name in each.entities} for each in SERVICES}

    def subscribe(self, subscription: Subscription) -> None:
        """Post business events to a webhook, as an event broker beside the system does."""
        self.pushes.subscribe(subscription)

    def lock(self, document: str, user: str | None) -> None:
        """A dialog user opens a document, or (None) closes it: meanwhile its changes are refused."""
        if user is None:
            self.books.extras.locks.pop(document, None)
        else:
            self.books.extras.locks[document] = user

    def edmx(self, service: Service) -> bytes:
        """The metadata document of a service."""
        known = self._edmx.get(service.name)
        if known is None:
            known = self._edmx[service.name] = edm.edmx(service)
        return known

    def decoder(self, operation: Operation) -> "msgspec.json.Decoder[Any]":
        """Reads the body of an operation inside a batch."""
        known = self._decoders.get(operation.name)
        if known is None:
            known = self._decoders[operation.name] = msgspec.json.Decoder(operation.body, float_hook=Decimal)
        return known

    # --- the wire's questions --------------------------------------------------------------------

    def authenticate(self, request: Request, now: int) -> Principal:
        return self.login.check(request, now)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        if not request.path.startswith("/sap/opu/odata"):
            return errors.html(404, "Not Found", "The requested resource was not found.")
        service = request.path.split("/")[5] if request.path.count("/") >= 5 else ""
        if request.path.startswith(ROOT_V4):
            return errors.problem_v4(404, "/IWBEP/CM_V4_COS/014", "The requested resource is not covered.")
        if allowed is not None:
            text = f"Method '{request.method}' not implemented in data provider class"
            response = errors.problem(405, errors.NOT_IMPLEMENTED, text, service)
            response.headers["Allow"] = ", ".join(sorted(allowed))
            return response
        if all(service != each.name for each in SERVICES):
            text = f"No service found for namespace '', name '{service[:60]}', version '0001'"
            return errors.problem(404, "/IWFND/MED/170", text, service[:60])
        segment = request.path.rpartition("/")[2][:60]
        text = f"Resource not found for the segment '{segment}'."
        return errors.problem(404, errors.UNKNOWN_SEGMENT, text, service)

    def malformed(self, request: Request, detail: str) -> Response:
        text = f"Error during JSON parsing: {detail}"[:300]
        if request.path.startswith(ROOT_V4):
            return errors.problem_v4(400, "/IWBEP/CM_V4_COS/018", text)
        return errors.problem(400, "/IWBEP/CM_MGW_RT/176", text)

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        if self.config.front == "gateway":
            text = {"error": {"code": "429", "message": "Quota exceeded"}}
            return json_response(429, text)
        return errors.html(503, "Service Unavailable", "All dialog work processes are in use.")

    def failed(self, status: int) -> Response:
        if status == 503:
            return errors.html(503, "Service Unavailable", "The application server is not available.")
        return errors.problem(status, "/IWBEP/CM_MGW_RT/053", "An exception was raised")

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(_Kept(self.core.snapshot(), self.books.extras, self.login.state))

    def restore(self, snapshot: bytes) -> None:
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        self.core.restore(kept.core)
        self.books.load(kept.extras)
        self.login.load(kept.logins)
        self.index.rebuild()

    def facts(self) -> dict[str, Any]:
        state = self.core.state
        return {
            "vendor": self.vendor,
            "plan": self.policy.plan,
            "client": self.config.client,
            "business partners": len(state.customers),
            "products": len(state.items),
            "sales orders": len(state.orders),
            "outbound deliveries": len(state.deliveries) + len(self.books.extras.drafts),
            "billing documents": len(state.invoices) + len(state.credit_memos),
            "receipts": len(state.payments),
            "sessions": len(self.login.state.sessions),
        }
