"""The ERP itself: its books, its media, its rounds, and the promises of its edges.

No wire: `MockServer` gives it journal, faults, snapshot, reset and control plane; the ERP takes its steps
through a `Passage`, and every HTTP path is unknown.
"""

from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.roles.records import Change, RuleError
from o2c_twin.mock_systems.vendors.legacy_erp.config import EdgeName, LegacyErpConfig
from o2c_twin.mock_systems.vendors.legacy_erp.doors import Doors, FolderDoor, QueuesDoor, TablesDoor
from o2c_twin.mock_systems.vendors.legacy_erp.extract import KINDS, changed_documents, open_items, record_ids
from o2c_twin.mock_systems.vendors.legacy_erp.file_edge import FileEdge
from o2c_twin.mock_systems.vendors.legacy_erp.intake import Answer, acknowledgement, operation_of, work
from o2c_twin.mock_systems.vendors.legacy_erp.layouts import OUTBOUND, Document
from o2c_twin.mock_systems.vendors.legacy_erp.media import Folder, Media, Queues, Tables
from o2c_twin.mock_systems.vendors.legacy_erp.passage import Passage, Unreachable
from o2c_twin.mock_systems.vendors.legacy_erp.promises import PROMISES
from o2c_twin.mock_systems.vendors.legacy_erp.queue_edge import QueueEdge
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import Round, next_round
from o2c_twin.mock_systems.vendors.legacy_erp.state import BatchState
from o2c_twin.mock_systems.vendors.legacy_erp.table_edge import TableEdge
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.limits import Limiter, LimitPolicy, Verdict
from o2c_twin.mock_systems.wire.message import Refused, Request, Response, json_response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal
from o2c_twin.mock_systems.wire.server import MockServer

STEPS = (
    "file.list",
    "file.take",
    "file.write",
    "table.claim",
    "table.publish",
    "queue.take",
    "queue.publish",
    "partner.file.list",
    "partner.file.read",
    "partner.file.write",
    "partner.file.move",
    "partner.table.insert",
    "partner.table.select",
    "partner.table.update",
    "partner.queue.publish",
    "partner.queue.get",
    "partner.queue.settle",
)
"""The steps a fault may name, as it names operations of a route table elsewhere."""
_STATUS = {"A": 201, "H": 201, "D": 200, "R": 422}
_encode = msgspec.json.Encoder().encode
_LOAD = "LOAD"
# Created ones only: what is in stock is no business of the partner, and changes with every order.
_ONCE = "item"


class _Saved(msgspec.Struct):
    core: bytes
    state: BatchState
    folder: bytes = b""
    tables: bytes = b""
    queues: bytes = b""


class LegacyErpDialect(Dialect):
    """One installation. ``core`` is what people act on, ``doors`` what a partner in the process is given."""

    vendor: ClassVar[str] = "legacy_erp"
    family: ClassVar[str] = "erp"
    routes: ClassVar[tuple[Operation, ...]] = ()
    promises: ClassVar[tuple[Promise, ...]] = PROMISES
    steps: ClassVar[tuple[str, ...]] = STEPS

    def __init__(self, world: World, core: ErpCore, config: LegacyErpConfig, media: Media) -> None:
        self.world = world
        self.core = core
        self.config = config
        self.media = media
        self.policy = LimitPolicy("batch")
        self.limiter = Limiter(self.policy)
        self.faults: FaultPlan | None = None
        self.state = BatchState()
        self.passage = Passage(world, "erp")
        self.customer_numbers: dict[str, str] = {}
        self._stopped = False
        self._edges: dict[EdgeName, FileEdge | TableEdge | QueueEdge] = {}
        if media.folder is not None:
            self._edges["file"] = FileEdge(self, media.folder)
        if media.tables is not None:
            self._edges["table"] = TableEdge(self, media.tables)
        if media.queues is not None:
            self._edges["queue"] = QueueEdge(self, media.queues)
        missing = [name for name in config.edges if name not in self._edges]
        if missing:
            raise ValueError(f"no medium for the edge {', '.join(missing)}; give `Media` one, or leave the edge out")
        self._edges = {name: self._edges[name] for name in config.edges}
        self._index()
        core.listeners.append(self._changed)

    @property
    def doors(self) -> Doors:
        """The media as a partner in the same process reaches them."""
        folder, tables, queues = self.media.folder, self.media.tables, self.media.queues
        return Doors(
            None if folder is None else FolderDoor(self.passage, folder),
            None if tables is None else TablesDoor(self.passage, tables),
            None if queues is None else QueuesDoor(self.passage, queues),
        )

    # --- the books -------------------------------------------------------------------------------

    def _index(self) -> None:
        self.customer_numbers = {c.number: c.id for c in self.core.state.customers.values()}

    def _changed(self, change: Change) -> None:
        if change.kind == "customer":
            customer = self.core.state.customers.get(change.id)
            if customer is None or self.customer_numbers.get(customer.number) != customer.id:
                self._index()
        if change.kind in KINDS and not (change.kind == _ONCE and change.what != "created"):
            self.state.changed.setdefault(change.kind, {})[change.id] = None

    def enter(self, document: Document, edge: EdgeName) -> Document:
        """Work one document and put its acknowledgement into the edge's outbox; gives the acknowledgement."""
        return self.refuse(document, edge, work(self, document, edge))

    def refuse(self, document: Document, edge: EdgeName, ack: Document) -> Document:
        """Write down what became of a document and acknowledge it."""
        status = _STATUS[str(ack.head["STATUS"])]
        path = f"/{document.head.get('REF') or ''}"
        self.passage.note(operation_of(edge, document), "WORK", path, status, _encode(document), _encode(ack.head))
        if self.config.late_acknowledgements:
            self.state.held.setdefault(edge, []).append(ack)
        else:
            self.state.put(edge, [ack])
        return ack

    def load_all(self) -> None:
        """Have the next extract hold everything, with an acknowledgement ``LOAD`` after it."""
        for kind in KINDS:
            self.state.changed[kind] = dict.fromkeys(record_ids(self.core, kind))
        request = Document("request", {"REF": _LOAD})
        for edge in self._edges:
            self.state.put(edge, [acknowledgement(self, request, Answer("A"))])

    def send_again(self, number: int) -> bool:
        """Have an outbound file written once more; False when it is not kept."""
        found = next((name for name in self.state.sent if int(name.split("_")[2].split(".")[0]) == number), None)
        if found is not None and found not in self.state.again:
            self.state.again.append(found)
        return found is not None

    # --- rounds ----------------------------------------------------------------------------------

    def served(self, server: MockServer) -> None:
        """Begin to work: steps go into the server's journal, its faults strike, the rounds run by themselves."""
        self.bind(server)
        self.world.spawn(self._run(), f"{server.name}.batch")

    def bind(self, server: MockServer) -> None:
        """Write into the server's journal and take its faults, without rounds of its own."""
        self.passage.bind(server.name, server.journal, server.faults, server.latency)

    def stop(self) -> None:
        """No further rounds."""
        self._stopped = True

    async def _run(self) -> None:
        last = self.world.clock.now()
        if self.config.initial_load and not self.state.loaded:
            await self.load()
        while not self._stopped:
            due = next_round(max(last, self.world.clock.now()), self.config.batch)
            await self.world.sleep((due.at - self.world.clock.now()) / 1e6)
            last = due.at
            if not self._stopped:
                await self.round(due)

    async def load(self) -> None:
        """The initial load: everything is extracted now."""
        self.state.loaded = True
        self.load_all()
        await self._extract(closing=False)

    async def round(self, due: Round) -> None:
        """One round: work the inboxes, bill where nights do, write the extracts; close the window when it ends."""
        self.state.rounds += 1
        if due.intake:
            for name, edge in self._edges.items():
                try:
                    await edge.work()
                except OSError as away:
                    self.passage.note(f"{name}.work", "WORK", "/", 503, b"", str(away).encode())
        if self.config.night_billing:
            self._bill()
        await self._extract(due.closing)
        if due.closing:
            for edge_name, acks in self.state.held.items():
                self.state.put(edge_name, acks)
            self.state.held = {}

    def _bill(self) -> None:
        for order in list(self.core.state.orders.values()):
            if any(line.shipped > line.billed for line in order.lines):
                try:
                    self.core.invoice_order(order.id, channel="batch")
                except RuleError as rule:
                    self.passage.note("batch.billing", "WORK", f"/{order.number}", 422, b"", rule.message.encode())

    async def _extract(self, closing: bool) -> None:
        documents = changed_documents(self)
        if closing:
            documents += open_items(self)
        for name, edge in self._edges.items():
            self.state.put(name, documents)
            if closing and name == "file":
                # The list comes every night, if only an empty one: by its number a reader sees what is missing.
                self.state.outbox.setdefault(name, {}).setdefault("open-item", [])
            await self._flush(edge)

    async def _flush(self, edge: FileEdge | TableEdge | QueueEdge) -> None:
        waiting = self.state.outbox.setdefault(edge.name, {})
        try:
            await edge.again()
            for kind in OUTBOUND:
                documents = waiting.get(kind.name)
                if documents is not None:
                    await edge.publish(kind, documents)
                    del waiting[kind.name]
        except (Unreachable, OSError):
            # What is not out stays in the outbox and goes with the next round; the journal has the step.
            return

    # --- HTTP: there is none ---------------------------------------------------------------------

    def authenticate(self, request: Request, now: int) -> Principal:
        """Nobody logs in to a system without an interface."""
        raise Refused(self.not_modelled(request, None))

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        """Every path."""
        edges = ", ".join(self.config.edges)
        return json_response(404, {"error": f"this ERP has no HTTP interface; it exchanges data by: {edges}"})

    def malformed(self, request: Request, detail: str) -> Response:
        """No operation has a body."""
        return self.not_modelled(request, None)

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        """There are no limits."""
        return json_response(503, {"error": "busy"})

    def failed(self, status: int) -> Response:
        """It fails itself."""
        return json_response(status, {"error": "not available"})

    # --- state -----------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Books, batch state and media. A half file that is still to be completed is kept as it is."""
        folder, tables, queues = self.media.folder, self.media.tables, self.media.queues
        saved = _Saved(self.core.snapshot(), self.state, *(_dumped(medium) for medium in (folder, tables, queues)))
        return msgspec.msgpack.encode(saved)

    def restore(self, snapshot: bytes) -> None:
        """Back to a snapshot."""
        saved = msgspec.msgpack.decode(snapshot, type=_Saved)
        self.core.restore(saved.core)
        self.state = saved.state
        media = (
            (self.media.folder, saved.folder),
            (self.media.tables, saved.tables),
            (self.media.queues, saved.queues),
        )
        for medium, content in media:
            if medium is not None and content:
                medium.load(content)
        self._index()

    def facts(self) -> dict[str, Any]:
        """Plan, counts, and when the next round is."""
        due = next_round(self.world.clock.now(), self.config.batch)
        books = self.core.state
        return {
            **super().facts(),
            "edges": list(self.config.edges),
            "rounds": self.state.rounds,
            "next_round": due.at,
            "customers": len(books.customers),
            "orders": len(books.orders),
            "invoices": len(books.invoices),
            "payments": len(books.payments),
        }


def _dumped(medium: Folder | Tables | Queues | None) -> bytes:
    return b"" if medium is None else medium.dump()
