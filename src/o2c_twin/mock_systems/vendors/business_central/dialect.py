"""One Business Central environment: login, limits, errors, and what its operations work with."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS, ErpCore
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.business_central.config import BusinessCentralConfig, derive_app
from o2c_twin.mock_systems.vendors.business_central.entities import EntityType
from o2c_twin.mock_systems.vendors.business_central.errors import error, no_resource
from o2c_twin.mock_systems.vendors.business_central.feed import Pushes
from o2c_twin.mock_systems.vendors.business_central.index import Index
from o2c_twin.mock_systems.vendors.business_central.limits import MOST_BODY, POLICIES
from o2c_twin.mock_systems.vendors.business_central.login import EntraLogin
from o2c_twin.mock_systems.vendors.business_central.operations import ROUTES
from o2c_twin.mock_systems.vendors.business_central.promises import PROMISES
from o2c_twin.mock_systems.vendors.business_central.serving import not_allowed
from o2c_twin.mock_systems.vendors.business_central.shapes import Shapes, is_gone
from o2c_twin.mock_systems.vendors.business_central.state import BcState, PaymentJournal, Subscription
from o2c_twin.mock_systems.vendors.business_central.values import Guids
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Refused, Request, Response
from o2c_twin.mock_systems.wire.odata import Filters
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal, Router

_FAILURES = {
    408: ("Unknown", "The operation took longer than 8 minutes and was cancelled."),
    502: ("Unknown", "Bad gateway."),
    503: ("Internal_TenantUnavailable", "The tenant is not available now. Try again later."),
    504: ("Unknown", "The request took longer than 10 minutes."),
}


class _Kept(msgspec.Struct):
    core: bytes
    state: BcState


class BusinessCentralDialect(Dialect):
    """Speaks Business Central's API v2.0 about an ERP core. ``config.apps`` has the credentials to sign in with."""

    vendor: ClassVar[str] = "Dynamics 365 Business Central"
    family: ClassVar[str] = "erp"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = PROMISES
    core: ErpCore
    state: BcState
    index: Index
    shapes: Shapes
    guids: Guids
    hidden: dict[str, None]
    """Orders that stand behind an invoice of its own."""

    def __init__(self, world: World, core: ErpCore, config: BusinessCentralConfig) -> None:
        if not config.apps:
            config = msgspec.structs.replace(config, apps=(derive_app(config.tenant, config.seed, "o2c integration"),))
        self.world = world
        self.core = core
        self.config = config
        self.oddities = config.oddities
        self.policy = POLICIES[config.plan]
        self.limiter = Limiter(self.policy)
        self.login = EntraLogin(config)
        self.guids = Guids(config.seed)
        self.company_id = self.guids.of("company", "1")
        self.company_segment = f"companies({self.company_id})"
        self.index = Index(core)
        self.shapes = Shapes(config, core, self.guids, self.index)
        self.filters = Filters(4)
        self.router = Router(ROUTES)
        self.decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
        self.now: Callable[[], int] = world.clock.now
        self.behind_invoice = False
        """While an invoice of its own is posted, the order behind it is nobody's business."""
        core.listeners.append(self._heed)
        self.pushes = Pushes(self)
        state = BcState()
        state.journals["1"] = PaymentJournal("1", "PAYMENT", "Customer payments", world.clock.now())
        state.journals["2"] = PaymentJournal("2", "WRITEOFF", "Write-offs", world.clock.now(), WRITE_OFFS)
        state.journals["3"] = PaymentJournal("3", "DISCOUNT", "Payment discounts", world.clock.now(), DISCOUNTS)
        state.numbers.last["journal"] = 3
        self._load(state)

    def _load(self, state: BcState) -> None:
        self.state = self.shapes.state = state
        self.hidden = {}
        for invoice_id in state.origin:
            self.hidden[self.core.state.invoices[invoice_id].order_id] = None
        self.payments_by_document: dict[str, list[str]] = {}
        for payment, document in state.documents.items():
            self.payments_by_document.setdefault(document, []).append(payment)

    def _heed(self, change: Change) -> None:
        # Posting works out anew what is left to ship and to invoice, whoever posts.
        if not self.state.to_post:
            return
        if change.kind == "delivery" and change.what == "created":
            self.state.to_post.pop(self.core.state.deliveries[change.id].order_id, None)
        elif change.kind == "invoice" and change.what == "created":
            self.state.to_post.pop(self.core.state.invoices[change.id].order_id, None)
        elif change.kind == "order" and change.what == "deleted":
            self.state.to_post.pop(change.id, None)

    def note_document(self, payment: str, document: str) -> None:
        """Remember under which document number a payment was posted."""
        self.state.documents[payment] = document
        self.payments_by_document.setdefault(document, []).append(payment)

    def code_value(self, entity: EntityType, name: str, value: str) -> str:
        """A value to look a property up by: code fields are kept in capitals."""
        field = entity.fields.get(name)
        return value.upper() if self.oddities.code_fields_uppercase and field and field.type == "c" else value

    def order_is_gone(self, order_id: str) -> bool:
        """Whether an order is no more in the service."""
        order = self.core.state.orders.get(order_id)
        return order is None or is_gone(order, self.oddities.order_deleted_when_invoiced)

    def subscribe(
        self, url: str, resources: tuple[str, ...], client_state: str = "", renewed: bool = True
    ) -> list[Subscription]:
        """Subscriptions of an integration that has confirmed them; ``renewed``: it renews them in time."""
        made = []
        for resource in resources:
            id_ = f"webhook{self.state.numbers.next('deployed'):04d}"
            now = self.now()
            expires = now + self.config.subscription_s * 1_000_000
            made.append(Subscription(id_, url, resource, client_state, expires, now, renewed))
            self.state.subscriptions[id_] = made[-1]
        return made

    def drop_lapsed(self, now: int) -> None:
        """Forget subscriptions nobody has renewed."""
        subscriptions = self.state.subscriptions
        for id_ in [s.id for s in subscriptions.values() if s.expires_at <= now and not s.renewed]:
            del subscriptions[id_]

    def undo_point(self, whole: bool) -> Callable[[], None]:
        """A way back to the present state; ``whole`` when the core may change before it is needed."""
        kept = msgspec.msgpack.encode(self.state)
        core = self.core.snapshot() if whole else None

        def undo() -> None:
            if core is not None:
                self.core.restore(core)
                self.index.rebuild()
                self.pushes.forget()
            self._load(msgspec.msgpack.decode(kept, type=BcState))

        return undo

    def authenticate(self, request: Request, now: int) -> Principal:
        if len(request.body) > MOST_BODY:
            raise Refused(error(413, "BadRequest", "The request body is too large."))
        return self.login.check(request, now)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        return no_resource(request.path) if allowed is None else not_allowed(request.method)

    def malformed(self, request: Request, detail: str) -> Response:
        return error(400, "BadRequest", f"The request body is not valid: {detail}")

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        headers = {}
        if self.oddities.retry_after:
            wait = 60_000_000 if verdict is None else verdict.retry_after_us
            headers["Retry-After"] = str(max(1, -(-wait // 1_000_000)))
        if self.oddities.throttle_body == "empty":
            return Response(429, b"", headers)
        return error(429, "429", "Too Many Requests. The request limits have been exceeded.", headers)

    def failed(self, status: int) -> Response:
        code, text = _FAILURES.get(status, ("Internal_ServerError", "An internal server error occurred."))
        headers = {"Retry-After": "30"} if status in (502, 503) else None
        return error(status, code, text, headers)

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(_Kept(self.core.snapshot(), self.state))

    def restore(self, snapshot: bytes) -> None:
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        self.core.restore(kept.core)
        self.index.rebuild()
        self.pushes.forget()
        self._load(kept.state)

    def facts(self) -> dict[str, Any]:
        state = self.core.state
        return {
            "vendor": self.vendor,
            "plan": self.policy.plan,
            "company": self.company_id,
            "customers": len(state.customers),
            "items": len(state.items),
            "sales orders": sum(not self.order_is_gone(id_) for id_ in state.orders),
            "sales shipments": len(state.deliveries),
            "sales invoices": len(state.invoices),
            "customer payments": len(state.payments),
            "subscriptions": len(self.state.subscriptions),
        }
