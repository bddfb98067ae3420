"""The `netsuite` package from PyPI, unmodified but for the address, against the mock on a socket."""

import asyncio
import json
from typing import Any

import pytest
from netsuite.exceptions import NetsuiteAPIRequestError
from tests.mock_systems.vendors.netsuite.live_account import Live, id_of, live

from o2c_twin.mock_systems.wire.faults import Latency

# What the client calls in httpx and oauthlib is on its way out there; that is the client's to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:use sign_hmac_sha256_with_client:DeprecationWarning"),
]


def test_order_to_cash_through_the_client() -> None:
    async def story(at: Live) -> None:
        client, item = at.client(), at.dialect.core.add_item("WIDGET", "Widget", 2500, 1000, "USD", 10)
        new = {"companyName": "Acme", "externalId": "CRM-7", "creditLimit": 1000}
        assert await client.post("/record/v1/customer", json=new) is None
        customer = await id_of(client, "customer", "CRM-7")
        await client.put("/record/v1/customer/eid:CRM-8", json={"companyName": "Upserted"})
        await client.patch(f"/record/v1/customer/{customer}", json={"email": "ap@acme.example"})
        assert (await client.get(f"/record/v1/customer/{customer}"))["email"] == "ap@acme.example"

        lines = {"items": [{"item": {"id": item.id}, "quantity": 2, "rate": 25.5}]}
        await client.post(
            "/record/v1/salesOrder", json={"externalId": "WEB-1", "entity": {"id": customer}, "item": lines}
        )
        order = await id_of(client, "salesOrder", "WEB-1")
        shown = await client.get(f"/record/v1/salesOrder/{order}", params={"expandSubResources": "true"})
        assert shown["item"]["items"][0]["amount"] == 51.0

        await client.post(f"/record/v1/salesOrder/{order}/!transform/itemFulfillment", json={"externalId": "IF-1"})
        await client.post(f"/record/v1/salesOrder/{order}/!transform/invoice", json={"externalId": "INV-1"})
        invoice = await id_of(client, "invoice", "INV-1")
        apply = {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 51.0}]}
        payment = {"customer": {"id": customer}, "payment": 51.0, "externalId": "BANK-1", "apply": apply}
        await client.post("/record/v1/customerPayment", json=payment)
        assert (await client.get(f"/record/v1/invoice/{invoice}"))["amountRemaining"] == 0.0
        await client.post(f"/record/v1/invoice/{invoice}/!transform/creditMemo", json={"externalId": "CM-1"})
        assert (await client.get("/record/v1/creditMemo/eid:CM-1"))["unapplied"] == 51.0

        found = await client.get("/record/v1/customer", params={"q": 'companyName IS "Upserted"', "limit": 5})
        assert found["count"] == 1
        await client.delete("/record/v1/customer/eid:CRM-8")
        with pytest.raises(NetsuiteAPIRequestError) as refused:
            await client.get("/record/v1/customer/eid:CRM-8")
        assert refused.value.status_code == 404

    live(story)


def test_suiteql_pages_through_the_client() -> None:
    async def story(at: Live) -> None:
        client, core = at.client(), at.dialect.core
        item = core.add_item("WIDGET", "Widget", 2500, 1000, "USD", 100)
        customer = core.add_customer("Acme & Söhne", "USD")
        orders = [core.enter_order(customer.id, [(item.id, 1, 100)]).id for _ in range(25)]
        query = "SELECT id, BUILTIN.DF(entity) AS name FROM transaction WHERE type = 'SalesOrd' ORDER BY id"
        rows: list[dict[str, Any]] = []
        while True:
            page = await client.suiteql(query, limit=10, offset=len(rows))
            rows += page["items"]
            if not page["hasMore"]:
                break
        assert [row["id"] for row in rows] == orders
        assert {row["name"] for row in rows} == {"Acme & Söhne"}

    live(story)


def test_errors_reach_the_client_with_status_and_body() -> None:
    async def story(at: Live) -> None:
        client = at.client()
        cases = (
            (client.post("/record/v1/customer", json={"companyName": "A", "colour": "red"}), 400, "INVALID_CONTENT"),
            (client.post("/record/v1/customer", json={}), 400, "USER_ERROR"),
            (client.suiteql("SELECT horn FROM transaction"), 400, "INVALID_PARAMETER"),
            (client.patch("/record/v1/salesOrder/1", json={}), 404, "NONEXISTENT_ID"),
            (client.put("/record/v1/metadata-catalog", json={}), 405, "METHOD_NOT_ALLOWED"),
            (at.client(token_secret="wrong").get("/record/v1/customer"), 401, "INVALID_LOGIN"),
            (at.client(consumer_key="unknown").post("/record/v1/customer", json={}), 401, "INVALID_LOGIN"),
        )
        for call, status, code in cases:
            with pytest.raises(NetsuiteAPIRequestError) as refused:
                await call
            assert refused.value.status_code == status
            assert json.loads(refused.value.response_text)["o:errorDetails"][0]["o:errorCode"] == code

    live(story)


def test_too_many_calls_at_once_are_blocked_and_the_rest_pass() -> None:
    async def story(at: Live) -> None:
        client = at.client()
        at.server.faults.add(Latency(median_s=5.0))
        calls = [asyncio.create_task(client.get("/record/v1/customer")) for _ in range(12)]
        while sum(entry.throttled for entry in at.server.journal.entries) < 7:
            await asyncio.sleep(0.01)
        at.served.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        blocked = [answer for answer in answers if isinstance(answer, NetsuiteAPIRequestError)]
        assert (len(blocked), sum(isinstance(answer, dict) for answer in answers)) == (7, 5)
        assert {answer.status_code for answer in blocked} == {429}
        assert all("CONCURRENCY_LIMIT_EXCEEDED" in answer.response_text for answer in blocked)
        at.server.faults.clear()
        assert (await client.get("/record/v1/customer"))["count"] == 0

    live(story)


def test_metadata_through_the_client() -> None:
    async def story(at: Live) -> None:
        client = at.client()
        assert "otherRefNum" in (await client.jsonschema("salesOrder"))["properties"]
        document = await client.openapi(["customer", "invoice"])
        assert document["openapi"].startswith("3.")
        assert set(document["components"]["schemas"]) == {"customer", "invoice"}
        limits = await client.get("/system/v1/governanceLimits")
        assert limits["accountConcurrencyLimit"] == 5

    live(story)


def test_external_ids_with_awkward_characters_survive_the_way() -> None:
    async def story(at: Live) -> None:
        client = at.client()
        for key in ("A B", "A:B", "A%20B", "Größe", "A+B", "a(b)'c"):
            quoted = key.replace("%", "%25").replace(" ", "%20")
            await client.put(f"/record/v1/customer/eid:{quoted}", json={"companyName": key})
            assert (await client.get(f"/record/v1/customer/eid:{quoted}"))["externalId"] == key

    live(story)
