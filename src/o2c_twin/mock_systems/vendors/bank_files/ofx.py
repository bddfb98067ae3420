"""Writes OFX: one closed day of an account, as 1.x (SGML, leaf elements are not closed) or 2.x (XML).

Source: Open Financial Exchange 1.0.2 and 2.1.1, sections 2, 3 and 11.4. Lengths: NAME 32, MEMO 255, REFNUM 32,
BANKID 9, ACCTID 22.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal
from xml.sax.saxutils import escape

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, EntryKind, Statement
from o2c_twin.mock_systems.vendors.bank_files.config import BankFilesConfig
from o2c_twin.mock_systems.vendors.bank_files.texts import decimal_text

_NAME, _MEMO, _REFNUM, _BANK, _ACCOUNT = 32, 255, 32, 9, 22
_TYPES: dict[EntryKind, tuple[str, str]] = {
    "transfer": ("CREDIT", "DEBIT"),
    "direct-debit": ("DIRECTDEP", "DIRECTDEBIT"),
    "return": ("CREDIT", "DEBIT"),
    "fee": ("CREDIT", "FEE"),
    "check": ("DEP", "CHECK"),
}
_SGML_HEAD = (
    "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n"
    "COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
)
_XML_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n'
    '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\r\n'
)
_Leaf = Callable[[str, str], str]


def _signed(minor: int, currency: str) -> str:
    return f"{'-' if minor < 0 else ''}{decimal_text(minor, currency)}"


def _clean(text: str, longest: int) -> str:
    return "".join([c if c.isprintable() else " " for c in text[:longest]]).strip()


def _day(day: str, time: str = "120000") -> str:
    return f"{day[:4]}{day[5:7]}{day[8:10]}{time}.000[0:GMT]"


def bank_account(iban: str) -> tuple[str, str]:
    """BANKID and ACCTID of an account: the bank part of its IBAN, and as much of its end as fits."""
    return iban[4:12][:_BANK], iban[-_ACCOUNT:]


def _entry(entry: Entry, fitid: str, currency: str, leaf: _Leaf) -> str:
    facts = [
        ("TRNTYPE", _TYPES[entry.kind][0 if entry.amount_minor > 0 else 1]),
        ("DTPOSTED", _day(entry.booked_on)),
        ("DTAVAIL", _day(entry.value_on)),
        ("TRNAMT", _signed(entry.amount_minor, currency)),
        ("FITID", fitid),
        ("REFNUM", _clean(entry.end_to_end_id or "", _REFNUM)),
        ("NAME", _clean(entry.counterparty or "", _NAME)),
        ("MEMO", _clean(" ".join(entry.remittance), _MEMO)),
    ]
    return f"<STMTTRN>{''.join([leaf(tag, text) for tag, text in facts if text])}</STMTTRN>"


def ofx_file(
    statement: Statement, account: BankAccount, file_number: int, config: BankFilesConfig, version: Literal[1, 2]
) -> bytes:
    """The statement as OFX 1.0.2 (Windows-1252) or 2.1.1 (UTF-8). FITID is the bank's reference of the entry.

    With the switch ``fitid_changes`` it is a number within the file instead.
    """
    line = "\r\n"

    def leaf(tag: str, text: str) -> str:
        return f"<{tag}>{escape(text)}{f'</{tag}>' if version == 2 else ''}{line}"

    currency = account.currency
    created = datetime.fromtimestamp(statement.created_at // 1_000_000, UTC)
    bank_id, account_id = bank_account(account.iban)
    future = sum(e.amount_minor for e in statement.entries if e.value_on > statement.date)
    ok = f"<STATUS>{leaf('CODE', '0')}{leaf('SEVERITY', 'INFO')}</STATUS>{line}"
    entries = [
        _entry(entry, f"{file_number}-{place}" if config.fitid_changes else entry.reference, currency, leaf)
        for place, entry in enumerate(statement.entries, 1)
    ]
    as_of = leaf("DTASOF", _day(statement.date, "235959"))
    text = (
        f"<OFX>{line}<SIGNONMSGSRSV1><SONRS>{line}{ok}"
        f"{leaf('DTSERVER', f'{created:%Y%m%d%H%M%S}')}{leaf('LANGUAGE', 'ENG')}"
        f"<FI>{leaf('ORG', _clean(config.name, 32) or 'BANK')}{leaf('FID', config.bic[:32])}</FI>{line}"
        f"</SONRS></SIGNONMSGSRSV1>{line}<BANKMSGSRSV1><STMTTRNRS>{line}{leaf('TRNUID', str(file_number))}{ok}"
        f"<STMTRS>{line}{leaf('CURDEF', currency)}"
        f"<BANKACCTFROM>{leaf('BANKID', bank_id)}{leaf('ACCTID', account_id)}{leaf('ACCTTYPE', 'CHECKING')}"
        f"</BANKACCTFROM>{line}<BANKTRANLIST>{line}"
        f"{leaf('DTSTART', _day(statement.date, '000000'))}{leaf('DTEND', _day(statement.date, '235959'))}"
        f"{''.join([e + line for e in entries])}</BANKTRANLIST>{line}"
        f"<LEDGERBAL>{leaf('BALAMT', _signed(statement.closing_minor, currency))}{as_of}</LEDGERBAL>{line}"
        f"<AVAILBAL>{leaf('BALAMT', _signed(statement.closing_minor - future, currency))}{as_of}</AVAILBAL>{line}"
        f"</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>{line}"
    )
    return _XML_HEAD.encode() + text.encode() if version == 2 else (_SGML_HEAD + text).encode("cp1252", "replace")
