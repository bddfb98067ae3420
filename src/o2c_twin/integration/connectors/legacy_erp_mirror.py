"""What the engine knows of an old ERP: everything its extracts told, as of the last one read."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from o2c_twin.integration.connectors.legacy_erp_maps import LegacyErpMaps
from o2c_twin.integration.connectors.legacy_erp_records import FORMS, Broken, Paper, Record
from o2c_twin.integration.mappings import NotMapped
from o2c_twin.integration.model import Inbound, InvoiceStatus, OpenItem, OrderStatus, Shipment

LOAD = "LOAD"
_DAYS = {name: [column for column, how, _ in form.head.columns if how == "D"] for name, form in FORMS.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ERP said about a document: accepted (also when it was done before), or refused with a reason."""

    accepted: bool
    erp_id: str
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the ERP holds it; ``at`` is the stamp of its last change."""

    number: str
    name: str
    terms_days: int | None
    credit_limit_minor: int | None
    email: str | None
    at: str


def instant(stamp: str, offset_minutes: int) -> int:
    """Epoch microseconds of a stamp of the ERP's clock. Raises `Broken`."""
    try:
        moment = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as bad:
        raise Broken(f"{stamp!r} is no stamp") from bad
    return (int(moment.timestamp()) - offset_minutes * 60) * 1_000_000


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise Broken(f"{name} is empty")
    return value


def _optional(record: Record, name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) else None


def _number(record: Record, name: str) -> int | None:
    value = record.get(name)
    return value if isinstance(value, int) else None


@dataclass(slots=True)
class Mirror:
    """All records by the ERP's ids, acknowledgements by reference, and what arrived when.

    ``maps`` say what the fields of orders, despatches and invoices mean, and are given ``given``. ``order_numbers`` and
    ``invoice_numbers`` are the ERP's own. ``unread`` counts the documents that made no sense.
    """

    system: str
    offset_minutes: int
    maps: LegacyErpMaps
    given: Mapping[str, Any]
    items: dict[str, str] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    ids_by_number: dict[str, str] = field(default_factory=dict)
    orders: dict[str, OrderStatus] = field(default_factory=dict)
    shipments: dict[str, Shipment] = field(default_factory=dict)
    invoices: dict[str, InvoiceStatus] = field(default_factory=dict)
    invoice_keys: dict[str, str] = field(default_factory=dict)
    order_numbers: dict[str, str] = field(default_factory=dict)
    invoice_numbers: dict[str, str] = field(default_factory=dict)
    open: dict[str, OpenItem] = field(default_factory=dict)
    open_by_number: dict[str, str] = field(default_factory=dict)
    open_by_customer: dict[str, dict[str, None]] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    loaded: bool = False
    unread: int = 0
    _open_at: dict[str, str] = field(default_factory=dict)
    _arrived: list[tuple[int, Inbound]] = field(default_factory=list)

    def take(self, paper: Paper, arrived_at: int) -> None:
        """Take a document in; an older one does not replace a newer. One that makes no sense stops no other."""
        try:
            self._take(paper, arrived_at)
        except (Broken, NotMapped):
            self.unread += 1

    def _row(self, kind: str, head: Record) -> dict[str, Any]:
        """A record as the maps read it: dates as ISO has them, its stamp as an instant."""
        row: dict[str, Any] = {**head, "AT": instant(_text(head, "AT"), self.offset_minutes)}
        for name in _DAYS[kind]:
            day = row.get(name)
            if isinstance(day, str):
                row[name] = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        return row

    def _take(self, paper: Paper, arrived_at: int) -> None:
        head = paper.head
        match paper.type:
            case "ITM":
                self.items[_text(head, "SKU")] = _text(head, "ERP_ID")
            case "MST":
                self._customer(head)
            case "OST":
                self._order(head, arrived_at)
            case "SHP":
                self._shipment(head, arrived_at)
            case "INV":
                self._invoice(head, arrived_at)
            case "OIT":
                self._open_item(head, self._row("OIT", head))
            case "ACK":
                self._answer(head)
            case other:
                raise Broken(f"a document {other!r} does not come from the ERP")

    def arrived_since(self, since: int) -> list[Inbound]:
        """What arrived at or after an instant; what is older by two days is forgotten."""
        first = bisect_left(self._arrived, since, key=lambda entry: entry[0])
        old = bisect_left(self._arrived, since - 2 * 86_400_000_000, key=lambda entry: entry[0])
        found = [event for _, event in self._arrived[first:]]
        del self._arrived[:old]
        return found

    def _event(self, flow: str, id_: str, order_id: str, mark: str, at: int) -> None:
        name = f"{self.system}:{flow}:{id_}{mark}"
        event = Inbound(name, flow, id_, f"order:{order_id}", at)
        if self._arrived and self._arrived[-1][0] > at:
            # What is read again at a start has the ERP's stamps.
            self._arrived.insert(bisect_left(self._arrived, at + 1, key=lambda entry: entry[0]), (at, event))
        else:
            self._arrived.append((at, event))

    def _customer(self, head: Record) -> None:
        id_, number, at = _text(head, "ERP_ID"), _text(head, "CUST_NO"), _text(head, "AT")
        known = self.customers.get(id_)
        if known is not None and known.at > at:
            return
        self.customers[id_] = Customer(
            number,
            _optional(head, "NAME") or "",
            _number(head, "TERMS_DAYS"),
            _number(head, "CREDIT_LIMIT"),
            _optional(head, "EMAIL"),
            at,
        )
        self._name(id_, number)

    def _name(self, id_: str, number: str) -> None:
        before = self.numbers.get(id_)
        if before is not None and before != number and self.ids_by_number.get(before) == id_:
            del self.ids_by_number[before]
        self.numbers[id_] = number
        self.ids_by_number[number] = id_

    def _order(self, head: Record, arrived_at: int) -> None:
        id_, at = _text(head, "ERP_ID"), _text(head, "AT")
        status: OrderStatus = self.maps.order_to_status.run(self._row("OST", head), self.given)
        known = self.orders.get(id_)
        if known is not None and (known == status or known.modified_at > status.modified_at):
            return
        self.orders[id_] = status
        self.order_numbers[id_] = _text(head, "ORD_NO")
        self._event("order-status", id_, id_, f":{at}", arrived_at)

    def _shipment(self, head: Record, arrived_at: int) -> None:
        id_, order_id = _text(head, "ERP_ID"), _text(head, "ORD_ID")
        issue: Shipment = self.maps.despatch_to_shipment.run(self._row("SHP", head), self.given)
        if id_ not in self.shipments:
            self.shipments[id_] = issue
            self._event("delivery", id_, order_id, "", arrived_at)

    def _invoice(self, head: Record, arrived_at: int) -> None:
        id_, order_id, at = _text(head, "ERP_ID"), _optional(head, "ORD_ID"), _text(head, "AT")
        row = self._row("INV", head)
        status: InvoiceStatus = self.maps.invoice_to_status.run(row, self.given)
        known = self.invoices.get(id_)
        if known is not None and (known == status or known.modified_at > status.modified_at):
            return
        self.invoices[id_] = status
        ref = _optional(head, "REF")
        if ref is not None:
            self.invoice_keys[ref] = id_
        self._open_item(head, row)
        self._event("invoice", id_, order_id or id_, f":{at}", arrived_at)

    def _open_item(self, head: Record, row: dict[str, Any]) -> None:
        id_, at, number = _text(head, "ERP_ID"), _text(head, "AT"), _text(head, "INV_NO")
        if self._open_at.get(id_, "") > at:
            return
        item: OpenItem = self.maps.item_to_open_item.run(row, self.given)
        self._open_at[id_] = at
        self.open[id_] = item
        self.invoice_numbers[id_] = number
        self.open_by_number[item.number] = id_
        mine = self.open_by_customer.setdefault(_text(head, "CUST_ID"), {})
        if item.open_minor:
            mine[id_] = None
        else:
            mine.pop(id_, None)

    def _answer(self, head: Record) -> None:
        document, status = _optional(head, "DOC") or "", _text(head, "STATUS")
        ref = _optional(head, "REF")
        if ref is None:
            return
        if ref == LOAD:
            self.loaded = True
        answer = answer_of(status, _optional(head, "ERP_ID"), _optional(head, "ERP_NO"), head)
        known = self.answers.get((document, ref))
        # The first record made is the one; a refusal is overtaken when the same is accepted later.
        if known is None or not known.accepted:
            self.answers[document, ref] = answer
        if document == "CUS" and answer.accepted and answer.erp_id and answer.number:
            self.numbers.setdefault(answer.erp_id, answer.number)


def answer_of(status: str, erp_id: str | None, number: str | None, reasons: Record) -> Answer:
    """The answer in an acknowledgement, or in a row of a staging table."""
    text = " ".join(part for part in (_optional(reasons, "ERR_CD"), _optional(reasons, "ERR_TXT")) if part)
    return Answer(status in ("A", "H", "D"), erp_id or "", number or "", text)
