"""Reads ISO 20022 camt.053 statements (versions .02 to .08) into canonical bank entries.

Source: ISO 20022 message definitions camt.053.001.02 and .08. The versions differ where this reads
in two places: the entry's status (.08 has a choice, ``Sts/Cd``) and the debtor's name (``Dbtr/Pty/Nm``).
"""

from collections.abc import Iterator
from xml.etree import ElementTree

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.model import BankEntry

_NO_REFERENCE = "NOTPROVIDED"


def read_statement(document: bytes) -> list[BankEntry]:
    """The booked credits of a statement file. Raises ValueError when it is not a camt.053 document."""
    root = ElementTree.fromstring(document)
    if "camt.053" not in root.tag:
        raise ValueError(f"not a camt.053 document: root is {root.tag}")
    reader = _Reader(root.tag[: root.tag.index("}") + 1])
    return [entry for statement in root.iter(f"{reader.ns}Stmt") for entry in reader.credits(statement)]


class _Reader:
    """Reads one version's elements: ``ns`` is its namespace in braces."""

    def __init__(self, ns: str) -> None:
        self.ns = ns
        self._steps: dict[str, tuple[str, ...]] = {}

    def _path(self, path: str) -> str:
        return "/".join(f"{self.ns}{name}" for name in path.split("/"))

    def _at(self, element: ElementTree.Element, path: str) -> ElementTree.Element | None:
        """The element at a path on which nothing may occur twice: step by step, a third of the cost of a query."""
        steps = self._steps.get(path)
        if steps is None:
            steps = self._steps[path] = tuple(f"{self.ns}{name}" for name in path.split("/"))
        found: ElementTree.Element | None = element
        for step in steps:
            if found is None:
                return None
            found = found.find(step)
        return found

    def _text(self, element: ElementTree.Element, *paths: str) -> str:
        """The text at the first of some paths that has any."""
        for path in paths:
            found = self._at(element, path)
            text = "" if found is None else (found.text or "").strip()
            if text:
                return text
        return ""

    def credits(self, statement: ElementTree.Element) -> Iterator[BankEntry]:
        """The booked credits of one ``Stmt``."""
        of_statement = self._text(statement, "Id")
        for place, entry in enumerate(statement.iterfind(self._path("Ntry")), 1):
            if self._text(entry, "CdtDbtInd") == "CRDT" and self._text(entry, "Sts/Cd", "Sts") == "BOOK":
                # Only the servicer's reference names an entry among all; NtryRef, where there is one,
                # within its statement.
                own = f"{of_statement}/{self._text(entry, 'NtryRef') or place}"
                yield from self._entries(entry, self._text(entry, "AcctSvcrRef") or own)

    def _entries(self, entry: ElementTree.Element, reference: str) -> Iterator[BankEntry]:
        total, currency = self._amount(entry, "Amt")
        details = entry.findall(self._path("NtryDtls/TxDtls"))
        parts = [self._amount(each, "Amt", "AmtDtls/TxAmt/Amt") for each in details]
        value_on = self._text(entry, "ValDt/Dt", "ValDt/DtTm", "BookgDt/Dt", "BookgDt/DtTm")[:10]
        if len(details) > 1 and sum(part for part, _ in parts) == total and {c for _, c in parts} == {currency}:
            # A batch: one booking, many payers. Each is a receipt of its own.
            for n, (each, (part, _)) in enumerate(zip(details, parts, strict=True), 1):
                yield self._entry(f"{reference}/{n}", part, currency, value_on, [each])
        else:
            yield self._entry(reference, total, currency, value_on, details)

    def _entry(
        self, reference: str, amount: int, currency: str, value_on: str, details: list[ElementTree.Element]
    ) -> BankEntry:
        """One receipt; what several details of it do not agree about is not known."""

        def agreed(*paths: str) -> str | None:
            found = list(dict.fromkeys(self._text(each, *paths) for each in details))
            return found[0] or None if len(found) == 1 else None

        end_to_end = agreed("Refs/EndToEndId")
        return BankEntry(
            reference=reference,
            amount_minor=amount,
            currency=currency,
            value_on=value_on,
            end_to_end_id=None if end_to_end == _NO_REFERENCE else end_to_end,
            remittance=" ".join(text for each in details for text in self._remittance(each)),
            payer=agreed("RltdPties/Dbtr/Pty/Nm", "RltdPties/Dbtr/Nm"),
            payer_iban=agreed("RltdPties/DbtrAcct/Id/IBAN"),
        )

    def _remittance(self, details: ElementTree.Element) -> Iterator[str]:
        for path in ("Ustrd", "Strd/RfrdDocInf/Nb", "Strd/CdtrRefInf/Ref"):
            for found in details.iterfind(self._path(f"RmtInf/{path}")):
                if found.text:
                    yield found.text

    def _amount(self, element: ElementTree.Element, *paths: str) -> tuple[int, str]:
        """Minor units and currency. Raises ValueError for an entry that has none; details may have none: (0, "")."""
        for path in paths:
            found = self._at(element, path)
            if found is not None and found.text:
                currency = found.get("Ccy", "")
                return to_minor(found.text.strip(), currency), currency
        if element.tag == f"{self.ns}Ntry":
            raise ValueError("entry without an amount")
        return 0, ""
