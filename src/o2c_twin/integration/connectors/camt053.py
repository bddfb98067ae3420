"""Reads ISO 20022 camt.053 statements (versions .02 to .08) into canonical bank entries."""

from xml.etree import ElementTree

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.model import BankEntry


def read_statement(document: bytes) -> list[BankEntry]:
    """The booked credits of a statement file. Raises ValueError when it is not a camt.053 document."""
    root = ElementTree.fromstring(document)
    if "camt.053" not in root.tag:
        raise ValueError(f"not a camt.053 document: root is {root.tag}")
    ns = root.tag[: root.tag.index("}") + 1]
    entries = []
    for entry in root.iter(f"{ns}Ntry"):
        if entry.findtext(f"{ns}CdtDbtInd") != "CRDT":
            continue
        status = entry.findtext(f"{ns}Sts/{ns}Cd") or entry.findtext(f"{ns}Sts")
        if status != "BOOK":
            continue
        amount = entry.find(f"{ns}Amt")
        if amount is None or amount.text is None:
            raise ValueError("entry without an amount")
        currency = amount.get("Ccy", "")
        details = entry.find(f"{ns}NtryDtls/{ns}TxDtls")
        end_to_end = payer = iban = None
        texts: list[str] = []
        if details is not None:
            end_to_end = details.findtext(f"{ns}Refs/{ns}EndToEndId")
            debtor = f"{ns}RltdPties/{ns}Dbtr/"
            payer = details.findtext(f"{debtor}{ns}Pty/{ns}Nm") or details.findtext(f"{debtor}{ns}Nm")
            iban = details.findtext(f"{ns}RltdPties/{ns}DbtrAcct/{ns}Id/{ns}IBAN")
            texts = [t.text or "" for t in details.iterfind(f"{ns}RmtInf/{ns}Ustrd")]
        entries.append(
            BankEntry(
                reference=entry.findtext(f"{ns}AcctSvcrRef") or entry.findtext(f"{ns}NtryRef") or "",
                amount_minor=to_minor(amount.text, currency),
                currency=currency,
                value_on=entry.findtext(f"{ns}ValDt/{ns}Dt") or "",
                end_to_end_id=None if end_to_end in (None, "NOTPROVIDED") else end_to_end,
                remittance=" ".join(texts),
                payer=payer,
                payer_iban=iban,
            )
        )
    return entries
