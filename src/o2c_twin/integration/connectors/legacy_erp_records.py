"""The records of an old ERP's interface, as its description gives them, and their spellings.

Amounts are whole hundredths in a record, decimal text in delimited files, tables and messages, zoned decimals in
fixed-width files. Dates are ``YYYYMMDD``, stamps ``YYYYMMDDhhmmss`` of the ERP's own clock.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

Value = str | int | None
Record = dict[str, Value]
Spelling = Literal["csv", "fixed"]
SUFFIX: dict[Spelling, str] = {"csv": ".csv", "fixed": ".dat"}
_HASH_MODULUS = 10**15
_POSITIVE, _NEGATIVE = "{ABCDEFGHI", "}JKLMNOPQR"


class Broken(ValueError):
    """A file or record that does not hold what its description promises."""


class Paper(msgspec.Struct):
    """One document of the interface: its type (``ORD``), its head and its lines."""

    type: str
    head: Record
    lines: list[Record] = []


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record; ``columns`` are name, kind (T text, N number, A amount, D date, S stamp) and width."""

    table: str
    code: str
    tag: str
    columns: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One type of document."""

    head: Shape
    line: Shape | None = None


def _shape(table: str, code: str, tag: str, columns: str) -> Shape:
    parts = [column.partition(":") for column in columns.split()]
    return Shape(table, code, tag, tuple((name, how[0], int(how[1:])) for name, _, how in parts))


_HEADER = _shape("", "00", "HDR", "FILE_TYPE:T3 FILE_NO:N15 SENDER:T12 CREATED:S14")
_TRAILER = _shape("", "90", "TRL", "RECORDS:N9 HASH_TOTAL:N15 CONTROL_TOTAL:A18")

FORMS: dict[str, Form] = {
    "ORD": Form(
        _shape("IF_ORDER_HDR", "10", "H", "REF:T40 CUST_NO:T20 PO_NO:T30 ORD_DATE:D8 CURR:T3 LINE_COUNT:N4"),
        _shape("IF_ORDER_LIN", "20", "L", "LINE_NO:N4 SKU:T30 QTY:N9 UOM:T3 PRICE:A15"),
    ),
    "CUS": Form(
        _shape(
            "IF_CUSTOMER",
            "30",
            "C",
            "REF:T40 ERP_ID:T10 CUST_NO:T20 NAME:T60 CURR:T3 TERMS_DAYS:N3 CREDIT_LIMIT:A15 EMAIL:T80",
        )
    ),
    "PAY": Form(
        _shape("IF_CASH_HDR", "40", "P", "REF:T40 CUST_NO:T20 VALUE_DATE:D8 AMOUNT:A15 CURR:T3 BANK_REF:T35"),
        _shape("IF_CASH_LIN", "50", "A", "INV_NO:T20 AMOUNT:A15"),
    ),
    "BIL": Form(_shape("IF_BILLING", "60", "B", "REF:T40 ORD_NO:T20")),
    "REQ": Form(_shape("IF_REQUEST", "70", "R", "REF:T40 WHAT:T20")),
    "ITM": Form(_shape("IF_OUT_ITEM", "25", "I", "ERP_ID:T10 SKU:T30 NAME:T60 PRICE:A15")),
    "MST": Form(
        _shape(
            "IF_OUT_CUSTOMER",
            "35",
            "M",
            "ERP_ID:T10 CUST_NO:T20 NAME:T60 CURR:T3 TERMS_DAYS:N3 CREDIT_LIMIT:A15 EMAIL:T80 REF:T40 AT:S14",
        )
    ),
    "OST": Form(
        _shape(
            "IF_OUT_ORDER",
            "45",
            "S",
            "ERP_ID:T10 ORD_NO:T20 REF:T40 CUST_ID:T10 PO_NO:T30 CREDIT:T8 FULFILMENT:T12 BILLING:T12 AT:S14",
        )
    ),
    "SHP": Form(
        _shape("IF_OUT_DESPATCH", "55", "D", "ERP_ID:T10 DESP_NO:T20 ORD_ID:T10 TRACKING:T40 AT:S14"),
        _shape("IF_OUT_DESPATCH_LIN", "56", "E", "LINE_NO:N4 SKU:T30 QTY:N9"),
    ),
    "INV": Form(
        _shape(
            "IF_OUT_INVOICE",
            "65",
            "V",
            "ERP_ID:T10 INV_NO:T20 ORD_ID:T10 CUST_ID:T10 INV_DATE:D8 DUE_DATE:D8 TOTAL:A15 OPEN_AMT:A15 CURR:T3"
            " REF:T40 AT:S14",
        )
    ),
    "OIT": Form(
        _shape("IF_OUT_OPEN_ITEM", "75", "O", "ERP_ID:T10 INV_NO:T20 CUST_ID:T10 DUE_DATE:D8 OPEN_AMT:A15 AT:S14")
    ),
    "ACK": Form(
        _shape("IF_OUT_ACK", "15", "K", "REF:T40 DOC:T3 STATUS:T1 ERP_ID:T10 ERP_NO:T20 ERR_CD:T24 ERR_TXT:T120 AT:S14")
    ),
}
INBOUND = ("CUS", "ORD", "BIL", "PAY", "REQ")
OUTBOUND = ("ITM", "MST", "OST", "SHP", "INV", "OIT", "ACK")
"""In the order the ERP writes them: acknowledgements last."""


def amount_text(hundredths: int) -> str:
    """``19.99`` of 1999 hundredths."""
    return f"{Decimal(hundredths).scaleb(-2):f}"


def to_plain(shape: Shape, record: Record) -> dict[str, str | int | None]:
    """A record as tables and messages hold it; texts are cut to their fields."""
    plain: dict[str, str | int | None] = {}
    for name, kind, width in shape.columns:
        value = record.get(name)
        if kind == "A" and isinstance(value, int):
            plain[name] = amount_text(value)
        else:
            plain[name] = " ".join(value.split())[:width] if kind == "T" and isinstance(value, str) else value
    return plain


def from_plain(shape: Shape, given: Mapping[str, Any]) -> Record:
    """A record from a table's row, a message or the cells of a file. Raises `Broken`."""
    return {name: _value(name, kind, given.get(name)) for name, kind, _ in shape.columns}


def _value(name: str, kind: str, given: Any) -> Value:
    if given is None or given == "":
        return None
    try:
        if kind == "A":
            scaled = Decimal(str(given)).scaleb(2)
            if scaled != int(scaled):
                raise Broken(f"{name}: {given!r} has more than two decimals")
            return int(scaled)
        if kind == "N":
            return int(given)
    except ArithmeticError as bad:
        raise Broken(f"{name}: {given!r} is no amount") from bad
    if not isinstance(given, str):
        raise Broken(f"{name}: {given!r} is no text")
    return given.rstrip(" ")


# --- files ------------------------------------------------------------------------------------------


class _Totals:
    def __init__(self) -> None:
        self.records = self.hash = self.control = 0

    def add(self, shape: Shape, record: Record) -> None:
        self.records += 1
        for name, kind, _ in shape.columns:
            value = record.get(name)
            if kind == "N" and isinstance(value, int):
                self.hash = (self.hash + value) % _HASH_MODULUS
            elif kind == "A" and isinstance(value, int):
                self.control += value

    def record(self) -> Record:
        return {"RECORDS": self.records, "HASH_TOTAL": self.hash, "CONTROL_TOTAL": self.control}


@dataclass(frozen=True, slots=True)
class Sheaf:
    """A file's content: its number, when it was written (the ERP's clock), its documents."""

    number: int
    created: str
    papers: list[Paper]


def write_file(paper: Paper, number: int, sender: str, created: str, spelling: Spelling, encoding: str) -> bytes:
    """A file with one document. Characters the encoding lacks become ``?``."""
    form, totals = FORMS[paper.type], _Totals()
    header: Record = {"FILE_TYPE": paper.type, "FILE_NO": number, "SENDER": sender, "CREATED": created}
    lines = [_line(_HEADER, header, spelling)]
    totals.add(form.head, paper.head)
    lines.append(_line(form.head, paper.head, spelling))
    for each in paper.lines if form.line is not None else ():
        assert form.line is not None
        totals.add(form.line, each)
        lines.append(_line(form.line, each, spelling))
    lines.append(_line(_TRAILER, totals.record(), spelling))
    return ("\r\n".join(lines) + "\r\n").encode(encoding, "replace")


def _line(shape: Shape, record: Record, spelling: Spelling) -> str:
    plain = to_plain(shape, record)
    if spelling == "csv":
        return "|".join([shape.tag, *(_cell(plain[name]) for name, _, _ in shape.columns)])
    cells = [_places(name, kind, width, record, plain) for name, kind, width in shape.columns]
    return (shape.code + "".join(cells)).rstrip(" ")


def _cell(value: str | int | None) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if "|" in text or '"' in text else text


def _places(name: str, kind: str, width: int, record: Record, plain: Mapping[str, Value]) -> str:
    value = record.get(name)
    if value is None:
        return " " * width
    if kind == "A" and isinstance(value, int):
        digits = f"{abs(value):0{width}d}"
        return digits[:-1] + (_POSITIVE if value >= 0 else _NEGATIVE)[int(digits[-1])]
    if kind == "N":
        return f"{value:0{width}d}"
    if kind == "D" and isinstance(value, str):
        return f"{int(value[:2]) - 19}{value[2:]} "
    return f"{plain[name]:<{width}}"


def read_file(data: bytes, spelling: Spelling, encoding: str) -> Sheaf:
    """The documents of a file. Raises `Broken` when it is not whole."""
    try:
        lines = data.decode(encoding).splitlines()
    except UnicodeDecodeError as bad:
        raise Broken(str(bad)) from bad
    if len(lines) < 2:
        raise Broken("no header and trailer")
    header = _read(_HEADER, lines[0], spelling)
    kind = str(header["FILE_TYPE"])
    if kind not in FORMS:
        raise Broken(f"unknown file type {kind!r}")
    form, totals, papers = FORMS[kind], _Totals(), list[Paper]()
    for line in lines[1:-1]:
        if form.line is not None and _is(form.line, line, spelling):
            if not papers:
                raise Broken("a line before its head")
            papers[-1].lines.append(_read(form.line, line, spelling))
            totals.add(form.line, papers[-1].lines[-1])
        else:
            papers.append(Paper(kind, _read(form.head, line, spelling)))
            totals.add(form.head, papers[-1].head)
    if _read(_TRAILER, lines[-1], spelling) != totals.record():
        raise Broken("the totals do not hold")
    number = header["FILE_NO"]
    return Sheaf(number if isinstance(number, int) else 0, str(header["CREATED"]), papers)


def _is(shape: Shape, line: str, spelling: Spelling) -> bool:
    return line.startswith(f"{shape.tag}|" if spelling == "csv" else shape.code)


def _read(shape: Shape, line: str, spelling: Spelling) -> Record:
    if not _is(shape, line, spelling):
        raise Broken(f"expected a {shape.tag} record, found {line[:20]!r}")
    cells: Sequence[str]
    if spelling == "csv":
        cells = next(csv.reader([line], delimiter="|"))[1:] if '"' in line else line.split("|")[1:]
        if len(cells) != len(shape.columns):
            raise Broken(f"a {shape.tag} record has {len(cells)} fields")
    else:
        cells = _cut(shape, line[2:])
    names = [name for name, _, _ in shape.columns]
    return from_plain(shape, dict(zip(names, cells, strict=True)))


def _cut(shape: Shape, line: str) -> list[str]:
    cells, at = [], 0
    for name, kind, width in shape.columns:
        cell = line[at : at + width].ljust(width)
        at += width
        if kind == "A" and cell.strip():
            signs = _POSITIVE if cell[-1] in _POSITIVE else _NEGATIVE
            if cell[-1] not in signs:
                raise Broken(f"{name}: {cell!r} is no zoned decimal")
            digits = cell[:-1] + str(signs.index(cell[-1]))
            cell = f"{'' if signs is _POSITIVE else '-'}{digits[:-2]}.{digits[-2:]}"
        elif kind == "D" and cell.strip():
            cell = f"{int(cell[0]) + 19}{cell[1:7]}"
        cells.append(cell.rstrip(" "))
    return cells
