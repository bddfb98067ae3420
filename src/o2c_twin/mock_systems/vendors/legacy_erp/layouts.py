"""The records the ERP exchanges, each declared once: files, tables and messages are spellings of these.

Standing: assumed; shapes common to ERPs of the nineties (facts.md). A value is text, a whole number, or None
for an empty field. Amounts are whole hundredths of the currency, dates ``YYYYMMDD`` and stamps
``YYYYMMDDhhmmss`` of the ERP's own clock, without a zone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

FieldKind = Literal["text", "number", "amount", "date", "stamp"]
Value = str | int | None
Record = dict[str, Value]
_AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]{1,2})?", re.ASCII)


class FieldError(ValueError):
    """A field that cannot be read; ``field`` names it, the text says what was expected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name is the table column, ``width`` its places in a fixed-width record."""

    name: str
    width: int
    kind: FieldKind = "text"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of record: the columns of ``table``, ``code`` in fixed-width files, ``tag`` in delimited ones."""

    table: str
    code: str
    tag: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A business document: a head, and lines where it has them. ``file_type`` stands in headers and file names."""

    name: str
    file_type: str
    inbound: bool
    head: Layout
    line: Layout | None = None


class Document(msgspec.Struct):
    """One document of a type: its head and its lines, by field name."""

    type: str
    head: Record
    lines: list[Record] = []


def _f(name: str, width: int, kind: FieldKind = "text") -> Field:
    return Field(name, width, kind)


def _r(name: str, width: int, kind: FieldKind = "text") -> Field:
    return Field(name, width, kind, required=True)


_REF, _CURR = _r("REF", 40), _r("CURR", 3)

HEADER = Layout(
    "", "00", "HDR", (_r("FILE_TYPE", 3), _r("FILE_NO", 15, "number"), _r("SENDER", 12), _r("CREATED", 14, "stamp"))
)
TRAILER = Layout(
    "", "90", "TRL", (_r("RECORDS", 9, "number"), _r("HASH_TOTAL", 15, "number"), _r("CONTROL_TOTAL", 18, "amount"))
)

ORDER = DocumentType(
    "order",
    "ORD",
    True,
    Layout(
        "IF_ORDER_HDR",
        "10",
        "H",
        (_REF, _r("CUST_NO", 20), _f("PO_NO", 30), _f("ORD_DATE", 8, "date"), _CURR, _f("LINE_COUNT", 4, "number")),
    ),
    Layout(
        "IF_ORDER_LIN",
        "20",
        "L",
        (_r("LINE_NO", 4, "number"), _r("SKU", 30), _r("QTY", 9, "number"), _f("UOM", 3), _r("PRICE", 15, "amount")),
    ),
)
CUSTOMER = DocumentType(
    "customer",
    "CUS",
    True,
    Layout(
        "IF_CUSTOMER",
        "30",
        "C",
        (
            _REF,
            _f("ERP_ID", 10),
            _f("CUST_NO", 20),
            _r("NAME", 60),
            _CURR,
            _f("TERMS_DAYS", 3, "number"),
            _f("CREDIT_LIMIT", 15, "amount"),
            _f("EMAIL", 80),
        ),
    ),
)
CASH = DocumentType(
    "cash",
    "PAY",
    True,
    Layout(
        "IF_CASH_HDR",
        "40",
        "P",
        (_REF, _r("CUST_NO", 20), _f("VALUE_DATE", 8, "date"), _r("AMOUNT", 15, "amount"), _CURR, _f("BANK_REF", 35)),
    ),
    Layout("IF_CASH_LIN", "50", "A", (_r("INV_NO", 20), _r("AMOUNT", 15, "amount"))),
)
BILLING = DocumentType("billing", "BIL", True, Layout("IF_BILLING", "60", "B", (_REF, _r("ORD_NO", 20))))
REQUEST = DocumentType("request", "REQ", True, Layout("IF_REQUEST", "70", "R", (_REF, _r("WHAT", 20))))

ACK = DocumentType(
    "ack",
    "ACK",
    False,
    Layout(
        "IF_OUT_ACK",
        "15",
        "K",
        (
            _f("REF", 40),
            _f("DOC", 3),
            _r("STATUS", 1),
            _f("ERP_ID", 10),
            _f("ERP_NO", 20),
            _f("ERR_CD", 24),
            _f("ERR_TXT", 120),
            _r("AT", 14, "stamp"),
        ),
    ),
)
ITEM = DocumentType(
    "item",
    "ITM",
    False,
    Layout("IF_OUT_ITEM", "25", "I", (_r("ERP_ID", 10), _r("SKU", 30), _f("NAME", 60), _f("PRICE", 15, "amount"))),
)
MASTER = DocumentType(
    "master",
    "MST",
    False,
    Layout(
        "IF_OUT_CUSTOMER",
        "35",
        "M",
        (
            _r("ERP_ID", 10),
            _r("CUST_NO", 20),
            _f("NAME", 60),
            _CURR,
            _f("TERMS_DAYS", 3, "number"),
            _f("CREDIT_LIMIT", 15, "amount"),
            _f("EMAIL", 80),
            _f("REF", 40),
            _r("AT", 14, "stamp"),
        ),
    ),
)
ORDER_STATUS = DocumentType(
    "order-status",
    "OST",
    False,
    Layout(
        "IF_OUT_ORDER",
        "45",
        "S",
        (
            _r("ERP_ID", 10),
            _r("ORD_NO", 20),
            _f("REF", 40),
            _r("CUST_ID", 10),
            _f("PO_NO", 30),
            _r("CREDIT", 8),
            _r("FULFILMENT", 12),
            _r("BILLING", 12),
            _r("AT", 14, "stamp"),
        ),
    ),
)
DESPATCH = DocumentType(
    "despatch",
    "SHP",
    False,
    Layout(
        "IF_OUT_DESPATCH",
        "55",
        "D",
        (_r("ERP_ID", 10), _r("DESP_NO", 20), _r("ORD_ID", 10), _f("TRACKING", 40), _r("AT", 14, "stamp")),
    ),
    Layout("IF_OUT_DESPATCH_LIN", "56", "E", (_r("LINE_NO", 4, "number"), _r("SKU", 30), _r("QTY", 9, "number"))),
)
INVOICE = DocumentType(
    "invoice",
    "INV",
    False,
    Layout(
        "IF_OUT_INVOICE",
        "65",
        "V",
        (
            _r("ERP_ID", 10),
            _r("INV_NO", 20),
            _f("ORD_ID", 10),
            _r("CUST_ID", 10),
            _r("INV_DATE", 8, "date"),
            _r("DUE_DATE", 8, "date"),
            _r("TOTAL", 15, "amount"),
            _r("OPEN_AMT", 15, "amount"),
            _CURR,
            _f("REF", 40),
            _r("AT", 14, "stamp"),
        ),
    ),
)
OPEN_ITEM = DocumentType(
    "open-item",
    "OIT",
    False,
    Layout(
        "IF_OUT_OPEN_ITEM",
        "75",
        "O",
        (
            _r("ERP_ID", 10),
            _r("INV_NO", 20),
            _r("CUST_ID", 10),
            _r("DUE_DATE", 8, "date"),
            _r("OPEN_AMT", 15, "amount"),
            _r("AT", 14, "stamp"),
        ),
    ),
)

INBOUND: tuple[DocumentType, ...] = (CUSTOMER, ORDER, BILLING, CASH, REQUEST)
"""In the order a round works them: masters first, money last."""
OUTBOUND: tuple[DocumentType, ...] = (ITEM, MASTER, ORDER_STATUS, DESPATCH, INVOICE, OPEN_ITEM, ACK)
"""In the order a round writes them: an acknowledgement never comes before the record it speaks of."""
BY_NAME: dict[str, DocumentType] = {kind.name: kind for kind in (*INBOUND, *OUTBOUND)}
BY_FILE_TYPE: dict[str, DocumentType] = {kind.file_type: kind for kind in (*INBOUND, *OUTBOUND)}


def amount_text(hundredths: int) -> str:
    """``-19.99`` of -1999 hundredths."""
    whole, part = divmod(abs(hundredths), 100)
    return f"{'-' if hundredths < 0 else ''}{whole}.{part:02d}"


def read_value(field: Field, given: Any) -> Value:
    """A field's value from its plain spelling (delimited file, table column, message). Raises `FieldError`."""
    if given is None or given == "":
        if field.required:
            raise FieldError(field.name, "is empty; it is required")
        return None
    if field.kind == "amount":
        return _amount(field, given)
    if field.kind == "number":
        return _number(field, given)
    if not isinstance(given, str):
        raise FieldError(field.name, f"{given!r} is no text")
    if len(given) > field.width:
        raise FieldError(field.name, f"has {len(given)} characters; {field.width} are the most")
    if field.kind in ("date", "stamp") and not _is_moment(given, field.width):
        spelled = "YYYYMMDD" if field.kind == "date" else "YYYYMMDDhhmmss"
        raise FieldError(field.name, f"{given!r} is no {field.kind} as {spelled}")
    return given


def _number(field: Field, given: Any) -> int:
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text.lstrip("0")) <= field.width):
        raise FieldError(field.name, f"{given!r} is no whole number of at most {field.width} digits")
    return int(text)


def _amount(field: Field, given: Any) -> int:
    text = str(given) if isinstance(given, (int, Decimal)) and not isinstance(given, bool) else given
    if isinstance(given, float):
        text = repr(given)
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise FieldError(field.name, f"{given!r} is no amount with at most two decimals")
    try:
        hundredths = int(Decimal(text).scaleb(2))
    except InvalidOperation:
        raise FieldError(field.name, f"{given!r} has too many digits") from None
    if len(str(abs(hundredths))) > field.width:
        raise FieldError(field.name, f"{given!r} has more than {field.width} digits")
    return hundredths


def _is_moment(text: str, width: int) -> bool:
    if not (text.isascii() and text.isdecimal() and len(text) == width):
        return False
    try:
        if width == 8:
            date(int(text[:4]), int(text[4:6]), int(text[6:]))
        else:
            datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the ERP's clock has no zone
    except ValueError:
        return False
    return True


def plain_value(field: Field, value: Value) -> str | int | None:
    """The plain spelling of a value: amounts as decimal text, the rest as it is."""
    return amount_text(value) if field.kind == "amount" and isinstance(value, int) else value


def read_record(layout: Layout, given: Mapping[str, Any]) -> Record:
    """A record from plain spellings by field name. Raises `FieldError`."""
    return {field.name: read_value(field, given.get(field.name)) for field in layout.fields}


def plain_record(layout: Layout, record: Record) -> dict[str, str | int | None]:
    """The plain spellings of a record."""
    return {field.name: plain_value(field, record.get(field.name)) for field in layout.fields}


def fitted(layout: Layout, record: Record) -> Record:
    """A record whose texts fit their fields: an old system cuts off what is too long and breaks no line."""
    widths = {field.name: field.width for field in layout.fields if field.kind == "text"}
    return {
        name: " ".join(value.split())[: widths[name]] if isinstance(value, str) and name in widths else value
        for name, value in record.items()
    }
