"""Reads ISO 20022 camt.054 notifications (versions .02 to .08) into canonical bank entries, batches split.

Source: ISO 20022 message definitions camt.054.001.02 and .08. Sums and counts a notification states must hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from o2c_twin.integration.connectors.bank_files_statement import FileStatement, MalformedFile, Place, text_of
from o2c_twin.integration.model import BankEntry

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.054."
_NO_REFERENCE = "NOTPROVIDED"
_AGAIN = "the file was cut off or changed: fetch it again, or ask the bank for it"


@dataclass(slots=True)
class _Node:
    """One element, its local name and where it stands."""

    name: str
    place: Place
    attributes: dict[str, str]
    text: str = ""
    children: list["_Node"] = field(default_factory=list)

    def all(self, path: str) -> Iterator["_Node"]:
        head, _, rest = path.partition("/")
        for child in self.children:
            if child.name == head:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def value(self, *paths: str) -> str:
        """The text at the first of some paths that has any."""
        for path in paths:
            for found in self.all(path):
                if found.text.strip():
                    return found.text.strip()
        return ""

    def need(self, path: str) -> "_Node":
        for found in self.all(path):
            return found
        self.place.refuse(f"{self.name} has no {path}", _AGAIN)


def read_statements(document: bytes, file: str = "notification") -> list[FileStatement]:
    """All notifications of a file: booked entries, debits negative, no balances. Raises `MalformedFile`."""
    root = _tree(document, file)
    message = root.need("BkToCstmrDbtCdtNtfctn")
    return [_notification(each) for each in message.all("Ntfctn")]


def _tree(document: bytes, file: str) -> _Node:
    text_of(document, file)  # refuses what is empty or binary
    stack: list[_Node] = []
    roots: list[_Node] = []
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition("}")
        place = Place(file, parser.CurrentLineNumber)
        if not stack and (local != "Document" or not space.startswith(_NAMESPACE)):
            place.refuse(f"not a camt.054 document: its root is {name[:60]!r}", "check the format of the file")
        node = _Node(local, place, attributes)
        (stack[-1].children if stack else roots).append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].text += text

    def doctype(*declared: object) -> None:
        Place(file, parser.CurrentLineNumber).refuse("a document type is declared", "no bank sends one: refuse it")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError) as bad:
        if isinstance(bad, MalformedFile):
            raise
        line = bad.lineno if isinstance(bad, expat.ExpatError) else 1
        raise MalformedFile(file, line, f"not well-formed XML: {bad}", _AGAIN) from bad
    return roots[0]


def _amount(node: _Node, *paths: str) -> tuple[int, str]:
    """Minor units and currency at the first path there is. Raises `MalformedFile`."""
    for path in paths:
        for found in node.all(path):
            currency = found.attributes.get("Ccy", "")
            minor = found.place.amount(found.text.strip(), currency)
            if minor < 0 or not currency:
                found.place.refuse("an amount with a sign or without a currency", "ask the bank for the file again")
            return minor, currency
    node.place.refuse(f"{node.name} has no {paths[0]}", _AGAIN)


def _notification(found: _Node) -> FileStatement:
    id_ = found.need("Id").text.strip()
    entries: list[BankEntry] = []
    booked: list[tuple[int, str]] = []
    currency = found.value("Acct/Ccy")
    for place, entry in enumerate(found.all("Ntry"), 1):
        minor, currency = _amount(entry, "Amt")
        side = entry.value("CdtDbtInd")
        if side not in ("CRDT", "DBIT"):
            entry.place.refuse(f"CdtDbtInd {side!r} says neither credit nor debit", _AGAIN)
        booked.append((minor, side))
        if entry.value("Sts/Cd", "Sts") == "BOOK":
            own = f"{id_}/{entry.value('NtryRef') or place}"
            entries += _entries(entry, entry.value("AcctSvcrRef") or own, minor, currency, side == "CRDT")
    _check_totals(found, booked, currency)
    account = found.value("Acct/Id/IBAN", "Acct/Id/Othr/Id")
    day = found.value("FrToDt/ToDtTm", "CreDtTm")[:10]
    return FileStatement(id_, account, currency, day, None, None, tuple(entries))


def _check_totals(found: _Node, booked: list[tuple[int, str]], currency: str) -> None:
    for path, side in (("TxsSummry/TtlCdtNtries", "CRDT"), ("TxsSummry/TtlDbtNtries", "DBIT")):
        for told in found.all(path):
            amounts = [minor for minor, of in booked if of == side]
            count, total = told.value("NbOfNtries"), told.value("Sum")
            if count and count != str(len(amounts)):
                told.place.refuse(f"{count} entries told, {len(amounts)} found", _AGAIN)
            if total and told.place.amount(total, currency) != sum(amounts):
                told.place.refuse(f"the entries do not make the sum {total}", _AGAIN)


def _entries(entry: _Node, reference: str, total: int, currency: str, credit: bool) -> Iterator[BankEntry]:
    details = list(entry.all("NtryDtls/TxDtls"))
    _check_batch(entry, details, total)
    sign = 1 if credit else -1
    day = entry.value("ValDt/Dt", "ValDt/DtTm", "BookgDt/Dt", "BookgDt/DtTm")[:10]
    value_on = entry.place.iso_date(day)
    if len(details) < 2:
        yield _entry(reference, sign * total, currency, value_on, details, credit)
        return
    parts = [_amount(each, "Amt", "AmtDtls/TxAmt/Amt") for each in details]
    if sum(minor for minor, _ in parts) != total or any(unit != currency for _, unit in parts):
        entry.place.refuse("the payments of the batch do not make its sum", _AGAIN)
    for number, (each, (minor, _)) in enumerate(zip(details, parts, strict=True), 1):
        # Booked one by one elsewhere, a payment of the batch has this reference there too.
        own = each.value("Refs/AcctSvcrRef") or f"{reference}/{number}"
        yield _entry(own, sign * minor, currency, value_on, [each], credit)


def _check_batch(entry: _Node, details: list[_Node], total: int) -> None:
    for batch in entry.all("NtryDtls/Btch"):
        count = batch.value("NbOfTxs")
        if details and count and count != str(len(details)):
            batch.place.refuse(f"a batch of {count} payments, {len(details)} found", _AGAIN)
        if any(True for _ in batch.all("TtlAmt")) and _amount(batch, "TtlAmt")[0] != total:
            batch.place.refuse("the batch's sum is not the entry's amount", _AGAIN)


def _entry(reference: str, minor: int, currency: str, value_on: str, details: list[_Node], credit: bool) -> BankEntry:
    role = "Dbtr" if credit else "Cdtr"
    told = details[0] if details else _Node("TxDtls", Place("", 0), {})
    end_to_end = told.value("Refs/EndToEndId")
    paths = ("RmtInf/Ustrd", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Strd/CdtrRefInf/Ref")
    texts = [found.text for path in paths for found in told.all(path)]
    return BankEntry(
        reference=reference,
        amount_minor=minor,
        currency=currency,
        value_on=value_on,
        end_to_end_id=None if end_to_end in ("", _NO_REFERENCE) else end_to_end,
        remittance=" ".join(filter(None, texts)),
        payer=told.value(f"RltdPties/{role}/Pty/Nm", f"RltdPties/{role}/Nm") or None,
        payer_iban=told.value(f"RltdPties/{role}Acct/Id/IBAN") or None,
    )
