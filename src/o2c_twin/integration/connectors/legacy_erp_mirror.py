"""What the engine knows of an old ERP: everything its extracts told, as of the last one read."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime

from o2c_twin.integration.connectors.legacy_erp_records import Broken, Paper, Record
from o2c_twin.integration.model import Inbound, InvoiceStatus, OpenItem, OrderStatus, Shipment

LOAD = "LOAD"
_CREDIT = {"HOLD": "on hold", "REJECTED": "on hold", "PASSED": "passed", "RELEASED": "passed"}
_FULFILMENT = {"OPEN": "open", "PART": "part shipped", "SHIPPED": "shipped", "CANCELLED": "cancelled"}


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


def _whole(record: Record, name: str) -> int:
    value = record.get(name)
    if not isinstance(value, int):
        raise Broken(f"{name} is empty")
    return value


def _number(record: Record, name: str) -> int | None:
    value = record.get(name)
    return value if isinstance(value, int) else None


def _day(record: Record, name: str) -> str:
    day = _text(record, name)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


@dataclass(slots=True)
class Mirror:
    """All records by the ERP's ids, acknowledgements by reference, and what arrived when.

    ``unread`` counts the documents that made no sense.
    """

    system: str
    offset_minutes: int = 0
    items: dict[str, str] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    ids_by_number: dict[str, str] = field(default_factory=dict)
    orders: dict[str, OrderStatus] = field(default_factory=dict)
    shipments: dict[str, Shipment] = field(default_factory=dict)
    invoices: dict[str, InvoiceStatus] = field(default_factory=dict)
    invoice_keys: dict[str, str] = field(default_factory=dict)
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
        except Broken:
            self.unread += 1

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
                self._open_item(head)
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
        credit, fulfilment = _text(head, "CREDIT"), _text(head, "FULFILMENT")
        status = OrderStatus(
            erp_id=id_,
            number=_text(head, "ORD_NO"),
            external_id=_optional(head, "REF"),
            po_number=_optional(head, "PO_NO"),
            customer_erp_id=_text(head, "CUST_ID"),
            credit=_CREDIT.get(credit, credit),
            fulfilment=_FULFILMENT.get(fulfilment, fulfilment),
            modified_at=instant(at, self.offset_minutes),
        )
        known = self.orders.get(id_)
        if known is not None and (known == status or known.modified_at > status.modified_at):
            return
        self.orders[id_] = status
        self._event("order-status", id_, id_, f":{at}", arrived_at)

    def _shipment(self, head: Record, arrived_at: int) -> None:
        id_, order_id = _text(head, "ERP_ID"), _text(head, "ORD_ID")
        issued = instant(_text(head, "AT"), self.offset_minutes)
        if id_ not in self.shipments:
            self.shipments[id_] = Shipment(id_, _text(head, "DESP_NO"), order_id, issued)
            self._event("delivery", id_, order_id, "", arrived_at)

    def _invoice(self, head: Record, arrived_at: int) -> None:
        id_, order_id, at = _text(head, "ERP_ID"), _optional(head, "ORD_ID"), _text(head, "AT")
        status = InvoiceStatus(
            erp_id=id_,
            number=_text(head, "INV_NO"),
            order_erp_id=order_id,
            total_minor=_whole(head, "TOTAL"),
            open_minor=_whole(head, "OPEN_AMT"),
            modified_at=instant(at, self.offset_minutes),
        )
        known = self.invoices.get(id_)
        if known is not None and (known == status or known.modified_at > status.modified_at):
            return
        self.invoices[id_] = status
        ref = _optional(head, "REF")
        if ref is not None:
            self.invoice_keys[ref] = id_
        self._open_item(head)
        self._event("invoice", id_, order_id or id_, f":{at}", arrived_at)

    def _open_item(self, head: Record) -> None:
        id_, at, number = _text(head, "ERP_ID"), _text(head, "AT"), _text(head, "INV_NO")
        customer_id = _text(head, "CUST_ID")
        if self._open_at.get(id_, "") > at:
            return
        self._open_at[id_] = at
        item = OpenItem(id_, number, customer_id, _whole(head, "OPEN_AMT"), _day(head, "DUE_DATE"))
        self.open[id_] = item
        self.open_by_number[number] = id_
        mine = self.open_by_customer.setdefault(customer_id, {})
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
