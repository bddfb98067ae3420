"""Customers in a Business Central company, with their payment terms.

The number is the key of the customer table, so a customer is known again by it. Terms are records of their own, which
customers name by id.
"""

from typing import Any

from o2c_twin.integration.connectors.books import check_currency
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient, code_of, literal
from o2c_twin.integration.connectors.business_central_maps import NO_ID, BusinessCentralMaps
from o2c_twin.integration.mappings import CompiledMap
from o2c_twin.integration.mappings.documents import CustomerMaster, PartyChange
from o2c_twin.integration.model import Party
from o2c_twin.integration.runtime.errors import CallFailed


class Customers:
    """The customers of one company. ``currency`` is that of the books, which credit limits are in."""

    def __init__(self, client: BusinessCentralClient, currency: str, maps: BusinessCentralMaps) -> None:
        self._client = client
        self._system = client.system
        self._reading = client.wire.reading
        self._currency = currency
        self._maps = maps
        self._given = maps.given(currency)
        self._terms: dict[str, str] = {}
        """Ids of payment terms by their date formula."""
        self._formulas: dict[str, str] = {}
        """Date formulas by the ids of payment terms."""

    async def _body(self, operation: str, party: Party) -> dict[str, Any]:
        customer, given = self._maps.party_to_customer, {**self._given, "terms": await self._term(party)}
        body: dict[str, Any] = self._client.wire.body(operation, customer, party, given)
        self._check_limit(operation, body, customer, party, given)
        return body

    async def _term(self, party: Party) -> str:
        """The id of the payment terms a customer is to have, made when there are none."""
        body = self._client.wire.body("terms", self._maps.party_to_payment_terms, party, self._given)
        wanted: str = body["dueDateCalculation"]
        if wanted not in self._terms:
            await self._read_terms()
        if wanted not in self._terms:
            answer = await self._client.call("terms", "POST", "paymentTerms", None, body)
            self._terms[wanted] = self._client.id_of("terms", self._client.wire.json("terms", answer))
        return self._terms[wanted]

    async def _read_terms(self) -> None:
        for row in await self._client.rows("terms", "paymentTerms", {"$select": "id,dueDateCalculation"}):
            with self._reading("terms"):
                self._terms.setdefault(row["dueDateCalculation"], row["id"])
                self._formulas[row["id"]] = row["dueDateCalculation"]

    async def put(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer; with a key, one that is there already under its number is updated."""
        body = await self._body("put_customer", party)
        number = body.pop("number", None) or (None if key is None else code_of(key))
        if number is not None:
            body["number"] = number
        try:
            answer = await self._client.call("put_customer", "POST", "customers", None, body, correlation)
        except CallFailed as failure:
            if key is None or number is None or "EntityWithSameKeyExists" not in failure.detail:
                raise
            known = await self._with("number", number)
            if known is None:
                raise
            await self.update(known, party, correlation)
            return known
        return self._client.id_of("put_customer", self._client.wire.json("put_customer", answer))

    async def by_number(self, number: str) -> str | None:
        """The customer with that number, where and as the map of customers writes it."""
        field = self._maps.number_field
        if field is None:
            return None
        with self._reading("customer_by_number"):
            held = str(self._maps.number_held(number))
        return await self._with(field, held)

    async def _with(self, field: str, value: str) -> str | None:
        query = {"$filter": f"{field} eq {literal(value)}", "$select": "id"}
        rows = await self._client.rows("customer_by_number", "customers", query)
        return self._client.id_of("customer_by_number", rows[0]) if rows else None

    async def update(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, limit and e-mail, on the record as it was just read; its number is its key and stays."""
        body = await self._body("update_customer", party)
        body.pop("number", None)
        await self._patch("update_customer", erp_id, body, correlation)

    async def _patch(self, operation: str, erp_id: str, body: dict[str, Any], correlation: str) -> None:
        path = f"customers({erp_id})"
        row = await self._client.get(operation, path, {"$select": "id"})
        with self._reading(operation):
            etag = row["@odata.etag"]
        await self._client.call(operation, "PATCH", path, None, body, correlation, etag)

    async def read(self, erp_id: str) -> CustomerMaster:
        """The customer as it stands, with the days of its payment terms."""
        row = await self._client.get("customer", f"customers({erp_id})")
        with self._reading("customer"):
            terms = row["paymentTermsId"]
        if terms != NO_ID and terms not in self._formulas:
            await self._read_terms()
        with self._reading("customer"):
            told = self._maps.customer_of(row, None if terms == NO_ID else self._formulas[terms])
        master: CustomerMaster = self._client.wire.made(
            "customer", self._maps.customer_to_master.run, told, self._given
        )
        return master

    async def change(self, erp_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given on the record as it was just read, and nothing else."""
        operation, changed = "change_customer", self._maps.change_to_customer
        if change.terms_days is not None:
            await self._term(Party(change.crm_id, change.name or "", terms_days=change.terms_days))
        given = {**self._given, "terms": self._terms}
        body: dict[str, Any] = self._client.wire.body(operation, changed, change, given)
        self._check_limit(operation, body, changed, change, given)
        await self._patch(operation, erp_id, body, correlation)

    def _check_limit(
        self, operation: str, body: dict[str, Any], mapped: CompiledMap, document: Any, given: dict[str, Any]
    ) -> None:
        limit = body.get("creditLimit")
        if limit is None:
            return
        check_currency(self._system, operation, mapped.written_currency(document, given), self._currency)
        if limit == 0:
            # It would be read as no limit at all.
            raise CallFailed(self._system, operation, "rejected", "a credit limit of 0 means none to this system")
