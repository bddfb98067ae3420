"""Writes SWIFT MT940: one closed day of an account, in as many pages as it needs.

Source: SWIFT MT940 customer statement message; field lengths as in the project's bank facts page.
"""

from datetime import date

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, EntryKind, Statement
from o2c_twin.mock_systems.vendors.bank_files.config import BankFilesConfig
from o2c_twin.mock_systems.vendors.bank_files.field86 import STYLES, Details
from o2c_twin.mock_systems.vendors.bank_files.texts import SWIFT_X, decimal_text, in_charset

REFERENCE = 16
_TYPES: dict[EntryKind, str] = {
    "transfer": "NTRF",
    "direct-debit": "NDDT",
    "return": "NRTI",
    "fee": "NCHG",
    "check": "NCHK",
}


def _balance(tag: str, minor: int, currency: str, day: str) -> str:
    side = "D" if minor < 0 else "C"
    return f":{tag}:{side}{day[2:4]}{day[5:7]}{day[8:10]}{currency}{decimal_text(minor, currency, ',')}"


def _mark(entry: Entry) -> str:
    """A return is the reversal of what it undoes: RC takes a credit back, RD a debit."""
    if entry.kind == "return":
        return "RC" if entry.amount_minor < 0 else "RD"
    return "D" if entry.amount_minor < 0 else "C"


def _reference(text: str) -> str:
    """A reference as it fits field 61: 16 characters, without the double slash that would end it."""
    while "//" in text:
        text = text.replace("//", "/")
    return text[:REFERENCE].rstrip("/ ") or "NONREF"


def _entry(entry: Entry, serial: int, currency: str, config: BankFilesConfig) -> list[str]:
    def known(text: str | None) -> str:
        return in_charset(text or "", SWIFT_X, config.umlauts, config.upper_case)

    value, booked = entry.value_on, entry.booked_on
    structured = config.field_86 == "german"
    # German banks put the third letter of the currency behind the mark.
    funds = currency[2] if structured else ""
    details = Details(
        entry.kind,
        entry.amount_minor > 0,
        known(" ".join(entry.remittance)),
        known(entry.counterparty),
        known(entry.counterparty_iban),
        known(entry.end_to_end_id),
        serial,
    )
    lines = [
        f":61:{value[2:4]}{value[5:7]}{value[8:10]}{booked[5:7]}{booked[8:10]}{_mark(entry)}{funds}"
        f"{decimal_text(entry.amount_minor, currency, ',')}{_TYPES[entry.kind]}{_reference(details.end_to_end)}"
        f"//{entry.reference[:REFERENCE]}"
    ]
    if config.field_86 == "plain":
        lines.append(f"{'CREDIT' if entry.amount_minor > 0 else 'DEBIT'} {entry.kind.upper()}"[:34])
    first, *more = STYLES[config.field_86](details) or [""]
    return [*lines, f":86:{first}", *more] if first else lines


def _forward(statement: Statement) -> list[tuple[str, int]]:
    """The available balance of the day, then of each later value date an entry has."""
    days = sorted({statement.date, *(e.value_on for e in statement.entries if e.value_on > statement.date)})
    return [
        (day, statement.closing_minor - sum(e.amount_minor for e in statement.entries if e.value_on > day))
        for day in days
    ]


def mt940_file(statement: Statement, account: BankAccount, number: int, config: BankFilesConfig) -> bytes:
    """The statement as MT940, ASCII with CR LF; ``number`` is the statement number of field 28C."""
    currency, day = account.currency, date.fromisoformat(statement.date)
    size = max(1, config.page_entries)
    pages = [statement.entries[at : at + size] for at in range(0, len(statement.entries), size)] or [[]]
    lines: list[str] = []
    balance = statement.opening_minor
    for page, entries in enumerate(pages, 1):
        if config.swift_envelope:
            bank = f"{config.bic:X<12}"[:12]
            lines.append(f"{{1:F01{bank}0000000000}}{{2:I940{bank}N}}{{4:")
        lines += [f":20:S{day:%y%m%d}{number:05d}", f":25:{account.iban[:35]}", f":28C:{number:05d}/{page:03d}"]
        lines.append(_balance("60F" if page == 1 else "60M", balance, currency, statement.date))
        for place, entry in enumerate(entries, 1):
            lines += _entry(entry, (page - 1) * size + place, currency, config)
            balance += entry.amount_minor
        if page < len(pages):
            lines += [_balance("62M", balance, currency, statement.date)]
        else:
            lines.append(_balance("62F", statement.closing_minor, currency, statement.date))
            (today, available), *later = _forward(statement)
            lines.append(_balance("64", available, currency, today))
            lines += [_balance("65", minor, currency, when) for when, minor in later]
        lines.append("-}" if config.swift_envelope else "-")
    if config.drop_trailing_blanks:
        lines = [line.rstrip(" ") for line in lines]
    return "".join([f"{line}\r\n" for line in lines]).encode("ascii")
