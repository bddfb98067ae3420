"""Writes camt.054.001.08: the credits of one closed day of an account, booked one by one or as batches.

A notification has no balances; it tells what came in, so that receivables can be settled without the statement.
Source: ISO 20022 message definition camt.054.001.08; paths as in the project's bank facts page.
"""

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, Statement
from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import (
    account_element,
    amount_text,
    entry_element,
    period_element,
    stamp,
    transaction_element,
)

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"


def notification_id(statement: Statement) -> str:
    """The id of the notification of a day."""
    return f"N-{statement.id}"


def _single(entry: Entry, currency: str) -> str:
    days = (entry.booked_on, entry.value_on)
    return entry_element(entry.reference, entry.amount_minor, currency, days, transaction_element(entry, currency))


def _batches(credits: list[Entry], currency: str, id_: str) -> list[str]:
    """One booking a booking and value date: its batch, and under it each payment with its own reference."""
    days: dict[tuple[str, str], list[Entry]] = {}
    for entry in credits:
        days.setdefault((entry.booked_on, entry.value_on), []).append(entry)
    booked = []
    for number, (day, entries) in enumerate(days.items(), 1):
        if len(entries) == 1:
            booked.append(_single(entries[0], currency))
            continue
        total = sum(e.amount_minor for e in entries)
        reference = f"{id_[-30:]}-{number}"
        batch = (
            f"<Btch><PmtInfId>{reference}</PmtInfId><NbOfTxs>{len(entries)}</NbOfTxs>"
            f'<TtlAmt Ccy="{currency}">{amount_text(total, currency)}</TtlAmt><CdtDbtInd>CRDT</CdtDbtInd></Btch>'
        )
        details = "".join([transaction_element(e, currency) for e in entries])
        booked.append(entry_element(reference, total, currency, day, batch + details, "ATXN"))
    return booked


def notification_document(statement: Statement, account: BankAccount, bic: str, bank: str, batch: bool) -> bytes:
    """The credits of the day as a camt.054.001.08 document, UTF-8; with ``batch`` one booking a value date."""
    currency, id_ = account.currency, notification_id(statement)
    created = stamp(statement.created_at)
    credits = [e for e in statement.entries if e.amount_minor > 0]
    booked = _batches(credits, currency, id_) if batch else [_single(e, currency) for e in credits]
    total = amount_text(sum(e.amount_minor for e in credits), currency)
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrDbtCdtNtfctn>'
        f"<GrpHdr><MsgId>{id_}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>"
        f"<Ntfctn><Id>{id_}</Id><ElctrncSeqNb>{statement.sequence}</ElctrncSeqNb><CreDtTm>{created}</CreDtTm>"
        f"{period_element(statement.date)}{account_element(account, bic, bank)}"
        f"<TxsSummry><TtlCdtNtries><NbOfNtries>{len(booked)}</NbOfNtries><Sum>{total}</Sum></TtlCdtNtries></TxsSummry>"
        f"{''.join(booked)}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>\n"
    )
    return text.encode()
