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


def element_text(value: str, longest: int = _LONGEST_TEXT) -> str:
    """Text as it may stand in the document: no longer than the schema has it, no control characters, escaped."""
    value = value[:longest]
    if not value.isprintable():
        # XML has no way to write most of these, and banks send blanks for the rest.
        value = "".join([c if c.isprintable() else " " for c in value])
    return escape(value)


def side_of(minor: int) -> str:
    """Credit or debit; nothing is a credit."""
    return "DBIT" if minor < 0 else "CRDT"


def _balance(code: str, minor: int, currency: str, date: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount_text(minor, currency)}</Amt><CdtDbtInd>{side_of(minor)}</CdtDbtInd>'
        f"<Dt><Dt>{date}</Dt></Dt></Bal>"
    )


def _party(entry: Entry, side: str) -> str:
    role = "Dbtr" if side == "CRDT" else "Cdtr"
    name = iban = ""
    if entry.counterparty:
        name = f"<{role}><Pty><Nm>{element_text(entry.counterparty)}</Nm></Pty></{role}>"
    if entry.counterparty_iban:
        iban = f"<{role}Acct><Id><IBAN>{element_text(entry.counterparty_iban, _LONGEST_ID)}</IBAN></Id></{role}Acct>"
    return f"<RltdPties>{name}{iban}</RltdPties>" if name or iban else ""


def transaction_element(entry: Entry, currency: str) -> str:
    """One payment of an entry: ``TxDtls`` with references, amount, the other party and the remittance text."""
    side = side_of(entry.amount_minor)
    end_to_end = element_text(entry.end_to_end_id or "NOTPROVIDED", _LONGEST_ID)
    texts = "".join([f"<Ustrd>{element_text(text)}</Ustrd>" for text in entry.remittance if text])
    remittance = f"<RmtInf>{texts}</RmtInf>" if texts else ""
    return (
        f"<TxDtls><Refs><AcctSvcrRef>{entry.reference}</AcctSvcrRef>"
        f"<EndToEndId>{end_to_end}</EndToEndId></Refs>"
        f'<Amt Ccy="{currency}">{amount_text(entry.amount_minor, currency)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"{_party(entry, side)}{remittance}</TxDtls>"
    )


def entry_element(
    reference: str, minor: int, currency: str, days: tuple[str, str], details: str, subfamily: str = "ESCT"
) -> str:
    """One booking: ``Ntry`` over its details; ``days`` are booking and value date."""
    side = side_of(minor)
    family = "RCDT" if side == "CRDT" else "ICDT"
    return (
        f'<Ntry><NtryRef>{reference}</NtryRef><Amt Ccy="{currency}">{amount_text(minor, currency)}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{days[0]}</Dt></BookgDt><ValDt><Dt>{days[1]}</Dt></ValDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{subfamily}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def account_element(account: BankAccount, bic: str, bank: str) -> str:
    """``Acct``: IBAN, currency, owner and servicer."""
    return (
        f"<Acct><Id><IBAN>{element_text(account.iban, _LONGEST_ID)}</IBAN></Id><Ccy>{account.currency}</Ccy>"
        f"<Ownr><Nm>{element_text(account.owner)}</Nm></Ownr>"
        f"<Svcr><FinInstnId><BICFI>{bic}</BICFI><Nm>{element_text(bank)}</Nm></FinInstnId></Svcr></Acct>"
    )


def period_element(day: str) -> str:
    """``FrToDt`` of one day."""
    return f"<FrToDt><FrDtTm>{day}T00:00:00Z</FrDtTm><ToDtTm>{day}T23:59:59Z</ToDtTm></FrToDt>"


def statement_document(statement: Statement, account: BankAccount, bic: str, bank: str) -> bytes:
    """The statement as a camt.053.001.08 document, UTF-8."""
    currency = account.currency
    created = stamp(statement.created_at)
    credits = [e.amount_minor for e in statement.entries if e.amount_minor > 0]
    debits = [e.amount_minor for e in statement.entries if e.amount_minor < 0]
    net = sum(credits) + sum(debits)
    entries = "".join(
        [
            entry_element(
                e.reference, e.amount_minor, currency, (e.booked_on, e.value_on), transaction_element(e, currency)
            )
            for e in statement.entries
        ]
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{statement.id}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{statement.id}</Id><ElctrncSeqNb>{statement.sequence}</ElctrncSeqNb>"
        f"<LglSeqNb>{statement.sequence}</LglSeqNb><CreDtTm>{created}</CreDtTm>"
        f"{period_element(statement.date)}{account_element(account, bic, bank)}"
        f"{_balance('OPBD', statement.opening_minor, currency, statement.date)}"
        f"{_balance('CLBD', statement.closing_minor, currency, statement.date)}"
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(statement.entries)}</NbOfNtries>"
        f"<TtlNetNtry><Amt>{amount_text(net, currency)}</Amt><CdtDbtInd>{side_of(net)}</CdtDbtInd></TtlNetNtry>"
        "</TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{len(credits)}</NbOfNtries><Sum>{amount_text(sum(credits), currency)}</Sum>"
        f"</TtlCdtNtries><TtlDbtNtries><NbOfNtries>{len(debits)}</NbOfNtries>"
        f"<Sum>{amount_text(sum(debits), currency)}</Sum></TtlDbtNtries></TxsSummry>"
        f"{entries}</Stmt></BkToCstmrStmt></Document>\n"
    )
    return text.encode()
