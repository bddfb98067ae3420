"""Reads SWIFT MT940 customer statements, in one or more pages, into canonical bank entries.

Source: SWIFT MT940; the dialects of field 86 are in `mt940_field86`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from o2c_twin.integration.connectors.bank_files_statement import FileStatement, Place, text_of
from o2c_twin.integration.connectors.mt940_field86 import Information, read_field_86
from o2c_twin.integration.model import BankEntry

_TAG = re.compile(r":(13D?|20|21|25P?|28C?|34F|60[FM]|61|62[FM]|64|65|86|90[CD]|NS):(.*)", re.ASCII | re.DOTALL)
_ANY_TAG = re.compile(r":\w{2,3}:", re.ASCII)
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,18}(?:,\d{0,3})?)\s*", re.ASCII)
# Some banks send blanks for the entry date, no comma in whole amounts, blanks or other letters in the type.
_LINE = re.compile(
    r"(\d{6})(\d{4}|\s{4})?(RC|RD|EC|ED|C|D)([A-Z])?(\d{1,18}(?:,\d{0,3})?)([A-Z][A-Z0-9 ]{3})(.*)", re.ASCII
)
_NUMBER = re.compile(r"(\d{1,10})(?:/(\d{1,5}))?\s*", re.ASCII)
# Start and end of a transmission, as some banks leave them in.
_TRANSMISSION = "\x01\x02\x03\x04"
_ABSENT = ("NONREF", "NOTPROVIDED")
_AGAIN = "the file was cut off or mixed up: fetch it again, or ask the bank for it"


@dataclass(slots=True)
class _Field:
    tag: str
    place: Place
    lines: list[str]

    @property
    def value(self) -> str:
        return self.lines[0]


@dataclass(slots=True)
class _Page:
    """One message: the fields around its entries, and the entries with their information."""

    start: Place
    heads: dict[str, _Field] = field(default_factory=dict)
    entries: list[tuple[_Field, list[str]]] = field(default_factory=list)

    def head(self, *tags: str) -> _Field:
        for tag in tags:
            if tag in self.heads:
                return self.heads[tag]
        self.start.refuse(f"the statement that begins here has no field {' or '.join(tags)}", _AGAIN)


def read_statements(document: bytes, file: str = "statement") -> list[FileStatement]:
    """All statements of a file, pages joined, balances checked. Raises `MalformedFile`."""
    pages = list(_pages(_fields(document, file)))
    if not pages:
        Place(file, 1).refuse("no MT940 statement: there is no field :20:", "check the format of the file")
    statements, open_pages = [], list[_Page]()
    for page in pages:
        opening = page.head("60F", "60M")
        if opening.tag == "60F" and open_pages:
            page.start.refuse("a statement begins before the last page of the one before it", _AGAIN)
        if opening.tag == "60M":
            if not open_pages:
                opening.place.refuse("a page without the page before it", _AGAIN)
            _follows(open_pages[-1], page)
        open_pages.append(page)
        if page.head("62F", "62M").tag == "62F":
            statements.append(_statement(open_pages))
            open_pages = []
    if open_pages:
        open_pages[-1].head("62M").place.refuse("the last page of the statement is missing", _AGAIN)
    names = [statement.statement_id for statement in statements]
    if len(set(names)) < len(names):
        pages[-1].start.refuse("a statement stands twice in the file", "ask the bank which of the two holds")
    return statements


def _fields(document: bytes, file: str) -> Iterator[_Field | None]:
    """The fields of a file in order, None where a message ends."""
    current: _Field | None = None
    inside = False
    for number, line in enumerate(text_of(document, file).split("\n"), 1):
        line = line.removesuffix("\r").strip(_TRANSMISSION)
        place = Place(file, number)
        if line.startswith("{"):
            # The SWIFT envelope: what follows the header of block 4 is the message's first line.
            line = line.partition("{4:")[2]
            if not line:
                continue
        if line.rstrip() == "-" or line.startswith("-}"):
            if current is not None:
                yield current
            yield None
            current, inside = None, False
            continue
        found = _TAG.fullmatch(line)
        if found and (inside or found[1] == "20"):
            if current is not None:
                yield current
            current, inside = _Field(found[1], place, [found[2]]), True
        elif current is not None and (
            current.tag in ("86", "NS") or (current.tag == "61" and not _ANY_TAG.match(line))
        ):
            # Text may begin like a field that does not exist; a supplement to an entry does not.
            current.lines.append(line)
        elif line.strip() and (inside or found):
            # Before a message banks put lines of their own.
            place.refuse(f"{line[:30]!r} belongs to no field", "check that the file is MT940 and whole")
    if current is not None:
        yield current


def _pages(fields: Iterator[_Field | None]) -> Iterator[_Page]:
    page: _Page | None = None
    for found in fields:
        if found is None or found.tag == "20":
            if page is not None:
                yield page
            page = None if found is None else _Page(found.place)
        if found is None:
            continue
        if page is None:
            found.place.refuse(f"field :{found.tag}: stands before field :20:", _AGAIN)
        _add(page, found)
    if page is not None:
        yield page


def _add(page: _Page, found: _Field) -> None:
    closed = "62F" in page.heads or "62M" in page.heads
    if found.tag == "61":
        if closed or not ("60F" in page.heads or "60M" in page.heads):
            found.place.refuse("an entry outside opening and closing balance", _AGAIN)
        page.entries.append((found, []))
    elif found.tag == "86" and not closed:
        # Some banks give an entry several; what stands before the first entry is of the statement.
        if page.entries:
            page.entries[-1][1].extend(found.lines)
    elif found.tag in ("20", "25", "28", "28C", "60F", "60M", "62F", "62M") and found.tag in page.heads:
        found.place.refuse(f"field :{found.tag}: twice in one statement", _AGAIN)
    else:
        page.heads.setdefault(found.tag, found)


def _balance(found: _Field) -> tuple[int, str, str]:
    """Minor units, currency and date of a balance field."""
    match = _BALANCE.fullmatch(found.value)
    if match is None:
        found.place.refuse(f":{found.tag}:{found.value!r} is not a balance", "it reads like C260331EUR123,45")
    side, day, currency, amount = match.groups()
    minor = found.place.amount(amount.replace(",", "."), currency)
    return (-minor if side == "D" else minor), currency, found.place.short_date(day)


def _number(page: _Page) -> tuple[int, int]:
    """Statement number and page."""
    found = page.head("28C", "28")
    match = _NUMBER.fullmatch(found.value)
    if match is None:
        found.place.refuse(f"{found.value!r} is not a statement number", "it reads like 00042/001")
    return int(match[1]), int(match[2] or 1)


def _follows(before: _Page, page: _Page) -> None:
    """A page goes on where the one before it ends."""
    place = page.head("60M").place
    same = before.head("25", "25P").value == page.head("25", "25P").value
    (number, last), (number_here, here) = _number(before), _number(page)
    # Some banks number pages within a statement, some do not; the balances show a gap.
    if not same or number != number_here or here not in (last, last + 1):
        place.refuse("the page before it belongs to another statement, or a page is missing", _AGAIN)
    if _balance(before.head("62M"))[:2] != _balance(page.head("60M"))[:2]:
        place.refuse("the page does not open with the balance the one before it closed with", _AGAIN)


def _statement(pages: list[_Page]) -> FileStatement:
    account = pages[0].head("25", "25P").value.strip()
    if not account:
        pages[0].head("25", "25P").place.refuse("no account", _AGAIN)
    opening, currency, _ = _balance(pages[0].head("60F"))
    closing, _, day = _balance(pages[-1].head("62F"))
    # Numbers begin again each year, and some banks give none: the day is part of the name.
    id_ = f"{account}/{day}/{_number(pages[0])[0]:05d}"
    entries: list[BankEntry] = []
    for page in pages:
        first, unit, _ = _balance(page.head("60F", "60M"))
        end = page.head("62F", "62M")
        last, unit_of_last, _ = _balance(end)
        if {unit, unit_of_last} != {currency}:
            end.place.refuse(f"balances in {currency}, {unit} and {unit_of_last}", _AGAIN)
        booked = 0
        for found, lines in page.entries:
            entry = _entry(found, read_field_86(lines), currency, f"{id_}/{len(entries) + 1}")
            booked += entry.amount_minor
            if entry.amount_minor:  # Some banks tell of events without money.
                entries.append(entry)
        end.place.balanced(first, booked, last, currency)
    return FileStatement(id_, account, currency, day, opening, closing, tuple(entries))


def _entry(found: _Field, information: Information, currency: str, name: str) -> BankEntry:
    match = _LINE.fullmatch(found.value)
    if match is None:
        found.place.refuse(f":61:{found.value!r} is not an entry", "it reads like 2603310331C123,45NTRFREF//BANKREF")
    day, _, mark, _, amount, _, references = match.groups()
    customer, _, bank = references.partition("//")
    minor = found.place.amount(amount.replace(",", "."), currency)
    end_to_end = information.end_to_end_id or customer.strip()
    bank = bank.strip()
    return BankEntry(
        # The bank's reference names the entry in every file; without one its place in the statement does.
        reference=name if not bank or bank in _ABSENT else bank,
        # RC takes a credit back, so it is a debit; RD and, announced, ED and EC likewise.
        amount_minor=minor if mark in ("C", "RD", "EC") else -minor,
        currency=currency,
        value_on=found.place.value_date(day),
        end_to_end_id=None if not end_to_end or end_to_end in _ABSENT else end_to_end,
        remittance=information.remittance,
        payer=information.payer or None,
        payer_iban=information.payer_iban or None,
    )
