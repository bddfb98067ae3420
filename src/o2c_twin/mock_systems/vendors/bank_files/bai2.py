"""Writes BAI2: one closed day of an account as one file with one group.

Source: BAI Cash Management Balance Reporting Specifications, version 2. A comma parts fields, a slash ends a record;
amounts are in minor units without a point. A text may hold commas and slashes but does not begin with a slash, and
one that is continued in an 88 record is not ended by one.
"""

from datetime import UTC, datetime

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, EntryKind, Statement
from o2c_twin.mock_systems.vendors.bank_files.config import BankFilesConfig
from o2c_twin.mock_systems.vendors.bank_files.texts import ASCII, in_charset

RECORD = 80
_REFERENCE = 16  # assumed: the format sets no length, banks commonly pass on sixteen
# Type code by kind for credits and debits.
_CODES: dict[EntryKind, tuple[str, str]] = {
    "transfer": ("142", "495"),
    "direct-debit": ("165", "455"),
    "return": ("257", "557"),
    "fee": ("399", "698"),
    "check": ("175", "475"),
}


def _summary(head: str, groups: list[str]) -> list[str]:
    """The account record, continued in 88 records between groups of type code, amount, count and funds type."""
    lines, line = [], head
    for group in groups:
        if len(line) + len(group) + 2 > RECORD:
            lines.append(line + "/")
            line = f"88,{group}"
        else:
            line = f"{line},{group}"
    return [*lines, line + "/"]


def _with_text(head: str, text: str, terminate: bool) -> list[str]:
    """A detail record: its text broken at words; a word longer than a record is cut where the record is full."""
    lines, line, empty = [], head, True
    for word in filter(None, (w.strip("/") for w in text.split())):
        if len(word) > RECORD - 4:
            # It will be cut, and a slash at the cut would end the record.
            word = word.replace("/", "-")
        elif len(line) + (not empty) + len(word) >= RECORD:
            # Without text yet, the fields end here, and a slash says so; a text that goes on has none.
            lines.append(line[:-1] + "/" if empty else line)
            line, empty = "88,", True
        line, empty = (line + word if empty else f"{line} {word}"), False
        while len(line) >= RECORD:
            lines.append(line[:RECORD])
            line = f"88,{line[RECORD:]}"
            empty = line == "88,"
    if line == "88,":
        return lines  # the last word filled its record to the end
    return [*lines, line + ("/" if empty or terminate else "")]


def _entry(entry: Entry, statement: Statement, config: BankFilesConfig) -> list[str]:
    def known(text: str | None) -> str:
        return in_charset(text or "", ASCII, config.umlauts, True)

    code = _CODES[entry.kind][0 if entry.amount_minor > 0 else 1]
    value = entry.value_on
    # Value dated funds name their day; what is good on the day of the statement is immediate.
    funds = "0" if value == statement.date else f"V,{value[2:4]}{value[5:7]}{value[8:10]},"
    reference = known(entry.end_to_end_id).replace(",", " ").replace("/", " ")[:_REFERENCE].strip()
    head = f"16,{code},{abs(entry.amount_minor)},{funds},{entry.reference},{reference},"
    text = " ".join(filter(None, (known(" ".join(entry.remittance)), known(entry.counterparty))))
    return _with_text(head, text, config.bai2_terminate_text)


def bai2_file(
    statement: Statement, account: BankAccount, file_number: int, config: BankFilesConfig, correction: bool = False
) -> bytes:
    """The statement as BAI2, ASCII with CR LF.

    ``file_number`` is the file's identification on its day; ``correction`` marks the group as replacing an earlier one.
    """
    created = datetime.fromtimestamp(statement.created_at // 1_000_000, UTC)
    day = f"{statement.date[2:4]}{statement.date[5:7]}{statement.date[8:10]}"
    credits = [e.amount_minor for e in statement.entries if e.amount_minor > 0]
    debits = [-e.amount_minor for e in statement.entries if e.amount_minor < 0]
    opening, closing = statement.opening_minor, statement.closing_minor
    available = closing - sum(e.amount_minor for e in statement.entries if e.value_on > statement.date)
    summary = [
        f"010,{opening:+d},,",
        f"015,{closing:+d},,",
        f"045,{available:+d},,",
        f"100,{sum(credits)},{len(credits)},",
        f"400,{sum(debits)},{len(debits)},",
    ]
    records = _summary(f"03,{account.iban},{account.currency}", summary)
    for entry in statement.entries:
        records += _entry(entry, statement, config)
    total = opening + closing + available + 2 * (sum(credits) + sum(debits))
    status = "3" if correction else "1"
    lines = [
        f"01,{config.bic},{config.login},{created:%y%m%d},{created:%H%M},{file_number},{RECORD},,2/",
        f"02,{config.login},{config.bic},{status},{day},2400,{account.currency},2/",
        *records,
        f"49,{total},{len(records) + 1}/",
        f"98,{total},1,{len(records) + 3}/",
        f"99,{total},1,{len(records) + 5}/",
    ]
    if config.drop_trailing_blanks:
        lines = [line.rstrip(" ") for line in lines]
    return "".join([f"{line}\r\n" for line in lines]).encode("ascii")
