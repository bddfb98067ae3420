"""Reads BAI2 cash management files into canonical bank entries; record counts and control totals must hold.

Source: BAI Cash Management Balance Reporting Specifications, version 2.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from o2c_twin.integration.connectors.bank_files_statement import FileStatement, Place, text_of
from o2c_twin.integration.model import BankEntry

_CODES = ("01", "02", "03", "16", "49", "98", "99")
_AMOUNT = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_TYPE = re.compile(r"\d{3}", re.ASCII)
_AGAIN = "the file was cut off or changed: fetch it again, or ask the bank for it"
_INFORMATION_ONLY = 890
# What each funds type puts between itself and the references.
_DISTRIBUTION = {"S": 3, "V": 2}


@dataclass(frozen=True, slots=True)
class _Row:
    """One physical record."""

    code: str
    text: str
    place: Place
    length: int


@dataclass(frozen=True, slots=True)
class _Record:
    """One logical record: a row and its continuations."""

    code: str
    rows: tuple[_Row, ...]

    @property
    def place(self) -> Place:
        return self.rows[0].place

    def fields(self) -> list[str]:
        """The fields of a record without text."""
        joined = ",".join(row.text.removesuffix("/") for row in self.rows)
        return [value.strip() for value in joined.split(",")]


def read_statements(document: bytes, file: str = "statement") -> list[FileStatement]:
    """All accounts of all groups of a file, totals checked. Raises `MalformedFile`."""
    return _Reader(list(_records(document, file)), file).file()


def _records(document: bytes, file: str) -> Iterator[_Record]:
    rows: list[_Row] = []
    for number, line in enumerate(text_of(document, file).split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        place = Place(file, number)
        code, text = line[:2], line[3:]
        if line[2:3] != "," or code not in (*_CODES, "88"):
            place.refuse(f"{line[:10]!r} begins no BAI2 record", "check that the file is BAI2 and whole")
        row = _Row(code, text.rstrip(" ") if text.rstrip(" ").endswith("/") else text, place, len(line))
        if code == "88":
            if not rows:
                place.refuse("a continuation (88) of nothing", _AGAIN)
            rows.append(row)
            continue
        if rows:
            yield _Record(rows[0].code, tuple(rows))
        rows = [row]
    if rows:
        yield _Record(rows[0].code, tuple(rows))


class _Reader:
    """Walks the records of a file: groups in a file, accounts in a group, details in an account."""

    def __init__(self, records: list[_Record], file: str) -> None:
        self._records = records
        self._at = 0
        self._end = Place(file, records[-1].rows[-1].place.line if records else 1)
        self._length = 0

    def _peek(self) -> str:
        return self._records[self._at].code if self._at < len(self._records) else ""

    def _next(self, code: str) -> _Record:
        if self._peek() != code:
            if self._at >= len(self._records):
                self._end.refuse(f"the file ends where a record {code} is due", _AGAIN)
            record = self._records[self._at]
            record.place.refuse(f"a record {record.code} stands where a record {code} is due", _AGAIN)
        self._at += 1
        return self._records[self._at - 1]

    def _trailer(self, code: str, total: int, counts: list[tuple[str, int]]) -> int:
        """Check a trailer's control total and counts; the last count is the rows, its own not yet among them."""
        record = self._next(code)
        values = record.fields()
        # Without anything to add up some banks leave the total out.
        if not _AMOUNT.fullmatch(values[0] or "0") or len(values) <= len(counts):
            record.place.refuse(f"the trailer {code} has no control total or count", _AGAIN)
        if int(values[0] or 0) != total:
            remedy = "an amount is missing or changed: ask the bank for the file again, post none of it"
            record.place.refuse(f"control total {values[0] or 0}, the amounts make {total}", remedy)
        for (what, found), told in zip(counts, values[1:], strict=False):
            counted = found + len(record.rows) if what == "records" else found
            if not _COUNT.fullmatch(told) or int(told) != counted:
                remedy = "a record is missing or doubled: ask the bank for the file again, post none of it"
                record.place.refuse(f"{told or 'no'} {what} told, {counted} found", remedy)
        return len(record.rows)

    def file(self) -> list[FileStatement]:
        """The whole file."""
        head = self._next("01")
        values = head.fields()
        if len(values) < 8 or values[7] not in ("2", ""):
            head.place.refuse("the file header does not say version 2", "ask the bank for BAI2, not BAI1 or BTRS")
        self._length = int(values[5]) if _COUNT.fullmatch(values[5]) else 0
        statements: list[FileStatement] = []
        total, rows, groups = 0, len(head.rows), 0
        while self._peek() == "02":
            found, group_total, group_rows = self._group()
            statements += found
            total, rows, groups = total + group_total, rows + group_rows, groups + 1
        if not groups:
            head.place.refuse("a file without a group", _AGAIN)
        self._trailer("99", total, [("groups", groups), ("records", rows)])
        if self._at < len(self._records):
            self._records[self._at].place.refuse("records after the file trailer", "split the file: it holds two")
        names = [statement.statement_id for statement in statements]
        if len(set(names)) < len(names):
            head.place.refuse("a statement stands twice in the file", "ask the bank which of the two holds")
        return statements

    def _group(self) -> tuple[list[FileStatement], int, int]:
        head = self._next("02")
        values = [*head.fields(), "", "", "", "", "", ""]
        if values[2] in ("2", "4"):
            what = "deletes an earlier group" if values[2] == "2" else "is a test"
            head.place.refuse(f"the group {what}", "it holds no statement to post: have a person look at it")
        day, currency = head.place.short_date(values[3]), values[5] or "USD"
        statements, total, rows = [], 0, len(head.rows)
        while self._peek() == "03":
            statement, account_total, account_rows = self._account(day, currency)
            statements.append(statement)
            total, rows = total + account_total, rows + account_rows
        rows += self._trailer("98", total, [("accounts", len(statements)), ("records", rows)])
        return statements, total, rows

    def _account(self, day: str, group_currency: str) -> tuple[FileStatement, int, int]:
        head = self._next("03")
        values = head.fields()
        account, currency = values[0], (values[1] if len(values) > 1 else "") or group_currency
        if not account:
            head.place.refuse("an account without a number", _AGAIN)
        balances, total = self._summary(head, values[2:])
        id_ = f"{account}/{day}"
        entries: list[BankEntry] = []
        rows = len(head.rows)
        while self._peek() == "16":
            record = self._next("16")
            entry, amount = self._detail(record, day, currency, f"{id_}/{len(entries) + 1}")
            rows, total = rows + len(record.rows), total + amount
            if entry is not None:
                entries.append(entry)
        rows += self._trailer("49", total, [("records", rows)])
        opening, closing = balances.get("010"), balances.get("015")
        if opening is not None and closing is not None:
            head.place.balanced(opening, sum(e.amount_minor for e in entries), closing, currency)
        return FileStatement(id_, account, currency, day, opening, closing, tuple(entries)), total, rows

    def _summary(self, head: _Record, values: list[str]) -> tuple[dict[str, int], int]:
        """Amounts by type code, and their sum. Some banks put one comma too many between two groups."""
        found: dict[str, int] = {}
        total = at = 0
        while at < len(values):
            code = values[at]
            if not code:
                at += 1
                continue
            amount = values[at + 1] if at + 1 < len(values) else ""
            if not _TYPE.fullmatch(code) or (amount and not _AMOUNT.fullmatch(amount)):
                head.place.refuse(f"{code!r}, {amount!r} is not a type code with its amount", _AGAIN)
            found[code] = int(amount or 0)
            total += int(amount or 0)
            funds = values[at + 3] if at + 3 < len(values) else ""
            at += 4 + self._distribution(head.place, funds, values[at + 4 : at + 5])
        return found, total

    def _distribution(self, place: Place, funds: str, following: list[str]) -> int:
        if funds != "D":
            return _DISTRIBUTION.get(funds, 0)
        if not following or not _COUNT.fullmatch(following[0]):
            place.refuse("funds type D without the number of its parts", _AGAIN)
        return 1 + 2 * min(int(following[0]), 99)

    def _detail(self, record: _Record, day: str, currency: str, name: str) -> tuple[BankEntry | None, int]:
        """The entry of a detail record, None for mere information, and what it adds to the control total."""
        place = record.place
        values, text = self._detail_fields(record)
        code, amount, funds = values[0], values[1], values[2]
        if not _TYPE.fullmatch(code) or (amount and not _AMOUNT.fullmatch(amount)):
            place.refuse(f"{code!r}, {amount!r} is not a type code with its amount", _AGAIN)
        minor, kind = int(amount or 0), int(code)
        if kind == _INFORMATION_ONLY or not minor:
            return None, minor
        if minor < 0:
            place.refuse("a detail with a sign", "its type code says credit or debit: ask the bank what it means")
        if not (100 <= kind < 700 or 920 <= kind < 1000):
            place.refuse(f"type code {code} is neither credit nor debit", "ask the bank what it books under it")
        credit = 100 <= kind < 400 or 920 <= kind < 960
        end_to_end = values[-1]
        entry = BankEntry(
            reference=values[-2] or name,
            amount_minor=minor if credit else -minor,
            currency=currency,
            value_on=place.short_date(values[3]) if funds == "V" and values[3] else day,
            end_to_end_id=end_to_end or None,
            remittance=text,
            payer=None,
            payer_iban=None,
        )
        return entry, minor

    def _detail_fields(self, record: _Record) -> tuple[list[str], str]:
        """Type, amount, funds, what funds type adds, bank and customer reference; and the text.

        A text may hold commas. It may begin only in a continuation, after a row that ends its fields by a slash.
        """
        rows = [(row.text.removesuffix("/"), row.text.endswith("/"), row.length) for row in record.rows]
        buffer, used = rows[0][0], 1
        while True:
            values = buffer.split(",")
            funds = values[2].strip() if len(values) > 2 else ""
            heads = 5 + self._distribution(record.place, funds, values[3:4] or ["0"])
            if len(values) > heads or used == len(rows):
                break
            buffer, used = f"{buffer},{rows[used][0]}", used + 1
        values, text = values[:heads], ",".join(values[heads:])
        values = [value.strip() for value in [*values, *[""] * (heads - len(values))]]
        for at in range(used, len(rows)):
            _, ended, length = rows[at - 1]
            # A row filled to the declared length was cut there, wherever a word ended.
            full = self._length > 0 and length >= self._length and not ended
            text += rows[at][0] if full else f" {rows[at][0]}"
        return values, text.strip()
