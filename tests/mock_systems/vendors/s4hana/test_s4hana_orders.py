"""Sales orders: deep insert, credit, warnings, changes with entity tags, rejection, deletion, locks."""

import json

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig

ORDERS = "API_SALES_ORDER_SRV/A_SalesOrder"


def test_over_the_credit_limit_an_order_is_saved_and_blocked(s4):
    customer = s4.customer(limit="50.00")
    order = s4.order(customer, ("TG11", 10, "10.00"))
    assert (order["TotalCreditCheckStatus"], order["TotalBlockStatus"]) == ("B", "C")
    body = {"to_DeliveryDocumentItem": [{"ReferenceSDDocument": order["SalesOrder"], "ReferenceSDDocumentItem": "10"}]}
    refused = s4.refusal(s4.call("POST", "API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader", body))
    assert refused[:2] == (400, "V1/154")
    s4.core.release_credit(order["SalesOrder"])
    assert s4.get(f"{ORDERS}('{order['SalesOrder']}')")["TotalCreditCheckStatus"] == "D"
    s4.ship(order["SalesOrder"])


def test_a_system_may_be_configured_to_refuse_instead(new_system):
    s4 = new_system(S4HanaConfig(credit_check_refuses=True))
    s4.item()
    customer = s4.customer(limit="50.00")
    answer = s4.call("POST", ORDERS, s4.order_body(customer, ("TG11", 10, "10.00")))
    assert s4.refusal(answer)[:2] == (400, "V1/150")
    assert s4.core.state.orders == {}


def test_a_known_customer_reference_is_a_warning_beside_a_second_order(s4, new_system):
    customer = s4.customer()
    body = s4.order_body(customer, ("TG11", 1, None), PurchaseOrderByCustomer="WEB-1")
    assert "sap-message" not in s4.call("POST", ORDERS, body).headers
    again = s4.call("POST", ORDERS, body)
    assert again.status == 201
    message = json.loads(again.headers["sap-message"])
    assert (message["code"], message["severity"], message["target"]) == (
        "V4/115",
        "warning",
        "PurchaseOrderByCustomer",
    )
    assert len(s4.core.state.orders) == 2
    quiet = new_system(S4HanaConfig(duplicate_po_warns=False))
    quiet.item()
    body["SoldToParty"] = quiet.customer()
    quiet.call("POST", ORDERS, body)
    assert "sap-message" not in quiet.call("POST", ORDERS, body).headers


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SoldToParty": "99"}, "V1/320"),
        ({"SoldToParty": ""}, "00/055"),
        ({"SalesOrganization": "9999"}, "V1/310"),
        ({"TransactionCurrency": "EUR"}, "SG/105"),
        ({"Nothing": "1"}, "005056A509B11EE1B9A8FEA8DE87F78E"),
        ({"TotalNetAmount": "1.00"}, "/IWBEP/CM_MGW_RT/021"),
        ({"to_Partner": [{"PartnerFunction": "WE", "Customer": "99"}]}, "/IWBEP/CM_MGW_RT/021"),
        ({"to_Item": [{"Material": "TG11", "RequestedQuantity": "1", "TaxAmount": "1"}]}, "/IWBEP/CM_MGW_RT/021"),
        ({"to_Item": []}, "V1/555"),
        ({"to_Item": [{"Material": "NONE", "RequestedQuantity": "1"}]}, "V1/382"),
        ({"to_Item": [{"Material": "TG11", "RequestedQuantity": "0.5"}]}, "V1/450"),
        ({"to_Item": [{"Material": "TG11", "RequestedQuantity": "-1"}]}, "V1/450"),
        ({"to_Item": [{"Material": "TG11", "RequestedQuantity": "x"}]}, "/IWBEP/CM_MGW_RT/022"),
        ({"to_Item": [{"Material": "TG11", "RequestedQuantity": "1", "RequestedQuantityUnit": "KG"}]}, "V1/360"),
        ({"to_Item": "x"}, "/IWBEP/CM_MGW_RT/022"),
        ({"PurchaseOrderByCustomer": "x" * 36}, "/IWBEP/CM_MGW_RT/064"),
        ({"SalesOrderDate": "yesterday"}, "/IWBEP/CM_MGW_RT/022"),
        ({"CompleteDeliveryIsDefined": "yes"}, "/IWBEP/CM_MGW_RT/022"),
    ],
)
def test_an_order_that_is_wrong_is_refused_whole(s4, change, code):
    body = {**s4.order_body(s4.customer(), ("TG11", 1, None)), **change}
    before = s4.core.snapshot()
    assert s4.refusal(s4.call("POST", ORDERS, body))[:2] == (400, code)
    assert s4.core.snapshot() == before


@pytest.mark.parametrize(
    ("element", "code"),
    [
        ({"ConditionType": "ZZZZ", "ConditionRateValue": "1.00"}, "VK/002"),
        ({"ConditionType": "PMP0", "ConditionRateValue": "1.001"}, "VK/070"),
        ({"ConditionType": "PMP0", "ConditionRateValue": "-1"}, "VK/071"),
        ({"ConditionType": "PMP0", "ConditionRateValue": "1", "ConditionCurrency": "EUR"}, "VK/064"),
    ],
)
def test_a_price_that_cannot_be_is_refused(s4, element, code):
    body = s4.order_body(s4.customer(), ("TG11", 1, None))
    body["to_Item"][0]["to_PricingElement"] = {"results": [element]}
    assert s4.refusal(s4.call("POST", ORDERS, body))[:2] == (400, code)


def test_a_body_that_is_no_json_is_refused(s4):
    s4.customer()
    assert s4.refusal(s4.call("POST", ORDERS, b"{"))[:2] == (400, "/IWBEP/CM_MGW_RT/176")


def test_a_change_needs_the_entity_tag_it_rests_on(s4):
    order = s4.order(s4.customer(), ("TG11", 1, None))
    path, body = f"{ORDERS}('{order['SalesOrder']}')", {"PurchaseOrderByCustomer": "NEW"}
    assert s4.refusal(s4.call("PATCH", path, body))[:2] == (428, "SADL_ENTITY_RUNTIME/004")
    s4.clock.us += 1
    done = s4.call("PATCH", path, body, if_match=order["__metadata"]["etag"])
    assert (done.status, done.body) == (204, b"")
    assert s4.refusal(s4.call("PATCH", path, body, if_match=order["__metadata"]["etag"]))[0] == 412
    assert s4.call("MERGE", path, body, if_match=done.headers["etag"]).status == 204
    assert s4.call("POST", path, body, x_http_method="MERGE", if_match="*").status == 204
    assert s4.refusal(s4.call("POST", path, body, if_match="*"))[0] == 405
    assert s4.get(path)["PurchaseOrderByCustomer"] == "NEW"


def test_an_item_is_rejected_and_an_order_of_rejected_items_is_cancelled(s4):
    order = s4.order(s4.customer(), ("TG11", 1, None), ("TG11", 2, None))["SalesOrder"]
    for item, status in (("10", "B"), ("20", "C")):
        key = f"API_SALES_ORDER_SRV/A_SalesOrderItem(SalesOrder='{order}',SalesOrderItem='{item}')"
        assert s4.call("PATCH", key, {"SalesDocumentRjcnReason": "05"}, if_match="*").status == 204
        row = s4.get(f"{ORDERS}('{order}')", expand="to_Item")
        assert row["OverallSDDocumentRejectionSts"] == status
        assert row["to_Item"]["results"][int(item) // 10 - 1]["SalesDocumentRjcnReason"] == "05"
    assert s4.core.state.orders[order].cancelled


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{ORDERS}('1')", {"SoldToParty": "2"}),
        (f"{ORDERS}('1')", {"to_Item": []}),
        ("API_SALES_ORDER_SRV/A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')", {"RequestedQuantity": "3"}),
        ("API_SALES_ORDER_SRV/A_SalesOrderHeaderPartner(SalesOrder='1',PartnerFunction='AG')", {"Customer": "2"}),
    ],
)
def test_what_the_mock_cannot_keep_is_refused_and_not_dropped(s4, path, body):
    s4.order(s4.customer(), ("TG11", 1, None))
    assert s4.refusal(s4.call("PATCH", path, body, if_match="*"))[:2] == (400, "/IWBEP/CM_MGW_RT/021")


def test_an_order_nothing_was_made_from_can_be_deleted(s4):
    customer = s4.customer()
    one, other = (s4.order(customer, ("TG11", 1, None), ExternalDocumentID="E")["SalesOrder"] for _ in range(2))
    s4.plan(other)
    assert s4.call("DELETE", f"{ORDERS}('{one}')", if_match="*").status == 204
    assert s4.call("GET", f"{ORDERS}('{one}')").status == 404
    assert [row["SalesOrder"] for row in s4.rows(ORDERS, filter="ExternalDocumentID eq 'E'")] == [other]
    assert s4.refusal(s4.call("DELETE", f"{ORDERS}('{other}')", if_match="*"))[:2] == (400, "V1/493")


def test_while_a_person_has_the_document_open_it_is_locked(s4):
    order = s4.order(s4.customer(), ("TG11", 1, None))["SalesOrder"]
    s4.dialect.lock(order, "JDOE")
    status, code, text = s4.refusal(s4.call("PATCH", f"{ORDERS}('{order}')", {}, if_match="*"))
    assert (status, code) == (400, "VL/045")
    assert text == f"Sales document {order} is currently being processed by user JDOE."
    s4.dialect.lock(order, None)
    assert s4.call("PATCH", f"{ORDERS}('{order}')", {}, if_match="*").status == 204


def test_no_approval_workflow_is_set_up(s4):
    s4.order(s4.customer(), ("TG11", 1, None))
    for name in ("releaseApprovalRequest", "rejectApprovalRequest"):
        answer = s4.call("POST", f"API_SALES_ORDER_SRV/{name}", None, {"SalesOrder": "'1'"})
        assert s4.refusal(answer)[:2] == (400, "APPROVAL_SD/012")
        assert s4.refusal(s4.call("POST", f"API_SALES_ORDER_SRV/{name}", None, {"SalesOrder": "1"}))[0] == 400
        assert s4.refusal(s4.call("POST", f"API_SALES_ORDER_SRV/{name}", None, {"SalesOrder": "'7'"}))[0] == 404
