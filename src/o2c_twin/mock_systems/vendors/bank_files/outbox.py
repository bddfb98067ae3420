"""What the bank lays out for its client: files, when they appear, and the known ways in which they go wrong."""

import hashlib
from datetime import UTC, datetime

import msgspec

from o2c_twin.mock_systems.roles.bank import BankAccount, Statement
from o2c_twin.mock_systems.roles.records import Numbers
from o2c_twin.mock_systems.vendors.bank_files.bai2 import bai2_file
from o2c_twin.mock_systems.vendors.bank_files.config import BankFilesConfig, Format
from o2c_twin.mock_systems.vendors.bank_files.mt940 import mt940_file
from o2c_twin.mock_systems.vendors.bank_files.ofx import ofx_file

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_SUFFIX: dict[Format, str] = {"mt940": "sta", "bai2": "bai", "ofx1": "ofx", "ofx2": "ofx"}


class BankFile(msgspec.Struct, gc=False):
    """One file in the client's outbox; ``delivered_at`` is when it appears there, in epoch microseconds."""

    name: str
    format: Format
    iban: str
    date: str
    delivered_at: int
    content: bytes
    sha256: str
    acknowledged_at: int | None = None


class Outbox(msgspec.Struct):
    """All files, by name; part of a snapshot."""

    files: dict[str, BankFile] = {}
    numbers: Numbers = msgspec.field(default_factory=Numbers)


def statement_number(account: BankAccount, position: int, restarts: bool) -> int:
    """The number on the statement at ``position``: counted since the account was opened, or since New Year."""
    if not restarts:
        return account.statements[position].sequence
    year = account.statements[position].date[:4]
    return sum(s.date[:4] == year for s in account.statements[: position + 1])


def render(
    kind: Format,
    statement: Statement,
    account: BankAccount,
    number: int,
    file_number: int,
    config: BankFilesConfig,
    correction: bool = False,
) -> bytes:
    """The statement in one of the bank's formats; ``number`` is the statement's, ``file_number`` the file's."""
    if kind == "mt940":
        return mt940_file(statement, account, number, config)
    if kind == "bai2":
        return bai2_file(statement, account, file_number, config, correction)
    return ofx_file(statement, account, file_number, config, 1 if kind == "ofx1" else 2)


def _wrong(statement: Statement, mode: str) -> Statement | None:
    """The statement as it is sent before it is corrected: consistent in itself, and wrong. None when it is empty."""
    if not statement.entries:
        return None
    *kept, last = statement.entries
    if mode == "changed":
        cent = 1 if last.amount_minor > 0 else -1
        if last.amount_minor == cent:
            cent = -cent
        kept.append(msgspec.structs.replace(last, amount_minor=last.amount_minor - cent))
    closing = statement.opening_minor + sum(e.amount_minor for e in kept)
    return msgspec.structs.replace(statement, entries=kept, closing_minor=closing)


def deliver(box: Outbox, account: BankAccount, position: int, config: BankFilesConfig, now: int) -> list[BankFile]:
    """Lay out the files of a closed day; gives those that are there at once. Later ones appear by themselves."""
    statement = account.statements[position]
    number = statement_number(account, position, config.numbers_restart)
    due = now + (2 * _DAY_US if config.late_files and statement.sequence % 4 == 0 else 0)
    versions: list[tuple[Statement, int, bool]] = [(statement, due, False)]
    first = None
    if config.corrections != "none" and statement.sequence % 5 == 0:
        first = _wrong(statement, config.corrections)
    if first is not None:
        versions = [(first, due, False), (statement, due + _HOUR_US, True)]
    if config.repeat_files and statement.sequence % 3 == 0:
        versions.append((statement, due + _DAY_US, first is not None))
    laid: list[BankFile] = []
    for kind in config.formats:
        for shown, at, correction in versions:
            file_number = box.numbers.next("file")
            content = render(kind, shown, account, number, file_number, config, correction)
            stamp = datetime.fromtimestamp(at // 1_000_000, UTC)
            name = (
                f"{kind.upper()}_{account.iban[-10:]}_{statement.date.replace('-', '')}"
                f"_{stamp:%Y%m%dT%H%M%S}_{file_number:06d}.{_SUFFIX[kind]}"
            )
            file = BankFile(name, kind, account.iban, statement.date, at, content, hashlib.sha256(content).hexdigest())
            box.files[name] = file
            laid.append(file)
    return [file for file in laid if file.delivered_at <= now]
