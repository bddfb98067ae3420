"""What every reader of bank files gives: statements of signed entries, or a refusal that names place and remedy."""

import re
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.model import BankEntry

_SHORT_DATE = re.compile(r"\d{6}", re.ASCII)


class MalformedFile(ValueError):
    """A bank file that cannot be trusted: ``file`` and ``line`` say where, ``remedy`` what to do about it."""

    def __init__(self, file: str, line: int, problem: str, remedy: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}; {remedy}")
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class FileStatement:
    """One statement of a file. Amounts in minor units; entries are signed, a debit is negative.

    ``statement_id`` is the same for every file that tells of the same day of the account, so a second one is a
    repetition or a correction. Balances are None where the format has none. ``day`` is the ISO date it closes.
    """

    statement_id: str
    account: str
    currency: str
    day: str
    opening_minor: int | None
    closing_minor: int | None
    entries: tuple[BankEntry, ...]

    @property
    def credits(self) -> list[BankEntry]:
        """What came in."""
        return [entry for entry in self.entries if entry.amount_minor > 0]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, from which to refuse it."""

    file: str
    line: int

    def refuse(self, problem: str, remedy: str) -> NoReturn:
        """Raises `MalformedFile`."""
        raise MalformedFile(self.file, self.line, problem, remedy)

    def amount(self, text: str, currency: str) -> int:
        """Minor units of a decimal with a point. Raises `MalformedFile`."""
        try:
            return to_minor(text, currency)
        except (ValueError, ArithmeticError) as bad:
            remedy = f"ask the bank for a file with amounts in whole units of {currency}'s decimals"
            raise MalformedFile(self.file, self.line, f"amount {text!r} is not one ({bad})", remedy) from bad

    def short_date(self, text: str) -> str:
        """ISO date of YYMMDD, in this century. Raises `MalformedFile`."""
        if _SHORT_DATE.fullmatch(text):
            return self.iso_date(f"20{text[:2]}-{text[2:4]}-{text[4:]}")
        self.refuse(f"{text!r} is not a date YYMMDD", "ask the bank for the file again")

    def value_date(self, text: str) -> str:
        """As `short_date`; 29 and 30 February, on which banks value by months of thirty days, is the month's last."""
        if text[2:4] == "02" and text[4:] in ("29", "30"):
            try:
                return self.short_date(text)
            except MalformedFile:
                leap = int(text[:2]) % 4 == 0
                return self.short_date(f"{text[:4]}{29 if leap else 28}")
        return self.short_date(text)

    def iso_date(self, text: str) -> str:
        """The date itself. Raises `MalformedFile` for one no calendar has."""
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            self.refuse(f"{text!r} is not a date", "ask the bank for the file again")

    def balanced(self, opening: int, entries: int, closing: int, currency: str) -> None:
        """Opening and entries make the closing balance, in minor units. Raises `MalformedFile`."""
        if opening + entries != closing:
            self.refuse(
                f"opening {opening} and entries {entries} make {opening + entries} minor units of {currency}, "
                f"the closing balance is {closing}",
                "an entry is missing, doubled or changed: ask the bank for the statement again, post none of it",
            )


def text_of(document: bytes, file: str, encoding: str = "utf-8") -> str:
    """The document's text; what is not in ``encoding`` is taken for Windows-1252, as older banks send it.

    Raises `MalformedFile` for an empty or a binary file.
    """
    place = Place(file, 1)
    if not document.strip():
        place.refuse("the file is empty", "fetch it again")
    if b"\0" in document:
        place.refuse("the file holds binary data", "check that it is a statement and was not fetched compressed")
    try:
        text = document.decode(encoding)
    except UnicodeDecodeError:
        text = document.decode("cp1252", "replace")
    # A byte order mark from one end of the world, an end-of-file mark of DOS from the other.
    return text.removeprefix("\ufeff").rstrip("\x1a")
