"""Query options, envelopes, paging, metadata and the errors of reading."""

import json
from xml.etree import ElementTree

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig
from o2c_twin.mock_systems.vendors.s4hana.services import SERVICES

ORDERS = "API_SALES_ORDER_SRV/A_SalesOrder"


@pytest.fixture
def orders(s4):
    """Four orders, a second apart, of two customers."""
    s4.customer("Acme")
    s4.customer("Zeta")
    for at, (customer, quantity) in enumerate([("17100001", 1), ("17100002", 2), ("17100001", 3), ("17100001", 4)], 1):
        s4.clock.us += 1_000_000
        s4.order(customer, ("TG11", quantity, "9.99"), PurchaseOrderByCustomer=f"PO-{at}", ExternalDocumentID=f"X'{at}")
    return s4


def test_a_record_in_the_envelope_of_version_2(orders):
    answer = orders.call("GET", f"{ORDERS}('0000000003')")
    row = json.loads(answer.body)["d"]
    assert row["__metadata"]["uri"] == "http://localhost/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('3')"
    assert row["__metadata"]["type"] == "API_SALES_ORDER_SRV.A_SalesOrderType"
    assert row["__metadata"]["etag"] == answer.headers["etag"]
    assert answer.headers["etag"] == "W/\"datetimeoffset'2026-01-05T10%3A00%3A03.0000000Z'\""
    assert row["to_Item"] == {"__deferred": {"uri": row["__metadata"]["uri"] + "/to_Item"}}
    assert (row["SalesOrderDate"], row["LastChangeDateTime"]) == (
        "/Date(1767571200000)/",
        "/Date(1767607203000+0000)/",
    )
    assert (row["TotalNetAmount"], row["ShippingCondition"], row["CustomerPurchaseOrderDate"]) == ("29.97", "", None)
    assert row["CompleteDeliveryIsDefined"] is False
    assert answer.headers["dataserviceversion"] == "2.0"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"filter": "SoldToParty eq '17100001'"}, ["1", "3", "4"]),
        ({"filter": "SoldToParty eq '17100001' and LastChangeDateTime gt datetimeoffset'2026-01-05T10:00:03Z'"}, ["4"]),
        ({"filter": "LastChangeDateTime ge datetimeoffset'2026-01-05T10:00:03Z'"}, ["3", "4"]),
        ({"filter": "LastChangeDateTime ge datetime'2026-01-05T10:00:03'"}, ["3", "4"]),
        ({"filter": "PurchaseOrderByCustomer eq 'PO-2' or PurchaseOrderByCustomer eq 'PO-4'"}, ["2", "4"]),
        ({"filter": "ExternalDocumentID eq 'X''3'"}, ["3"]),
        ({"filter": "ExternalDocumentID eq ''"}, []),
        ({"filter": "substringof('O-3',PurchaseOrderByCustomer)"}, ["3"]),
        ({"filter": "TotalNetAmount gt 19.98M and not (SalesOrder eq '4')"}, ["3"]),
        ({"filter": "SalesOrderDate eq datetime'2026-01-05T00:00:00' and SalesOrder le '2'"}, ["1", "2"]),
        ({"filter": "startswith(PurchaseOrderByCustomer,'PO') eq true", "top": "1", "skip": "2"}, ["3"]),
        ({"orderby": "SoldToParty desc,TotalNetAmount desc"}, ["2", "4", "3", "1"]),
        ({"filter": "SalesOrder eq '3' or SalesOrder eq '9'"}, ["3"]),
    ],
)
def test_filters_and_order(orders, query, found):
    assert [row["SalesOrder"] for row in orders.rows(ORDERS, **query)] == found


def test_a_selection_and_an_expansion(orders):
    query = {"$select": "SalesOrder,to_Item/Material", "$expand": "to_Item/to_PricingElement,to_Item"}
    row = json.loads(orders.call("GET", f"{ORDERS}('2')", None, query).body)["d"]
    assert sorted(row) == ["SalesOrder", "__metadata", "to_Item"]
    (item,) = row["to_Item"]["results"]
    assert sorted(item) == ["Material", "__metadata", "to_PricingElement"]
    (price,) = item["to_PricingElement"]["results"]
    assert (price["ConditionType"], price["ConditionRateValue"], price["ConditionAmount"]) == ("PMP0", "9.99", "19.98")


def test_what_a_navigation_leads_to(orders):
    items = orders.rows(f"{ORDERS}('4')/to_Item", filter="RequestedQuantity eq 4")
    assert [item["SalesOrderItem"] for item in items] == ["10"]
    key = "API_SALES_ORDER_SRV/A_SalesOrderItem(SalesOrder='4',SalesOrderItem='000010')"
    assert orders.get(f"{key}/to_SalesOrder")["SalesOrder"] == "4"
    assert orders.rows(f"{key}/to_ScheduleLine")[0]["ConfdOrderQtyByMatlAvailCheck"] == "4"
    assert orders.get(f"{ORDERS}('4')/SoldToParty") == {"SoldToParty": "17100001"}
    assert len(orders.rows(f"{ORDERS}('4')/to_Partner")) == 4


def test_counts(orders):
    assert orders.get(ORDERS, top="1", inlinecount="allpages")["__count"] == "4"
    answer = orders.call("GET", f"{ORDERS}/$count", None, {"$filter": "SoldToParty eq '17100002'"})
    assert (answer.body, answer.headers["content-type"]) == (b"1", "text/plain;charset=utf-8")


def test_pages_of_the_server_are_followed_by_their_links(new_system):
    s4 = new_system(S4HanaConfig(page_size=2))
    for n in range(5):
        s4.item(f"P{n}")
    found, query = [], {"$orderby": "Product", "$filter": "Product ne 'P1'", "$inlinecount": "allpages"}
    while True:
        page = json.loads(s4.call("GET", "API_PRODUCT_SRV/A_Product", None, query).body)["d"]
        found += [row["Product"] for row in page["results"]]
        assert page["__count"] == "4"
        if "__next" not in page:
            break
        assert page["__next"].startswith("http://localhost/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product?")
        query = {**query, "$skiptoken": page["__next"].rpartition("skiptoken=")[2]}
    assert found == ["P0", "P2", "P3", "P4"]
    top = s4.get("API_PRODUCT_SRV/A_Product", top="3", orderby="Product")
    assert [row["Product"] for row in top["results"]] == ["P0", "P1"] and "__next" in top


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (f"{ORDERS}('9')", {}, 404, "/IWBEP/CM_MGW_RT/020"),
        ("API_SALES_ORDER_SRV/A_Nothing", {}, 404, "005056A509B11EE1B9A8FEC11C21D78E"),
        (f"{ORDERS}('1')/to_Nothing", {}, 404, "005056A509B11EE1B9A8FEC11C21D78E"),
        ("API_NOTHING_SRV/A_SalesOrder", {}, 404, "/IWFND/MED/170"),
        (ORDERS, {"$filter": "Nothing eq '1'"}, 400, "005056A509B11EE1B9A8FEA8DE87F78E"),
        (ORDERS, {"$select": "Nothing"}, 400, "005056A509B11EE1B9A8FEA8DE87F78E"),
        (ORDERS, {"$orderby": "Nothing"}, 400, "005056A509B11EE1B9A8FEA8DE87F78E"),
        (ORDERS, {"$expand": "to_Nothing"}, 400, "005056A509B11EE1B9A8FEA8DE87F78E"),
        (ORDERS, {"$expand": "to_Item", "$select": "to_Item/Nothing"}, 400, "005056A509B11EE1B9A8FEA8DE87F78E"),
        (ORDERS, {"$filter": "SalesOrder eq 1"}, 400, "005056A509B11EE1B9A8FEA8DE87F78D"),
        (ORDERS, {"$filter": "SalesOrder eq"}, 400, "005056A509B11EE1B9A8FEA8DE87F78D"),
        (ORDERS, {"$top": "x"}, 400, "005056A509B11EE1B9A8FEA8DE87F78D"),
        (ORDERS, {"$skiptoken": "x"}, 400, "/IWBEP/CM_MGW_RT/022"),
        (ORDERS, {"$format": "atom"}, 415, "/IWBEP/CM_MGW_RT/022"),
        (f"{ORDERS}(A='1')", {}, 400, "005056A509B11EE1B9A8FEA8DE87F78E"),
        (f"{ORDERS}(1", {}, 400, "005056A509B11EE1B9A8FEA8DE87F78D"),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_vendors_shape(orders, path, query, status, code):
    answer = orders.call("GET", path, None, query)
    assert orders.refusal(answer)[:2] == (status, code)
    error = json.loads(answer.body)["error"]
    assert error["message"]["lang"] == "en"
    assert len(error["innererror"]["transactionid"]) == 32
    assert error["innererror"]["errordetails"][0]["severity"] == "error"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_set_and_every_navigation_is_described_and_answers(s4, service):
    answer = s4.call("GET", f"{service.name}/$metadata")
    assert answer.headers["content-type"] == "application/xml"
    edm = "{http://schemas.microsoft.com/ado/2008/09/edm}"
    tree = ElementTree.fromstring(answer.body)
    described = {each.get("Name"): each for each in tree.iter(f"{edm}EntityType")}
    assert s4.get(service.name) == {"EntitySets": list(service.entities)}
    customer = s4.customer()
    s4.dialect.core.update_customer(customer, email="a@b.example")
    s4.receipt(customer, "10.00")
    s4.request_credit(s4.invoice(customer), "1.00")
    s4.hold(s4.customer("Held", limit="1.00"))
    for entity in service.entities.values():
        kind = described[entity.type_name]
        assert [each.get("Name") for each in kind.iter(f"{edm}PropertyRef")] == list(entity.keys)
        assert [each.get("Name") for each in kind.iter(f"{edm}Property")] == list(entity.fields)
        rows = s4.rows(f"{service.name}/{entity.name}")
        assert rows
        for row in rows:
            alone = s4.get(row["__metadata"]["uri"].removeprefix("http://localhost"))
            assert alone == row
            for nav in entity.navs:
                s4.get(row[nav]["__deferred"]["uri"].removeprefix("http://localhost"))
