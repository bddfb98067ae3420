"""The connector of an old on-premises ERP: no answers, only what its nightly extracts and acknowledgements tell.

A write hands a document over and cannot know what becomes of it: it raises `CallFailed` (unknown outcome) until
the acknowledgement has come, so that the engine looks again (`find`) instead of waiting in the call. Without a key
there is nothing to look for it by: the call itself waits for the acknowledgement. Reads answer from the extracts.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar, cast

from o2c_twin.integration.capability import Capability, Guard, Sheet
from o2c_twin.integration.connectors.books import check_currency
from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.connectors.legacy_erp_edges import Edge, FileEdge, QueueEdge, TableEdge, Waiting, reference
from o2c_twin.integration.connectors.legacy_erp_maps import LegacyErpMaps
from o2c_twin.integration.connectors.legacy_erp_mirror import Answer, Customer, Mirror
from o2c_twin.integration.connectors.legacy_erp_ports import FolderPort, QueuesPort, TablesPort
from o2c_twin.integration.connectors.legacy_erp_records import FORMS, Broken, Paper, Record, Spelling
from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_for
from o2c_twin.integration.mappings import CompiledMap, NotMapped
from o2c_twin.integration.mappings.documents import Receipt
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Deal,
    Inbound,
    InvoiceStatus,
    OpenItem,
    OrderStatus,
    Party,
    Shipment,
)
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.runtime.errors import CallFailed, Cause

EdgeKind = Literal["file", "table", "queue"]
_T = TypeVar("_T")
_MINUTE_US = 60_000_000
# The ERP remembers a message's id for a week (facts.md of the mock, "Capability promises").
_MESSAGE_MEMORY_S = 7 * 86_400.0
_DOCUMENTS = {"put_customer": "customer", "put_order": "order", "bill": "billing", "put_payment": "cash"}
_DAYS = {kind: [name for name, how, _ in form.head.columns if how == "D"] for kind, form in FORMS.items()}
_KINDS = {"put_customer": "CUS", "put_order": "ORD", "bill": "BIL", "put_payment": "PAY"}


def _sheet(edge: EdgeKind) -> Sheet:
    guard: Guard = "key" if edge == "queue" else "query"
    retention = _MESSAGE_MEMORY_S if edge == "queue" else None
    bulk = 10_000 if edge == "file" else 1
    return (
        *(
            Capability(write, f"{edge}.{document}", guard, retention, bulk_limit=bulk, partial=edge == "file")
            for write, document in _DOCUMENTS.items()
        ),
        Capability("update_customer", f"{edge}.customer-change", "external-id"),
    )


SHEETS: dict[EdgeKind, Sheet] = {"file": _sheet("file"), "table": _sheet("table"), "queue": _sheet("queue")}
SHEET: Sheet = SHEETS["file"]
"""The file edge's; `LegacyErp.sheet` is that of the edge in use."""


class LegacyErp:
    """An old ERP, reached by one of its edges: ``medium`` is its folder, its tables or its queues.

    ``patience_s`` is how long to wait before looking for an answer again; ``answer_within_s`` how long a write
    without a key waits for one. ``markers``: the folder's files are complete when their ``.done`` is there.
    ``utc_offset_minutes`` is the ERP's clock. ``maps`` say what the fields of its records mean, the shipped ones
    unless others are given.
    """

    def __init__(
        self,
        system: str,
        edge: EdgeKind,
        medium: FolderPort | TablesPort | QueuesPort,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        *,
        currency: str = "EUR",
        sender: str = "O2C",
        spelling: Spelling = "csv",
        encoding: str = "cp1252",
        markers: bool = False,
        utc_offset_minutes: int = 0,
        patience_s: float = 900.0,
        answer_within_s: float = 26 * 3_600.0,
        maps: LegacyErpMaps | None = None,
    ) -> None:
        self.system = system
        self.sheet = SHEETS[edge]
        self.maps = LegacyErpMaps.shipped() if maps is None else maps
        self._given = self.maps.given(currency)
        self.mirror = Mirror(system, utc_offset_minutes, self.maps, self._given)
        self._clock = clock
        self._sleep = sleep
        self._currency = currency
        self._offset_us = utc_offset_minutes * _MINUTE_US
        self._patience_s = patience_s
        self._answer_within_s = answer_within_s
        self._lock = asyncio.Lock()
        self._asked_all = False
        self._blind = 0
        self._updates: dict[tuple[str, str], str] = {}
        self._edge: Edge
        if edge == "file":
            self._edge = FileEdge(
                cast(FolderPort, medium),
                self.mirror,
                sender=sender,
                spelling=spelling,
                encoding=encoding,
                markers=markers,
            )
        elif edge == "table":
            self._edge = TableEdge(cast(TablesPort, medium), self.mirror)
        else:
            self._edge = QueueEdge(cast(QueuesPort, medium), self.mirror)

    def use(self, maps: OwnMaps | None) -> None:
        """Work by other maps from the next call on. What was read already stays as it was understood then."""
        self.maps = self.mirror.maps = maps_for(maps, LegacyErpMaps)
        self._given = self.mirror.given = self.maps.given(self._currency)

    # --- the medium ------------------------------------------------------------------------------

    async def _through(self, operation: str, work: Awaitable[_T], *, writes: bool = False) -> _T:
        try:
            return await work
        except (ConnectionRefusedError, BlockingIOError) as away:
            raise CallFailed(self.system, operation, "unavailable", str(away)) from away
        except OSError as lost:
            cause: Cause = "unknown-outcome" if writes else "unavailable"
            raise CallFailed(self.system, operation, cause, str(lost)) from lost
        except (Broken, ValueError) as bad:
            raise CallFailed(self.system, operation, "rejected", str(bad)) from bad

    async def _fetch(self, operation: str) -> None:
        """Read what has come; when no load of the masters ever came, ask for one, once."""
        async with self._lock:
            await self._through(operation, self._edge.fetch(self._clock.now()))
            if not self.mirror.loaded and not self._asked_all:
                request = Paper("REQ", {"REF": f"load:{self._clock.now()}", "WHAT": "ALL"})
                await self._through(operation, self._edge.send(request, self._stamp()), writes=True)
                self._asked_all = True

    async def _loaded(self, operation: str) -> None:
        if not self.mirror.loaded:
            await self._fetch(operation)
        if not self.mirror.loaded:
            raise self._not_yet(operation, "the ERP has sent no load of its masters yet")

    def _not_yet(self, operation: str, what: str) -> CallFailed:
        return CallFailed(self.system, operation, "pending", what, self._patience_s)

    def _stamp(self) -> str:
        at = self._clock.now() + self._offset_us
        seconds = at // 1_000_000 % 86_400
        clock = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
        return to_date(at).replace("-", "") + clock

    async def _known(self, operation: str, table: Mapping[str, _T], id_: str) -> _T:
        """A record of the extracts; one that is not there may come with the next."""
        if id_ not in table:
            await self._fetch(operation)
        if id_ not in table:
            raise self._not_yet(operation, f"no record {id_} in the extracts read so far")
        return table[id_]

    # --- writes ----------------------------------------------------------------------------------

    async def _write(self, write: str, head: Record, lines: list[Record], key: str | None) -> str:
        kind = _KINDS[write]
        for name in _DAYS[kind]:
            day = head.get(name)
            if isinstance(day, str):
                head[name] = day.replace("-", "")
        if key is None:
            return await self._write_blindly(write, kind, head, lines)
        ref = reference(key)
        await self._fetch(write)
        standing = await self._through(write, self._edge.standing(kind, ref))
        if standing is None:
            paper = Paper(kind, {**head, "REF": ref}, lines)
            await self._through(write, self._edge.send(paper, self._stamp()), writes=True)
            standing = "waiting"
        return self._outcome(write, standing)

    def _outcome(self, operation: str, standing: Answer | Waiting) -> str:
        if isinstance(standing, Answer):
            if standing.accepted:
                return standing.erp_id
            raise CallFailed(self.system, operation, "rejected", standing.text or "refused without a reason")
        detail = "handed over; the ERP's acknowledgement has not come yet"
        raise CallFailed(self.system, operation, "pending", detail, self._patience_s)

    async def _write_blindly(self, write: str, kind: str, head: Record, lines: list[Record]) -> str:
        self._blind += 1
        ref = f"{kind}-{self._clock.now():x}-{self._blind}"
        await self._through(
            write, self._edge.send(Paper(kind, {**head, "REF": ref}, lines), self._stamp()), writes=True
        )
        waited = 0.0
        while True:
            await self._fetch(write)
            standing = await self._through(write, self._edge.standing(kind, ref))
            if isinstance(standing, Answer) or waited >= self._answer_within_s:
                return self._outcome(write, standing or "waiting")
            await self._sleep(self._patience_s)
            waited += self._patience_s

    async def find(self, write: str, key: str) -> str | None:
        """The ERP's id of what was made with that key; None when nothing was and the write is to be made again.

        Nothing was made of a document that was refused, either: the write made again is told so, and sends nothing.
        Raises `CallFailed` (pending) while the document waits for the ERP.
        """
        await self._fetch(write)
        standing = await self._through(write, self._edge.standing(_KINDS[write], reference(key)))
        if standing == "waiting":
            raise self._not_yet(write, "handed over; the ERP's acknowledgement has not come yet")
        return standing.erp_id if isinstance(standing, Answer) and standing.accepted else None

    def _made(self, operation: str, compiled: CompiledMap, document: Any, given: Mapping[str, Any]) -> Record:
        """What a map makes of a record that is to be written. Raises `CallFailed` in its words (rejected)."""
        try:
            made: Record = compiled.run(document, given)
        except NotMapped as refusal:
            raise CallFailed(self.system, operation, "rejected", str(refusal)) from refusal
        return made

    def _own_amounts(self, operation: str, compiled: CompiledMap, document: Any) -> None:
        """Refuse what a map works out in another currency than that of the books."""
        try:
            currency = compiled.written_currency(document, self._given)
        except NotMapped as refusal:
            raise CallFailed(self.system, operation, "rejected", str(refusal)) from refusal
        if currency:
            check_currency(self.system, operation, currency, self._currency)

    # --- masters ---------------------------------------------------------------------------------

    async def item_ids(self) -> dict[str, str]:
        """SKU to item id, of all items extracted so far."""
        await self._loaded("item_ids")
        await self._fetch("item_ids")
        return dict(self.mirror.items)

    async def put_customer(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer; one made with that key before is found, and left as it is."""
        head = self._made("put_customer", self.maps.party_to_customer, party, self._given)
        return await self._write("put_customer", head, [], key)

    async def customer_by_number(self, number: str, entity: str | None = None) -> str | None:
        """The customer with that number, as the map of customers writes it, by the extracts read so far."""
        await self._loaded("customer_by_number")
        await self._fetch("customer_by_number")
        if self.maps.number_held is None:
            return None
        try:
            held = self.maps.number_held(number)
        except NotMapped as refusal:
            raise CallFailed(self.system, "customer_by_number", "rejected", str(refusal)) from refusal
        return self.mirror.ids_by_number.get(held)

    async def update_customer(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, limit and e-mail.

        The reference is made of what is to be written over what: the same change again is the same document.
        """
        operation = "update_customer"
        held = await self._known(operation, self.mirror.customers, erp_id)
        head = self._made(operation, self.maps.party_to_customer, party, self._given)
        if _same(held, head):
            return
        told = "|".join(str(head.get(name)) for name in ("NAME", "CUST_NO", "TERMS_DAYS", "CREDIT_LIMIT", "EMAIL"))
        digest = hashlib.blake2b(told.encode(), digest_size=5).hexdigest()
        # Once it is written, what it was written over is gone: the reference is kept until its answer.
        ref = self._updates.setdefault((erp_id, digest), f"upd:{erp_id}:{held.at}:{digest}")
        await self._fetch(operation)
        standing = await self._through(operation, self._edge.standing("CUS", ref))
        if standing is None:
            paper = Paper("CUS", {**head, "REF": ref, "ERP_ID": erp_id})
            await self._through(operation, self._edge.send(paper, self._stamp()), writes=True)
            standing = "waiting"
        if isinstance(standing, Answer):
            del self._updates[erp_id, digest]
        self._outcome(operation, standing)

    # --- orders, shipments, invoices -------------------------------------------------------------

    async def put_order(
        self, deal: Deal, customer_id: str, items: dict[str, str], key: str | None, correlation: str
    ) -> str:
        """Create the sales order; with a key that is known already, find it."""
        self._own_amounts("put_order", self.maps.deal_to_order, deal)
        customer = await self._known("put_order", self.mirror.numbers, customer_id)
        given = {**self._given, "customer": customer, "items": items}
        head = self._made("put_order", self.maps.deal_to_order, deal, given)
        check_currency(self.system, "put_order", head["CURR"], self._currency)
        lines = _lines_of(head)
        for number, line in enumerate(lines, 1):
            if line["SKU"] not in items:
                raise CallFailed(self.system, "put_order", "rejected", f"no item {line['SKU']} in the ERP")
            line["LINE_NO"] = number
        head |= {"ORD_DATE": to_date(deal.won_at + self._offset_us), "LINE_COUNT": len(lines)}
        return await self._write("put_order", head, lines, key)

    async def order(self, order_id: str) -> OrderStatus:
        """The order as the last extract has it."""
        return await self._known("order", self.mirror.orders, order_id)

    async def shipment(self, shipment_id: str) -> Shipment:
        """A goods issue."""
        return await self._known("shipment", self.mirror.shipments, shipment_id)

    async def bill(self, order_id: str, key: str | None, correlation: str) -> str:
        """Ask for a bill of what has shipped; empty when the ERP had billed it already."""
        number = await self._known("bill", self.mirror.order_numbers, order_id)
        return await self._write("bill", {"ORD_NO": number}, [], key)

    async def invoice(self, invoice_id: str) -> InvoiceStatus:
        """The invoice as the last extract has it."""
        return await self._known("invoice", self.mirror.invoices, invoice_id)

    async def invoice_by_key(self, key: str) -> str | None:
        """The invoice that was made with that key."""
        await self._fetch("invoice_by_key")
        return self.mirror.invoice_keys.get(reference(key))

    # --- receivables -----------------------------------------------------------------------------

    async def open_items(self, customer_id: str) -> list[OpenItem]:
        """All open invoices of a customer, by the extracts read so far."""
        await self._fetch("open_items")
        return [self.mirror.open[id_] for id_ in self.mirror.open_by_customer.get(customer_id, {})]

    async def items_named(self, numbers: list[str]) -> list[OpenItem]:
        """Open invoices with these numbers."""
        await self._fetch("items_named")
        found = [self.mirror.open[self.mirror.open_by_number[n]] for n in numbers if n in self.mirror.open_by_number]
        return [item for item in found if item.open_minor]

    async def put_payment(
        self, entry: BankEntry, customer_id: str, allocations: list[Allocation], key: str | None, correlation: str
    ) -> str:
        """Post a receipt and apply it."""
        receipt = Receipt(entry, customer_id, tuple(allocations) or None)
        self._own_amounts("put_payment", self.maps.receipt_to_cash, receipt)
        named = [each.invoice_erp_id for each in allocations]
        invoices = {id_: await self._known("put_payment", self.mirror.invoice_numbers, id_) for id_ in named}
        customer = await self._known("put_payment", self.mirror.numbers, customer_id)
        given = {**self._given, "customer": customer, "invoices": invoices}
        head = self._made("put_payment", self.maps.receipt_to_cash, receipt, given)
        check_currency(self.system, "put_payment", head["CURR"], self._currency)
        return await self._write("put_payment", head, _lines_of(head), key)

    # --- changes ---------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """What has arrived after an instant: by our clock, for what a night extracts happened long before it."""
        await self._fetch("changes")
        found = self.mirror.arrived_since(since)
        return found, max((event.source_at for event in found), default=since)

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """This ERP pushes nothing. Raises ValueError: somebody else posts here."""
        raise ValueError(f"{self.system}: this ERP sends no notices")


def _lines_of(head: dict[str, Any]) -> list[Record]:
    """The lines of a document a map has made, taken off its head."""
    lines: list[Record] = head.pop("lines", [])
    return lines


def _same(held: Customer, head: Record) -> bool:
    return (held.name, held.terms_days, held.credit_limit_minor, held.email) == (
        " ".join(str(head["NAME"]).split())[:60],
        head.get("TERMS_DAYS"),
        head.get("CREDIT_LIMIT"),
        head.get("EMAIL"),
    ) and head.get("CUST_NO") in (None, held.number)
