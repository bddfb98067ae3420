"""Credit memos of a NetSuite account: of all that is left of an invoice, of a write-off, of an early payment discount.

Wire facts: SuiteTalk REST Web Services, "Transforming Records"; a transform cannot be upserted, so what an earlier try
made is found by the external id it carries. What is neither goods nor revenue is a line of an other charge item, whose
account says what it is. A customer payment has a field for a discount taken too (``apply.disc``, posted to the account
of the accounting preferences), but it is a part of the payment: here the payment is sent as it came in and stays so,
and what was granted is a document of its own with a key of its own.
"""

from typing import Any

from o2c_twin.integration.connectors.amounts import to_decimal
from o2c_twin.integration.connectors.netsuite_client import RECORD, NetSuiteClient, external_id
from o2c_twin.integration.runtime.errors import CallFailed


class Credits:
    """The credit memos made in one account."""

    def __init__(self, client: NetSuiteClient) -> None:
        self._client = client
        self._items: dict[str, str] = {}

    async def charge(
        self, operation: str, item: str, invoice: str, minor: int, currency: str, memo: str, key: str | None, by: str
    ) -> str:
        """Credit an amount of an invoice with a line of the charge item named ``item``; ``by`` is the correlation."""
        row = {"item": {"id": await self._item_id(operation, item)}, "quantity": 1, "rate": to_decimal(minor, currency)}
        body = {"memo": memo, "item": {"items": [row]}}
        return await self._made(operation, invoice, {"replace": "item"}, body, key, by)

    async def rest(self, operation: str, invoice: str, key: str | None, by: str) -> str:
        """Credit all that is left of an invoice."""
        return await self._made(operation, invoice, None, {}, key, by)

    async def _made(
        self, operation: str, invoice: str, query: dict[str, str] | None, body: dict[str, Any], key: str | None, by: str
    ) -> str:
        if key is not None:
            body = {**body, "externalId": external_id(key)}
        path = f"{RECORD}/invoice/{invoice}/!transform/creditMemo"
        try:
            return self._client.id_of(operation, await self._client.call(operation, "POST", path, query, body, by))
        except CallFailed as failure:
            made = None if key is None or failure.cause != "rejected" else await self.by_key(operation, key)
            if made is None:
                raise
            return made

    async def by_key(self, operation: str, key: str) -> str | None:
        """The credit memo with that key."""
        query = f"SELECT id FROM transaction WHERE type = 'CustCred' AND externalid = '{external_id(key)}'"
        rows = await self._client.select(operation, query)
        return str(rows[0]["id"]) if rows else None

    async def _item_id(self, operation: str, named: str) -> str:
        if named not in self._items:
            name = named.replace("'", "''")
            rows = await self._client.select(operation, f"SELECT id FROM item WHERE itemid = '{name}'")
            if not rows:
                detail = f"no item {named}; make an other charge item on the account, or name another"
                raise CallFailed(self._client.system, operation, "rejected", detail)
            self._items[named] = str(rows[0]["id"])
        return self._items[named]
