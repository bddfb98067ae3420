"""Files of documents, delimited or fixed-width, between a header and a trailer that must add up.

The trailer counts the records between the two, its hash total adds all whole numbers in them modulo 10**15,
its control total all amounts. A file that does not add up is refused whole.
"""

import csv
from collections.abc import Sequence
from typing import Literal

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.layouts import (
    BY_FILE_TYPE,
    HEADER,
    TRAILER,
    Document,
    DocumentType,
    Field,
    FieldError,
    Layout,
    Record,
    Value,
    amount_text,
    plain_record,
    read_record,
    read_value,
)

FileFormat = Literal["csv", "fixed"]
SUFFIX: dict[str, FileFormat] = {".csv": "csv", ".dat": "fixed"}
_HASH_MODULUS = 10**15
_POSITIVE, _NEGATIVE = "{ABCDEFGHI", "}JKLMNOPQR"


class FileHeader(msgspec.Struct, frozen=True):
    """Who sent what when; ``number`` identifies the file among those of its sender."""

    file_type: str
    number: int
    sender: str
    created: str


class FileRefused(Exception):
    """A file that is not taken: the line (from 1), a code and the reason; ``read`` are the documents before it."""

    def __init__(self, line: int, code: str, reason: str, read: Sequence[Document] = ()) -> None:
        super().__init__(f"line {line}: {code}: {reason}")
        self.line = line
        self.code = code
        self.reason = reason
        self.read = list(read)


class _Totals:
    """What the trailer must say."""

    def __init__(self) -> None:
        self.records = self.hash = self.control = 0

    def add(self, layout: Layout, record: Record) -> None:
        self.records += 1
        for field in layout.fields:
            value = record.get(field.name)
            if isinstance(value, int):
                if field.kind == "number":
                    self.hash = (self.hash + value) % _HASH_MODULUS
                elif field.kind == "amount":
                    self.control += value

    def record(self) -> Record:
        return {"RECORDS": self.records, "HASH_TOTAL": self.hash, "CONTROL_TOTAL": self.control}


# --- writing ----------------------------------------------------------------------------------------


def write_file(
    kind: DocumentType, header: FileHeader, documents: Sequence[Document], spelling: FileFormat, encoding: str
) -> bytes:
    """The file of these documents. Characters the encoding lacks become ``?``, as they do in such systems."""
    totals = _Totals()
    lines = [
        _line(
            HEADER,
            {
                "FILE_TYPE": header.file_type,
                "FILE_NO": header.number,
                "SENDER": header.sender,
                "CREATED": header.created,
            },
            spelling,
        )
    ]
    for document in documents:
        totals.add(kind.head, document.head)
        lines.append(_line(kind.head, document.head, spelling))
        if kind.line is not None:
            for each in document.lines:
                totals.add(kind.line, each)
                lines.append(_line(kind.line, each, spelling))
    lines.append(_line(TRAILER, totals.record(), spelling))
    return ("\r\n".join(lines) + "\r\n").encode(encoding, "replace")


def _line(layout: Layout, record: Record, spelling: FileFormat) -> str:
    if spelling == "csv":
        plain = plain_record(layout, record)
        return "|".join([layout.tag, *(_delimited(plain[field.name]) for field in layout.fields)])
    return (layout.code + "".join(_fixed(field, record.get(field.name)) for field in layout.fields)).rstrip(" ")


def _delimited(value: str | int | None) -> str:
    if value is None:
        return ""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if "|" in text or '"' in text else text


def _fixed(field: Field, value: Value) -> str:
    if value is None:
        return " " * field.width
    if field.kind == "amount" and isinstance(value, int):
        digits = f"{abs(value):0{field.width}d}"
        return digits[:-1] + (_POSITIVE if value >= 0 else _NEGATIVE)[int(digits[-1])]
    if field.kind == "number":
        return f"{value:0{field.width}d}"
    if field.kind == "date" and isinstance(value, str):
        # CYYMMDD: the century since 1900, a two-digit year; the eighth place stays blank.
        return f"{int(value[:2]) - 19}{value[2:]} "
    return f"{value:<{field.width}}"


# --- reading ----------------------------------------------------------------------------------------


def read_file(data: bytes, spelling: FileFormat, encoding: str) -> tuple[FileHeader, list[Document]]:
    """Header and documents of a file. Raises `FileRefused`."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as bad:
        line = data[: bad.start].count(b"\n") + 1
        raise FileRefused(line, "ENCODING", f"byte {data[bad.start]:#04x} is no character of {encoding}") from None
    lines = text.split("\n")
    while lines and not lines[-1].strip("\r\x1a "):  # a last line break, or the end-of-file mark of old editors
        lines.pop()
    if not lines:
        raise FileRefused(1, "EMPTY", "the file has no records; write header, records and trailer")
    split = _split_delimited if spelling == "csv" else _split_fixed
    tag, cells = split(1, lines[0].rstrip("\r"))
    if tag != _tag(HEADER, spelling):
        raise FileRefused(1, "HEADER", f"a file begins with a {_tag(HEADER, spelling)} record, not with {tag!r}")
    head = _record(1, HEADER, cells, spelling, [])
    header = FileHeader(str(head["FILE_TYPE"]), _int(head["FILE_NO"]), str(head["SENDER"]), str(head["CREATED"]))
    kind = BY_FILE_TYPE.get(header.file_type)
    if kind is None or not kind.inbound:
        known = ", ".join(name for name, each in BY_FILE_TYPE.items() if each.inbound)
        raise FileRefused(1, "FILE-TYPE", f"no inbound file type {header.file_type!r}; there are: {known}")
    return header, _read_body(lines, kind, spelling)


def _read_body(lines: list[str], kind: DocumentType, spelling: FileFormat) -> list[Document]:
    split = _split_delimited if spelling == "csv" else _split_fixed
    totals, documents = _Totals(), list[Document]()
    head_tag, end_tag = _tag(kind.head, spelling), _tag(TRAILER, spelling)
    line_tag = None if kind.line is None else _tag(kind.line, spelling)
    for number, line in enumerate(lines[1:], 2):
        try:
            tag, cells = split(number, line.rstrip("\r"))
        except FileRefused as bad:
            raise FileRefused(bad.line, bad.code, bad.reason, documents) from None
        if tag == head_tag:
            record = _record(number, kind.head, cells, spelling, documents)
            documents.append(Document(kind.name, record))
            totals.add(kind.head, record)
        elif tag == line_tag and kind.line is not None:
            if not documents:
                raise FileRefused(number, "ORDER", f"a {tag} record before any {head_tag} record")
            record = _record(number, kind.line, cells, spelling, documents)
            documents[-1].lines.append(record)
            totals.add(kind.line, record)
        elif tag == end_tag:
            _check_trailer(number, _record(number, TRAILER, cells, spelling, documents), totals, documents)
            if number < len(lines):
                raise FileRefused(number + 1, "AFTER-TRAILER", "there are records after the trailer", documents)
            return documents
        else:
            expected = " or ".join(t for t in (head_tag, line_tag, end_tag) if t)
            raise FileRefused(number, "RECORD-TYPE", f"unknown record {tag!r}; expected {expected}", documents)
    raise FileRefused(len(lines) + 1, "TRAILER-MISSING", "the file ends without a trailer", documents)


def _check_trailer(line: int, told: Record, totals: _Totals, read: list[Document]) -> None:
    for name, counted in totals.record().items():
        if told[name] != counted:
            field = next(f for f in TRAILER.fields if f.name == name)
            says, adds = (amount_text(_int(v)) if field.kind == "amount" else str(v) for v in (told[name], counted))
            raise FileRefused(line, "TOTALS", f"{name} says {says}, the records add up to {adds}", read)


def _int(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _tag(layout: Layout, spelling: FileFormat) -> str:
    return layout.tag if spelling == "csv" else layout.code


def _split_delimited(number: int, line: str) -> tuple[str, list[str]]:
    if '"' not in line:
        cells = line.split("|")
    else:
        try:
            cells = next(csv.reader([line], delimiter="|", strict=True))
        except (csv.Error, StopIteration) as bad:
            raise FileRefused(number, "QUOTES", str(bad) or "empty") from None
    return cells[0], cells[1:]


def _split_fixed(number: int, line: str) -> tuple[str, list[str]]:
    return line[:2], [line[2:]]


def _record(number: int, layout: Layout, cells: list[str], spelling: FileFormat, read: list[Document]) -> Record:
    try:
        if spelling == "fixed":
            return _fixed_record(layout, cells[0])
        if len(cells) != len(layout.fields):
            raise FieldError(layout.tag, f"has {len(cells)} fields; {len(layout.fields)} are expected")
        return read_record(layout, dict(zip((f.name for f in layout.fields), cells, strict=True)))
    except FieldError as bad:
        raise FileRefused(number, "FIELD", str(bad), read) from None


def _fixed_record(layout: Layout, line: str) -> Record:
    places = sum(field.width for field in layout.fields)
    if line[places:].strip():
        raise FieldError(layout.code, f"is longer than its {places + 2} places")
    line = line.ljust(places)
    record: Record = {}
    at = 0
    for field in layout.fields:
        cell = line[at : at + field.width]
        at += field.width
        record[field.name] = read_value(field, _plain_cell(field, cell))
    return record


def _plain_cell(field: Field, cell: str) -> str:
    if not cell.strip():
        return ""
    if field.kind == "amount":
        sign, last = ("", _POSITIVE.find(cell[-1])) if cell[-1] in _POSITIVE else ("-", _NEGATIVE.find(cell[-1]))
        if cell.isascii() and cell.isdecimal():
            sign, last = "", int(cell[-1])  # an unsigned zone is a positive amount
        digits = cell[:-1] + str(last)
        if last < 0 or not (digits.isascii() and digits.isdecimal()):
            raise FieldError(field.name, f"{cell!r} is no zoned decimal of {field.width} digits")
        return f"{sign}{digits[:-2]}.{digits[-2:]}"
    if field.kind == "date":
        if not (cell[:7].isascii() and cell[:7].isdecimal() and cell[7:] == " "):
            raise FieldError(field.name, f"{cell!r} is no date as CYYMMDD")
        return f"{int(cell[0]) + 19}{cell[1:7]}"
    return cell.strip() if field.kind == "number" else cell.rstrip(" ")
