"""The `pyodata` package from PyPI, unmodified, against the mock on a socket.

It is pointed at the mock by its constructor: ``pyodata.Client(url of the service, requests session)``. As it never
fetches a CSRF token, the session gets it as a header, which is what its users do against S/4HANA.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyodata
import pytest
import requests
from pyodata.exceptions import HttpError

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig, S4HanaDialect, make
from o2c_twin.mock_systems.vendors.s4hana.services import SERVICES
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.live import LiveServer, run_live
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1_000


async def post_nowhere(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    return 0, b""


class Live:
    """A mock on a port, and pyodata's clients of it."""

    def __init__(self, url: str, dialect: S4HanaDialect) -> None:
        self.url = url
        self.dialect = dialect
        self.session = self.log_in()

    def log_in(self, password: str | None = None) -> requests.Session:
        user = self.dialect.config.users[0]
        session = requests.Session()
        session.auth = (user.name, password or user.password)
        root = f"{self.url}/sap/opu/odata/sap/API_SALES_ORDER_SRV/"
        answer = session.get(root, headers={"x-csrf-token": "Fetch"})
        session.headers["x-csrf-token"] = answer.headers.get("x-csrf-token", "")
        return session

    def client(self, service: str, session: requests.Session | None = None) -> pyodata.Client:
        return pyodata.Client(f"{self.url}/sap/opu/odata/sap/{service}", session or self.session)


def live(story: Callable[[Live], Any], config: S4HanaConfig | None = None) -> Any:
    """Run a story, which blocks, against a mock on a free port."""

    async def main() -> Any:
        world = World(RealClock(), lambda *key: 0.5, asyncio.sleep, lambda work, name: work.close(), post_nowhere)
        dialect = make(world, config)
        dialect.core.add_item("TG11", "Trading good", 1_000, 500, "USD", 100)
        async with LiveServer(MockApp(MockServer("erp", dialect, world), "control")) as listening:
            return await asyncio.to_thread(lambda: story(Live(listening.url, dialect)))

    return run_live(main())


def _enter(orders: Any, customer: str, quantity: str = "2", **fields: str) -> Any:
    request = orders.entity_sets.A_SalesOrder.create_entity()
    item = {"Material": "TG11", "RequestedQuantity": quantity}
    base = {"SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10"}
    return request.set(**base, OrganizationDivision="00", SoldToParty=customer, to_Item=[item], **fields).execute()


def test_order_to_cash_with_pyodata():
    passed: list[str] = []

    def tried(name: str, ok: bool) -> None:
        assert ok, name
        passed.append(name)

    def story(at: Live) -> None:
        clients = {service.name: at.client(service.name) for service in SERVICES}
        tried("metadata of 9 services", len(clients) == 9)
        partners, orders = clients["API_BUSINESS_PARTNER"], clients["API_SALES_ORDER_SRV"]
        deliveries, billing = clients["API_OUTBOUND_DELIVERY_SRV"], clients["API_BILLING_DOCUMENT_SRV"]

        made = (
            partners.entity_sets.A_BusinessPartner.create_entity()
            .set(BusinessPartnerCategory="2", OrganizationBPName1="Acme", SearchTerm1="K-1")
            .execute()
        )
        customer = made.BusinessPartner
        tried("create_entity", customer == "17100001")
        account = clients["API_CRDTMBUSINESSPARTNER"].entity_sets.CreditManagementAccount
        key = {"BusinessPartner": customer, "CreditSegment": "1000"}
        update = account.update_entity(**key).set(CreditLimitAmount="500.00")
        at.session.headers["If-Match"] = "*"
        update.execute()
        del at.session.headers["If-Match"]
        tried("update_entity (PATCH)", str(account.get_entity(**key).execute().CreditLimitAmount) == "500.00")

        order = _enter(orders, customer, PurchaseOrderByCustomer="WEB-1", ExternalDocumentID="order:D'1")
        tried("create_entity, deep insert", order.SalesOrder == "1")
        sets = orders.entity_sets
        read = sets.A_SalesOrder.get_entity("1").expand("to_Item").execute()
        tried("get_entity with expand", [item.SalesOrderItem for item in read.to_Item] == ["10"])
        tried("etag of header and body agree", read.etag.startswith("W/"))
        tried("decimals and dates", str(read.TotalNetAmount) == "20.00" and read.SalesOrderDate.tzinfo is not None)
        item = sets.A_SalesOrderItem.get_entity(SalesOrder="1", SalesOrderItem="10").execute()
        tried("get_entity by a key of two", item.Material == "TG11")
        tried("nav of an entity", [row.Material for row in read.nav("to_Item").get_entities().execute()] == ["TG11"])
        for n in range(4):
            _enter(orders, customer, "1", PurchaseOrderByCustomer=f"P-{n}")
        asked = sets.A_SalesOrder.get_entities()
        few = asked.filter("SoldToParty eq '17100001' and SalesOrder gt '3'").execute()
        tried("get_entities with filter", [row.SalesOrder for row in few] == ["4", "5"])
        where = sets.A_SalesOrder.get_entities()
        found = where.filter(where.ExternalDocumentID == "order:D'1").select("SalesOrder").execute()
        tried("a filter made of properties", [row.SalesOrder for row in found] == ["1"])
        some = sets.A_SalesOrder.get_entities().order_by("SalesOrder desc").top(2).skip(1).execute()
        tried("order, top, skip", [row.SalesOrder for row in some] == ["4", "3"])
        tried("count", sets.A_SalesOrder.get_entities().count().execute() == 5)
        counted = sets.A_SalesOrder.get_entities().count(inline=True).execute()
        tried("count inline", counted.total_count == 5)
        page, pages = sets.A_SalesOrder.get_entities().execute(), 1
        numbers = [row.SalesOrder for row in page]
        while page.next_url:
            page = sets.A_SalesOrder.get_entities().next_url(page.next_url).execute()
            numbers += [row.SalesOrder for row in page]
            pages += 1
        tried("pages by next_url", (pages, numbers) == (3, ["1", "2", "3", "4", "5"]))
        changed = sets.A_SalesOrder.update_entity("1").set(PurchaseOrderByCustomer="NEW")
        at.session.headers["If-Match"] = read.etag
        changed.execute()
        tried("update with If-Match", sets.A_SalesOrder.get_entity("1").execute().PurchaseOrderByCustomer == "NEW")
        with pytest.raises(HttpError) as stale:
            changed.execute()
        del at.session.headers["If-Match"]
        tried("stale tag is a 412", stale.value.response.status_code == 412)
        with pytest.raises(HttpError) as without:
            changed.execute()
        tried("no tag is a 428", without.value.response.status_code == 428)
        with pytest.raises(HttpError) as wrong:
            _enter(orders, "99")
        tried("a validation error", wrong.value.response.json()["error"]["code"] == "V1/320")
        with pytest.raises(HttpError) as nobody:
            sets.A_SalesOrder.get_entity("999").execute()
        tried("a missing record", nobody.value.response.status_code == 404)
        at.session.headers["If-Match"] = "*"
        sets.A_SalesOrder.delete_entity("5").execute()
        tried("delete_entity", sets.A_SalesOrder.get_entities().count().execute() == 4)

        line = {"ReferenceSDDocument": "1", "ReferenceSDDocumentItem": "10"}
        header = deliveries.entity_sets.A_OutbDeliveryHeader
        id_ = header.create_entity().set(to_DeliveryDocumentItem=[line]).execute().DeliveryDocument
        tried("create a delivery", id_ == "80000001")
        # The action is done and its answer faithful; what pyodata makes of it is an error of its own.
        with pytest.raises(KeyError):
            deliveries.functions.PickAllItems.parameter("DeliveryDocument", id_).execute()
        with pytest.raises(KeyError):
            deliveries.functions.PostGoodsIssue.parameter("DeliveryDocument", id_).execute()
        issued = header.get_entity(id_).execute()
        tried("function imports are carried out", issued.OverallGoodsMovementStatus == "C")
        with pytest.raises(HttpError):
            deliveries.functions.PostGoodsIssue.parameter("DeliveryDocument", id_).execute()
        tried("a function import is refused", True)

        path = "/sap/opu/odata4/sap/api_billingdocument/srvd_a2x/sap/billingdocument/0001/BillingDocument"
        body = {"_Reference": [{"SDDocument": id_, "SDDocumentCategory": "J"}]}
        billed = at.session.post(f"{at.url}{path}/SAP__self.CreateFromSDDocument", json=body)
        invoice = billing.entity_sets.A_BillingDocument.get_entity(billed.json()["value"][0]["BillingDocument"])
        tried("an invoice", str(invoice.execute().TotalGrossAmount) == "20.00")
        cube = clients["API_OPLACCTGDOCITEMCUBE_SRV"].entity_sets.A_OperationalAcctgDocItemCube
        rows = cube.get_entities().filter(f"Customer eq '{customer}' and ClearingAccountingDocument eq ''").execute()
        tried("open items", [row.BillingDocument for row in rows] == [invoice.execute().BillingDocument])
        tried("due dates", rows[0].NetDueDate > datetime(2026, 1, 1, tzinfo=UTC))

        blocks, requests_ = clients["API_SLS_DOC_WITH_CREDIT_BLOCK"], clients["API_CREDIT_MEMO_REQUEST_SRV"]
        at.dialect.core.state.customers[customer].credit_limit_minor = 1
        held = _enter(orders, customer, PurchaseOrderByCustomer="HELD").SalesOrder
        blocked = blocks.entity_sets.A_CreditBlockedSalesDocument.get_entities().execute()
        tried("blocked documents", [row.SalesDocument for row in blocked] == [held])
        release = blocks.functions.ReleaseCreditBlock.parameter("SalesDocument", held)
        told = release.parameter("SDDocumentCategory", "C").execute()
        tried("a function import that answers one complex value", "was released" in str(told))
        tried("a credit block is lifted", sets.A_SalesOrder.get_entity(held).execute().TotalCreditCheckStatus == "D")
        at.session.headers["If-Match"] = "*"
        rejected = sets.A_SalesOrderItem.update_entity(SalesOrder=held, SalesOrderItem="10")
        rejected.set(SalesDocumentRjcnReason="10").execute()
        sets.A_SalesOrder.delete_entity(held).execute()
        del at.session.headers["If-Match"]
        tried("an order is rejected and deleted", sets.A_SalesOrder.get_entities().count().execute() == 4)
        price = {"ConditionType": "PMP0", "ConditionRateValue": "5.00"}
        line = {"Material": "TG11", "RequestedQuantity": "1", "to_PricingElement": [price]}
        base = {"CreditMemoRequestType": "CR", "ReferenceSDDocument": invoice.execute().BillingDocument}
        asked = requests_.entity_sets.A_CreditMemoRequest.create_entity()
        request = asked.set(**base, SoldToParty=customer, to_Item=[line]).execute().CreditMemoRequest
        body = {"_Reference": [{"SDDocument": request, "SDDocumentCategory": "K"}]}
        credited = at.session.post(f"{at.url}{path}/SAP__self.CreateFromSDDocument", json=body)
        memo = billing.entity_sets.A_BillingDocument.get_entity(credited.json()["value"][0]["BillingDocument"])
        tried("a credit memo of a request", memo.execute().BillingDocumentType == "G2")

        batch, changes = orders.create_batch(), orders.create_changeset()
        for n in range(2):
            request = sets.A_SalesOrder.create_entity()
            base = {"SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10"}
            good = [{"Material": "TG11", "RequestedQuantity": "1"}]
            changes.add_request(
                request.set(
                    **base, OrganizationDivision="00", SoldToParty=customer, ExternalDocumentID=f"B{n}", to_Item=good
                )
            )
        batch.add_request(changes)
        batch.add_request(sets.A_SalesOrder.get_entity("1"))
        done = batch.execute()
        tried("batch with a change set", [row.ExternalDocumentID for row in done[0]] == ["B0", "B1"])
        tried("batch with a read", done[1].SalesOrder == "1")
        product = clients["API_PRODUCT_SRV"].entity_sets.A_Product.get_entity("TG11").expand("to_Description").execute()
        tried("a product's text", product.to_Description[0].ProductDescription == "Trading good")

        with pytest.raises(HttpError) as expired:
            stranger = at.log_in("wrong")
            at.client("API_SALES_ORDER_SRV", stranger)
        tried("a bad login", expired.value.response.status_code == 401)
        at.dialect.login.end_sessions()
        with pytest.raises(HttpError) as lost:
            _enter(orders, customer)
        tried("a lost CSRF token", lost.value.response.headers["x-csrf-token"] == "Required")
        at.session.headers["x-csrf-token"] = at.log_in().headers["x-csrf-token"]
        with pytest.raises(HttpError):
            _enter(orders, customer)  # the token of another session's cookie
        fresh = at.log_in()
        tried("and a new one", _enter(at.client("API_SALES_ORDER_SRV", fresh), customer).SalesOrder != "")

    live(story, S4HanaConfig(page_size=2))
    print(f"{len(passed)} distinct client calls pass: {', '.join(passed)}")
    assert len(passed) == 38


def test_a_throttled_call_with_pyodata():
    def story(at: Live) -> int:
        orders = at.client("API_SALES_ORDER_SRV")
        with pytest.raises(HttpError) as throttled:
            for _ in range(10):
                orders.entity_sets.A_SalesOrder.get_entities().execute()
        return throttled.value.response.status_code

    assert live(story, S4HanaConfig(front="gateway", gateway_per_minute=5)) == 429
