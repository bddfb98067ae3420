"""Writes camt.053.001.08: one closed day of an account as a bank-to-customer statement.

Source: ISO 20022 message definition camt.053.001.08; paths as in the project's bank facts page.
"""

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, Statement

_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3, "JOD": 3, "TND": 3}
_LONGEST_TEXT, _LONGEST_ID = 140, 35
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def amount_text(minor: int, currency: str) -> str:
    """The unsigned decimal text of an amount in minor units."""
    digits = _MINOR_DIGITS.get(currency, 2)
    if not digits:
        return str(abs(minor))
    whole, part = divmod(abs(minor), 10**digits)
    return f"{whole}.{part:0{digits}d}"


def file_name(statement: Statement, account: BankAccount) -> str:
    """The name a bank gives the file: account, date, sequence."""
    return f"camt053_{account.iban}_{statement.date}_{statement.sequence:05d}.xml"


def stamp(at_us: int) -> str:
    """An instant as ISO 8601 with seconds, UTC."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat()[:19] + "Z"


def _text(value: str, longest: int = _LONGEST_TEXT) -> str:
    """Text as it may stand in the document: no longer than the schema has it, no control characters, escaped."""
    value = value[:longest]
    if not value.isprintable():
        # XML has no way to write most of these, and banks send blanks for the rest.
        value = "".join([c if c.isprintable() else " " for c in value])
    return escape(value)


def _side(minor: int) -> str:
    return "DBIT" if minor < 0 else "CRDT"


def _balance(code: str, minor: int, currency: str, date: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount_text(minor, currency)}</Amt><CdtDbtInd>{_side(minor)}</CdtDbtInd>'
        f"<Dt><Dt>{date}</Dt></Dt></Bal>"
    )


def _party(entry: Entry, side: str) -> str:
    role = "Dbtr" if side == "CRDT" else "Cdtr"
    name = iban = ""
    if entry.counterparty:
        name = f"<{role}><Pty><Nm>{_text(entry.counterparty)}</Nm></Pty></{role}>"
    if entry.counterparty_iban:
        iban = f"<{role}Acct><Id><IBAN>{_text(entry.counterparty_iban, _LONGEST_ID)}</IBAN></Id></{role}Acct>"
    return f"<RltdPties>{name}{iban}</RltdPties>" if name or iban else ""


def _entry(entry: Entry, currency: str) -> str:
    amount = f'<Amt Ccy="{currency}">{amount_text(entry.amount_minor, currency)}</Amt>'
    side = _side(entry.amount_minor)
    end_to_end = _text(entry.end_to_end_id or "NOTPROVIDED", _LONGEST_ID)
    texts = "".join([f"<Ustrd>{_text(text)}</Ustrd>" for text in entry.remittance if text])
    remittance = f"<RmtInf>{texts}</RmtInf>" if texts else ""
    family = "RCDT" if side == "CRDT" else "ICDT"
    return (
        f"<Ntry><NtryRef>{entry.reference}</NtryRef>{amount}<CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{entry.booked_on}</Dt></BookgDt><ValDt><Dt>{entry.value_on}</Dt></ValDt>"
        f"<AcctSvcrRef>{entry.reference}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><AcctSvcrRef>{entry.reference}</AcctSvcrRef>"
        f"<EndToEndId>{end_to_end}</EndToEndId></Refs>"
        f"{amount}<CdtDbtInd>{side}</CdtDbtInd>{_party(entry, side)}{remittance}</TxDtls></NtryDtls></Ntry>"
    )


def statement_document(statement: Statement, account: BankAccount, bic: str, bank: str) -> bytes:
    """The statement as a camt.053.001.08 document, UTF-8."""
    currency = account.currency
    created = stamp(statement.created_at)
    credits = [e.amount_minor for e in statement.entries if e.amount_minor > 0]
    debits = [e.amount_minor for e in statement.entries if e.amount_minor < 0]
    net = sum(credits) + sum(debits)
    entries = "".join([_entry(e, currency) for e in statement.entries])
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{statement.id}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{statement.id}</Id><ElctrncSeqNb>{statement.sequence}</ElctrncSeqNb>"
        f"<LglSeqNb>{statement.sequence}</LglSeqNb><CreDtTm>{created}</CreDtTm>"
        f"<FrToDt><FrDtTm>{statement.date}T00:00:00Z</FrDtTm><ToDtTm>{statement.date}T23:59:59Z</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{_text(account.iban, _LONGEST_ID)}</IBAN></Id><Ccy>{currency}</Ccy>"
        f"<Ownr><Nm>{_text(account.owner)}</Nm></Ownr>"
        f"<Svcr><FinInstnId><BICFI>{bic}</BICFI><Nm>{_text(bank)}</Nm></FinInstnId></Svcr></Acct>"
        f"{_balance('OPBD', statement.opening_minor, currency, statement.date)}"
        f"{_balance('CLBD', statement.closing_minor, currency, statement.date)}"
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(statement.entries)}</NbOfNtries>"
        f"<TtlNetNtry><Amt>{amount_text(net, currency)}</Amt><CdtDbtInd>{_side(net)}</CdtDbtInd></TtlNetNtry>"
        "</TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{len(credits)}</NbOfNtries><Sum>{amount_text(sum(credits), currency)}</Sum>"
        f"</TtlCdtNtries><TtlDbtNtries><NbOfNtries>{len(debits)}</NbOfNtries>"
        f"<Sum>{amount_text(sum(debits), currency)}</Sum></TtlDbtNtries></TxsSummry>"
        f"{entries}</Stmt></BkToCstmrStmt></Document>\n"
    )
    return text.encode()
