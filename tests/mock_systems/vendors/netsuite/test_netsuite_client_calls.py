"""How many of the client's distinct calls pass: `netsuite` through an order-to-cash session, and beyond it.

The client is generic: a call is its method and what it addresses. `token_info` is not tried: it asks a host of its own,
which the client has written in.
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest
from netsuite.exceptions import NetsuiteAPIRequestError
from tests.mock_systems.vendors.netsuite.live_account import Live, id_of, live

from o2c_twin.mock_systems.wire.faults import Latency

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:use sign_hmac_sha256_with_client:DeprecationWarning"),
]
RECORDS = "/record/v1"
OUTSIDE = {
    "get estimate": "quotes are not modelled",
    "post cashSale": "sales without an invoice are not modelled",
    "post customerDeposit": "deposits are not modelled",
    "post customerRefund": "refunds of credit balances are not modelled",
    "post salesOrder/!transform/returnAuthorization": "returns are not modelled",
    "get subsidiary": "subsidiaries are no records here",
    "get term": "payment terms are no records here",
    "get query/v1/dataset": "saved datasets are not modelled",
}
"""Calls outside the model, which get the vendor's not-found answer, with what is missing."""


class Tally:
    """Counts distinct calls; the same one made again counts once."""

    def __init__(self) -> None:
        self.tried: dict[str, None] = {}
        self.passed: dict[str, None] = {}

    async def __call__(self, name: str, call: Awaitable[Any]) -> Any:
        """The answer of a call that passes."""
        self.tried[name] = None
        answer = await call
        self.passed[name] = None
        return answer

    async def refused(self, name: str, call: Awaitable[Any]) -> tuple[int, dict[str, Any]]:
        """A call that must not pass: status and body."""
        self.tried[name] = None
        with pytest.raises(NetsuiteAPIRequestError) as caught:
            await call
        return caught.value.status_code, json.loads(caught.value.response_text)


async def _masters(do: Tally, client: Any, at: Live) -> tuple[str, str]:
    await do("post inventoryItem", client.post(f"{RECORDS}/inventoryItem", json={"itemId": "W-1", "basePrice": 25}))
    (row,) = (await client.get(f"{RECORDS}/inventoryItem"))["items"]
    item = str((await do("get inventoryItem/{id}", client.get(f"{RECORDS}/inventoryItem/{row['id']}")))["id"])
    at.dialect.core.receive_stock(item, 100)
    new = {"companyName": "Acme", "externalId": "CRM-7", "creditLimit": 10_000}
    await do("post customer", client.post(f"{RECORDS}/customer", json=new))
    customer = await id_of(client, "customer", "CRM-7")
    await do("put customer/eid:", client.put(f"{RECORDS}/customer/eid:CRM-8", json={"companyName": "Upserted"}))
    await do("patch customer/{id}", client.patch(f"{RECORDS}/customer/{customer}", json={"email": "a@acme.example"}))
    shown = await do("get customer/{id}", client.get(f"{RECORDS}/customer/{customer}"))
    assert shown["email"] == "a@acme.example"
    assert (await do("get customer/eid:", client.get(f"{RECORDS}/customer/eid:CRM-8")))["companyName"] == "Upserted"
    found = await do("get customer q", client.get(f"{RECORDS}/customer", params={"q": 'companyName IS "Acme"'}))
    assert found["count"] == 1
    await do("delete customer/eid:", client.delete(f"{RECORDS}/customer/eid:CRM-8"))
    return customer, item


async def _orders(do: Tally, client: Any, customer: str, item: str) -> str:
    lines = {"items": [{"item": {"id": item}, "quantity": 2, "rate": 25.5}]}
    body = {"externalId": "WEB-1", "entity": {"id": customer}, "item": lines}
    await do("post salesOrder", client.post(f"{RECORDS}/salesOrder", json=body))
    order = await id_of(client, "salesOrder", "WEB-1")
    await do("put salesOrder/eid:", client.put(f"{RECORDS}/salesOrder/eid:WEB-2", json=body | {"externalId": "WEB-2"}))
    path = f"{RECORDS}/salesOrder/{order}"
    await do("patch salesOrder/{id}", client.patch(path, json={"otherRefNum": "PO-1"}))
    shown = await do("get salesOrder/{id}", client.get(path, params={"expandSubResources": "true"}))
    assert (shown["otherRefNum"], shown["item"]["items"][0]["amount"]) == ("PO-1", 51.0)
    assert (await do("get salesOrder/{id}/item", client.get(f"{path}/item")))["totalResults"] == 1
    assert (await do("get salesOrder/{id}/item/{line}", client.get(f"{path}/item/1")))["quantity"] == 2
    assert (await do("get salesOrder", client.get(f"{RECORDS}/salesOrder", params={"limit": 1})))["hasMore"] is True
    await do("delete salesOrder/eid:", client.delete(f"{RECORDS}/salesOrder/eid:WEB-2"))
    ship = client.post(f"{path}/!transform/itemFulfillment", json={"externalId": "IF-1"})
    await do("post salesOrder/!transform/itemFulfillment", ship)
    sent = await do("get itemFulfillment/eid:", client.get(f"{RECORDS}/itemFulfillment/eid:IF-1"))
    package = {"package": {"items": [{"packageTrackingNumber": "T-1"}]}}
    await do("patch itemFulfillment/{id}", client.patch(f"{RECORDS}/itemFulfillment/{sent['id']}", json=package))
    parcels = await do(
        "get itemFulfillment/{id}/package", client.get(f"{RECORDS}/itemFulfillment/{sent['id']}/package")
    )
    assert parcels["totalResults"] == 1
    bill = client.post(f"{path}/!transform/invoice", json={"externalId": "INV-1"})
    await do("post salesOrder/!transform/invoice", bill)
    return await id_of(client, "invoice", "INV-1")


async def _cash(do: Tally, client: Any, customer: str, invoice: str) -> None:
    path = f"{RECORDS}/invoice/{invoice}"
    await do("patch invoice/{id}", client.patch(path, json={"otherRefNum": "PO-9"}))
    await do("put invoice/eid:", client.put(f"{RECORDS}/invoice/eid:INV-1", json={"otherRefNum": "PO-1"}))
    assert (await do("get invoice/{id}", client.get(path)))["amountRemaining"] == 51.0
    assert (await do("get invoice/{id}/item", client.get(f"{path}/item")))["totalResults"] == 1
    apply = {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 20.0}]}
    received = {"customer": {"id": customer}, "payment": 20.0, "externalId": "BANK-1", "apply": apply}
    await do("post customerPayment", client.post(f"{RECORDS}/customerPayment", json=received))
    paid = await do("get customerPayment/eid:", client.get(f"{RECORDS}/customerPayment/eid:BANK-1"))
    at = f"{RECORDS}/customerPayment/{paid['id']}"
    less = {"apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 10.0}]}}
    await do("patch customerPayment/{id}", client.patch(at, json=less))
    assert (await do("get customerPayment/{id}/apply", client.get(f"{at}/apply")))["totalResults"] == 1
    assert (await client.get(path))["amountRemaining"] == 41.0
    more = {"customer": {"id": customer}, "payment": 5.0}
    await do("put customerPayment/eid:", client.put(f"{RECORDS}/customerPayment/eid:BANK-2", json=more))
    pay = client.post(f"{path}/!transform/customerPayment", json={"externalId": "BANK-3", "payment": 11.0})
    await do("post invoice/!transform/customerPayment", pay)
    lines = {"item": {"items": [{"orderLine": 1, "amount": 10.0}]}}
    credit = client.post(f"{path}/!transform/creditMemo", json={"externalId": "CM-1", **lines})
    await do("post invoice/!transform/creditMemo", credit)
    assert (await do("get creditMemo/eid:", client.get(f"{RECORDS}/creditMemo/eid:CM-1")))["total"] == 10.0
    memo = {"entity": {"id": customer}, "createdFrom": {"id": invoice}, "externalId": "CM-2", **lines}
    await do("post creditMemo", client.post(f"{RECORDS}/creditMemo", json=memo))
    assert (await client.get(path))["amountRemaining"] == 10.0


async def _services(do: Tally, client: Any, at: Live) -> None:
    customer = at.dialect.core.add_customer("Many", "USD")
    (item,) = at.dialect.core.state.items
    orders = [at.dialect.core.enter_order(customer.id, [(item, 1, 100)]).id for _ in range(25)]
    text = f"SELECT id FROM transaction WHERE type = 'SalesOrd' AND entity = '{customer.id}' ORDER BY id"
    rows: list[str] = []
    while True:
        page = await do("suiteql", client.suiteql(text, limit=10, offset=len(rows)))
        rows += [row["id"] for row in page["items"]]
        if not page["hasMore"]:
            break
    assert rows == orders
    assert "otherRefNum" in (await do("jsonschema", client.jsonschema("salesOrder")))["properties"]
    document = await do("openapi", client.openapi(["customer", "invoice"]))
    assert set(document["components"]["schemas"]) == {"customer", "invoice"}
    listed = await do("get metadata-catalog", client.get(f"{RECORDS}/metadata-catalog"))
    assert "salesOrder" in {each["name"] for each in listed["items"]}
    assert (await do("get governanceLimits", client.get("/system/v1/governanceLimits")))["accountConcurrencyLimit"] == 5
    headers = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": "K1"}
    later = client.request("POST", f"{RECORDS}/customer", json={"companyName": "Later"}, headers=headers)
    answer = await do("request (respond-async)", later)
    assert answer.status_code == 202
    job = "/async" + answer.headers["location"].partition("/async")[2]
    assert (await do("get async/v1/job/{id}", client.get(job)))["completed"] is True
    assert (await do("get async/v1/job/{id}/task", client.get(f"{job}/task")))["completed"] is True


async def _outside_the_model(do: Tally, client: Any, at: Live) -> None:
    for name in OUTSIDE:
        method, _, where = name.partition(" ")
        path = (
            f"/{where}" if where.startswith("query") else f"{RECORDS}/{where.replace('salesOrder/', 'salesOrder/1/')}"
        )
        sent: dict[str, Any] = {"json": {}} if method == "post" else {}
        status, body = await do.refused(name, getattr(client, method)(path, **sent))
        assert (status, body["status"]) == (404, 404)
        assert body["o:errorDetails"][0]["o:errorCode"]
        assert at.server.journal.entries[-1].operation == "not modelled"


def test_the_distinct_calls_of_a_session_pass_and_are_counted() -> None:
    async def story(at: Live) -> None:
        do, client = Tally(), at.client()
        customer, item = await _masters(do, client, at)
        invoice = await _orders(do, client, customer, item)
        await _cash(do, client, customer, invoice)
        await _services(do, client, at)
        assert not [entry for entry in at.server.journal.entries if entry.operation == "not modelled"]
        await _outside_the_model(do, client, at)
        print(f"\nclient calls that pass: {len(do.passed)} of {len(do.tried)}; outside the model: {sorted(OUTSIDE)}")
        assert do.tried.keys() - do.passed.keys() == OUTSIDE.keys()
        assert (len(do.passed), len(do.tried)) == (43, 51)

    live(story)


def test_the_session_meets_a_validation_error_a_throttled_call_and_a_login_that_has_run_out() -> None:
    async def story(at: Live) -> None:
        do, client = Tally(), at.client()
        bad = {"companyName": "A", "colour": "red"}
        status, body = await do.refused("post", client.post(f"{RECORDS}/customer", json=bad))
        assert (status, body["o:errorDetails"][0]["o:errorCode"]) == (400, "INVALID_CONTENT")
        at.server.faults.add(Latency(median_s=5.0))
        calls = [asyncio.create_task(client.get(f"{RECORDS}/customer")) for _ in range(6)]
        while not any(entry.throttled for entry in at.server.journal.entries):
            await asyncio.sleep(0.01)
        at.served.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [e.status_code for e in answers if isinstance(e, NetsuiteAPIRequestError)] == [429]
        at.server.faults.clear()
        # Tokens do not expire; one that was taken away is the login that has run out here.
        status, body = await do.refused("get", at.client(token_id="revoked").get(f"{RECORDS}/customer"))
        assert (status, body["o:errorDetails"][0]["o:errorCode"]) == (401, "INVALID_LOGIN")
        assert (await client.get(f"{RECORDS}/customer"))["count"] == 0

    live(story)
