"""Sweeping the receipts of a NetSuite account: customer payments by SuiteQL, 1,000 rows a call.

Wire facts: SuiteTalk REST Web Services documentation, "Executing SuiteQL Queries"; the transaction type CustPymt.
"""

from collections.abc import Mapping, Sequence

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.netsuite_client import STAMP, external_id
from o2c_twin.integration.connectors.netsuite_currencies import COLUMN
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.money_ports import MoneyKind, Posting

_SAMPLE = 20
_CREATED = f"TO_CHAR(createddate,'{STAMP}') AS created"
_MAYBE = Field("text", optional=True)

SHAPES: Mapping[MoneyKind, Shape] = {
    "posting": Shape(
        "transaction (CustPymt)",
        {
            "links": Field("list", optional=True, needed=False),
            "id": Field("number"),
            "externalid": _MAYBE,
            "otherrefnum": _MAYBE,
            "entity": Field("number", needed=False),
            "foreigntotal": Field("number"),
            "created": Field("instant"),
            COLUMN: Field("number", optional=True, needed=False),
        },
    )
}


class NetSuitePostings:
    """The customer payments of an account, signed as its connector signs."""

    def __init__(self, erp: NetSuiteErp) -> None:
        self.system = erp.system
        self.shapes = SHAPES
        self._erp = erp
        self._last: Sequence[Mapping[str, object]] = ()

    def mark_of(self, key: str) -> str:
        """The external id."""
        return external_id(key)

    async def postings(self, since: int) -> list[Posting]:
        """Customer payments entered since an instant, which the vendor knows to the second."""
        erp, operation = self._erp, "list posting"
        await erp.learn_currencies()
        stamp = to_iso(max(0, since), "seconds")[:-1].replace("T", " ")
        q = erp.currencies.with_column(
            f"SELECT id, externalid, otherrefnum, entity, foreigntotal, {_CREATED} FROM transaction"
            f" WHERE type = 'CustPymt' AND createddate >= TO_DATE('{stamp}','{STAMP}') ORDER BY id"
        )
        rows = await erp._client.select(operation, q, "sweep")
        self._last = rows[:_SAMPLE]
        with erp._wire.reading(operation):
            return [
                Posting(
                    str(row["id"]),
                    row.get("externalid") or "",
                    row.get("otherrefnum") or "",
                    abs(to_minor(row["foreigntotal"], erp._currency)),
                    from_iso(row["created"]),
                    str(row["entity"]),
                    erp.currencies.code(row),
                )
                for row in rows
            ]

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last
