"""Sweeping the receipts of a Business Central company: what payments put on the account its journal balances on.

Wire facts: Microsoft Learn, "generalLedgerEntry resource type". API v2.0 shows no customer ledger entries, so a receipt
is known by its document number alone; what was posted under one number is one posting of the whole.

Limit: what a clerk posts under a number of their own shows neither the bank's reference nor the customer. It is known
by its amount alone, so that a person is asked and nothing is posted twice. The external document number is told by
``customerLedgerEntries`` of the finance reports API alone, a beta whose removal is announced (2027 release wave 1).
"""

from collections.abc import Mapping, Sequence

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import code_of
from o2c_twin.integration.connectors.instants import from_iso, to_date
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.money_ports import MoneyKind, Posting
from o2c_twin.integration.runtime.errors import CallFailed

_SAMPLE = 20
_FIELDS = "id,documentNumber,debitAmount,creditAmount,lastModifiedDateTime"

SHAPES: Mapping[MoneyKind, Shape] = {
    "posting": Shape(
        "generalLedgerEntry",
        {
            "@odata.etag": Field("text", optional=True, needed=False),
            "id": Field("text"),
            "documentNumber": Field("text"),
            "debitAmount": Field("number"),
            "creditAmount": Field("number"),
            "lastModifiedDateTime": Field("instant"),
        },
    )
}


class BusinessCentralPostings:
    """The customer payments of a company, signed in as its connector is."""

    def __init__(self, erp: BusinessCentralErp) -> None:
        self.system = erp.system
        self.shapes = SHAPES
        self._erp = erp
        self._account: str | None = None
        self._last: Sequence[Mapping[str, object]] = ()

    def mark_of(self, key: str) -> str:
        """The document number."""
        return code_of(key)

    async def postings(self, since: int) -> list[Posting]:
        """Receipts posted since the day of an instant, by document number."""
        erp, account = self._erp, await self._balancing()
        condition = f"postingDate ge {to_date(max(0, since))} and documentType eq 'Payment'"
        query = {"$filter": f"{condition} and accountNumber eq '{account}'", "$select": _FIELDS}
        rows = await erp._client.rows("list posting", "generalLedgerEntries", query, "sweep")
        self._last = rows[:_SAMPLE]
        found: dict[str, Posting] = {}
        with erp._reading("list posting"):
            for row in rows:
                document, at = row["documentNumber"], from_iso(row["lastModifiedDateTime"])
                amount = to_minor(row["debitAmount"], erp._currency) - to_minor(row["creditAmount"], erp._currency)
                known = found.get(document)
                if known is not None:
                    amount, at = known.amount_minor + amount, max(known.at, at)
                found[document] = Posting(document, document, "", amount, at)
        return list(found.values())

    async def _balancing(self) -> str:
        """The number of the account receipts are balanced on."""
        if self._account is None:
            code = self._erp._journal_code
            query = {"$filter": f"code eq '{code}'", "$select": "balancingAccountNumber"}
            rows = await self._erp._client.rows("list posting", "customerPaymentJournals", query, "sweep")
            if not rows:
                detail = f"no payment journal {code}; make it, or name another"
                raise CallFailed(self.system, "list posting", "rejected", detail)
            with self._erp._reading("list posting"):
                self._account = str(rows[0]["balancingAccountNumber"])
        return self._account

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last
