"""Sweeping the receipts of an S/4HANA client: customer items of receipts (document type DZ) from the open items cube.

Wire facts: SAP Business Accelerator Hub, API_OPLACCTGDOCITEMCUBE_SRV. The items of one document add up to its amount,
however they were cleared.
"""

from collections.abc import Mapping, Sequence

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.s4hana import S4HanaErp
from o2c_twin.integration.connectors.s4hana_ledger import _CUBE, _KEYS, company_clause
from o2c_twin.integration.connectors.s4hana_wire import day_literal, fitted, instant
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.money_ports import MoneyKind, Posting

_SAMPLE = 20
_FIELDS = (
    "FiscalYear,AccountingDocument,AccountingDocumentItem,PostingDate,AmountInTransactionCurrency,Customer,"
    "DocumentReferenceID,AccountingDocumentHeaderText"
)
_TEXT, _BLANK = Field("text"), Field("text", needed=False)

SHAPES: Mapping[MoneyKind, Shape] = {
    "posting": Shape(
        "A_OperationalAcctgDocItemCube",
        {
            "__metadata": Field("record", optional=True, needed=False),
            "FiscalYear": _TEXT,
            "AccountingDocument": _TEXT,
            "AccountingDocumentItem": _TEXT,
            "PostingDate": _TEXT,
            "AmountInTransactionCurrency": Field("number"),
            "Customer": _BLANK,
            "DocumentReferenceID": _BLANK,
            "AccountingDocumentHeaderText": _BLANK,
        },
    )
}


class S4HanaPostings:
    """The customer payments of a company code, in the session of its connector."""

    def __init__(self, erp: S4HanaErp) -> None:
        self.system = erp.system
        self.shapes = SHAPES
        self._erp = erp
        self._last: Sequence[Mapping[str, object]] = ()

    def mark_of(self, key: str) -> str:
        """The header text."""
        return fitted(key, 25)

    async def postings(self, since: int) -> list[Posting]:
        """Receipts posted since the day of an instant."""
        session, operation = self._erp._session, "list posting"
        condition = (
            f"{company_clause(self._erp._at, self._erp.maps)}FinancialAccountType eq 'D'"
            f" and AccountingDocumentType eq 'DZ' and PostingDate ge {day_literal(max(0, since))}"
        )
        query = {"$filter": condition, "$select": _FIELDS, "$orderby": _KEYS}
        rows = await session.rows(operation, _CUBE, query, "sweep")
        self._last = rows[:_SAMPLE]
        found: dict[str, Posting] = {}
        with session.wire.reading(operation):
            for row in rows:
                id_ = f"{row['FiscalYear']}/{row['AccountingDocument']}"
                amount = -to_minor(row["AmountInTransactionCurrency"], self._erp._currency)
                if id_ in found:
                    amount += found[id_].amount_minor
                text, reference = row["AccountingDocumentHeaderText"], row["DocumentReferenceID"]
                found[id_] = Posting(id_, text, reference, amount, instant(row["PostingDate"]), row["Customer"])
        return list(found.values())

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last
