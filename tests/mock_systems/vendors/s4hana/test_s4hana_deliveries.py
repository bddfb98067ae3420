"""Deliveries and billing: planning, picking, goods issue, the billing action, cancellation."""

import json

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig

HEADER = "API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader"
BILLING = "API_BILLING_DOCUMENT_SRV/A_BillingDocument"


@pytest.fixture
def order(s4):
    return s4.order(s4.customer(), ("TG11", 5, "10.00"))["SalesOrder"]


def test_a_delivery_goes_from_planned_to_picked_to_issued_to_billed(s4, order):
    row = s4.plan(order, 3)
    id_ = row["DeliveryDocument"]
    assert id_ == "80000001"
    item = row["to_DeliveryDocumentItem"]["results"][0]
    assert (item["ReferenceSDDocumentItem"], item["ActualDeliveryQuantity"]) == ("000010", "3")
    steps = ("OverallPickingStatus", "OverallGoodsMovementStatus", "OverallDelivReltdBillgStatus")

    def stands():
        found = s4.get(f"{HEADER}('{id_}')")
        return "".join(found[name] for name in steps)

    assert stands() == "AAA"
    assert s4.refusal(s4.action("PostGoodsIssue", id_))[:2] == (400, "VL/602")
    assert s4.action("ConfirmPickingAllItems", id_).status == 200
    assert stands() == "CAA"
    body = json.loads(s4.action("PostGoodsIssue", id_).body)["d"]
    assert body["results"][0]["DeliveryDocument"] == id_
    assert stands() == "CCA"
    assert s4.get(f"{HEADER}('{id_}')")["ActualGoodsMovementTime"] == "PT10H00M00S"
    assert s4.bill(id_).status == 200
    assert stands() == "CCC"
    assert s4.core.state.deliveries[id_].number == id_


def test_goods_issue_needs_the_tag_of_the_delivery_as_it_is(s4, order):
    row = s4.plan(order)
    id_ = row["DeliveryDocument"]
    query = {"DeliveryDocument": f"'{id_}'"}
    answer = s4.call("POST", "API_OUTBOUND_DELIVERY_SRV/PostGoodsIssue", None, query)
    assert s4.refusal(answer)[0] == 428
    s4.clock.us += 1
    assert s4.action("PickAllItems", id_, row["__metadata"]["etag"]).status == 200
    assert s4.refusal(s4.action("PostGoodsIssue", id_, row["__metadata"]["etag"]))[0] == 412
    tag = s4.get(f"{HEADER}('{id_}')")["__metadata"]["etag"]
    assert s4.action("PostGoodsIssue", id_, tag).status == 200
    assert s4.refusal(s4.action("PostGoodsIssue", id_))[:2] == (400, "VL/609")


def test_more_than_is_confirmed_and_not_planned_cannot_be_delivered(s4, order):
    s4.plan(order, 4)
    line = {"ReferenceSDDocument": order, "ReferenceSDDocumentItem": "10", "ActualDeliveryQuantity": "2"}
    assert s4.refusal(s4.call("POST", HEADER, {"to_DeliveryDocumentItem": [line]}))[:2] == (400, "VL/363")
    assert s4.plan(order)["to_DeliveryDocumentItem"]["results"][0]["ActualDeliveryQuantity"] == "1"
    del line["ActualDeliveryQuantity"]
    assert s4.refusal(s4.call("POST", HEADER, {"to_DeliveryDocumentItem": [line]}))[:2] == (400, "VL/367")
    assert s4.get(f"API_SALES_ORDER_SRV/A_SalesOrder('{order}')")["OverallTotalDeliveryStatus"] == "C"


def test_a_planned_delivery_can_be_deleted_and_an_issued_one_not(s4, order):
    id_ = s4.plan(order)["DeliveryDocument"]
    assert s4.call("DELETE", f"{HEADER}('{id_}')", if_match="*").status == 204
    assert s4.call("GET", f"{HEADER}('{id_}')").status == 404
    issued = s4.ship(order)
    assert s4.refusal(s4.call("DELETE", f"{HEADER}('{issued}')", if_match="*"))[:2] == (400, "VL/609")


def test_a_blocked_order_is_not_delivered(s4):
    order = s4.order(s4.customer(), ("TG11", 1, None), DeliveryBlockReason="01")["SalesOrder"]
    body = {"to_DeliveryDocumentItem": [{"ReferenceSDDocument": order, "ReferenceSDDocumentItem": "000010"}]}
    assert s4.refusal(s4.call("POST", HEADER, body))[:2] == (400, "VL/012")


def test_the_newer_address_of_the_service_is_the_same_service(s4, order):
    id_ = s4.plan(order)["DeliveryDocument"]
    path = f"/sap/opu/odata/sap/API_OUTBOUND_DELIVERY_SRV;v=0002/A_OutbDeliveryHeader('{id_}')"
    assert s4.get(path)["DeliveryDocument"] == id_


def test_deliveries_of_the_warehouse_are_found_by_day_and_time_of_goods_issue(s4, order):
    for seconds in (0, 30, 90_000):
        s4.clock.us += seconds * 1_000_000
        s4.core.deliver(order, {1: 1})
    day = "datetime'2026-01-05T00:00:00'"
    later = (
        f"ActualGoodsMovementDate ge {day} and (ActualGoodsMovementDate gt {day} or ActualGoodsMovementTime ge {{}})"
    )
    found = s4.rows(HEADER, filter=later.format("time'PT10H00M30S'"))
    assert [row["DeliveryDocument"] for row in found] == ["80000002", "80000003"]
    assert len(s4.rows(HEADER, filter="ActualGoodsMovementDate eq null")) == 0


# --- billing ----------------------------------------------------------------------------------------


def test_a_delivery_is_billed_once_whoever_asks(s4, order):
    one, other = s4.ship(order, 2), s4.ship(order, 1)
    made = json.loads(s4.bill(one).body)["value"][0]["BillingDocument"]
    assert s4.refusal(s4.bill(one))[:2] == (400, "VF/044")
    assert s4.refusal(s4.bill(other, one))[:2] == (400, "VF/044")
    s4.core.invoice_order(order)  # a person bills the rest
    assert s4.refusal(s4.bill(other))[:2] == (400, "VF/044")
    items = s4.rows(f"{BILLING}Item", filter=f"ReferenceSDDocument eq '{one}'")
    assert [(item["BillingDocument"], item["CreatedByUser"]) for item in items] == [(made, "O2C_INTEGRATION")]
    items = s4.rows(f"{BILLING}Item", filter=f"SalesDocument eq '{order}' and CreatedByUser eq 'CLERK'")
    assert [item["ReferenceSDDocument"] for item in items] == [other]


def test_deliveries_of_two_orders_make_two_invoices_or_none(s4, order):
    second = s4.order("17100001", ("TG11", 1, None))["SalesOrder"]
    one, other = s4.ship(order), s4.ship(second)
    planned = s4.plan(s4.order("17100001", ("TG11", 1, None))["SalesOrder"])["DeliveryDocument"]
    assert s4.refusal(s4.bill(one, planned))[:2] == (400, "VF/063")
    assert s4.core.state.invoices == {}
    assert len(json.loads(s4.bill(one, other).body)["value"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"_Reference": []}, 400, "VF/045"),
        ({"_Reference": [{"SDDocument": "9"}]}, 400, "VF/017"),
        ({"_Reference": [{"SDDocument": "1", "SDDocumentCategory": "C"}]}, 400, "VF/016"),
        ({"_Reference": [{"SDDocument": "1", "BillingDocumentType": "F8"}]}, 400, "/IWBEP/CM_MGW_RT/021"),
        ({"_Reference": "x"}, 400, "/IWBEP/CM_V4_COS/018"),
        ({}, 400, "/IWBEP/CM_V4_COS/018"),
    ],
)
def test_the_billing_action_refuses_in_the_shape_of_version_4(s4, order, body, status, code):
    path = "/sap/opu/odata4/sap/api_billingdocument/srvd_a2x/sap/billingdocument/0001"
    answer = s4.call("POST", f"{path}/BillingDocument/SAP__self.CreateFromSDDocument", body)
    assert s4.refusal(answer)[:2] == (status, code)
    assert isinstance(json.loads(answer.body)["error"]["message"], str)


def test_a_billing_block_holds_the_invoice_back(s4):
    order = s4.order(s4.customer(), ("TG11", 1, None), HeaderBillingBlockReason="01")["SalesOrder"]
    assert s4.refusal(s4.bill(s4.ship(order)))[:2] == (400, "VF/023")


def _cancel(s4, id_):
    return s4.call("POST", "API_BILLING_DOCUMENT_SRV/Cancel", None, {"BillingDocument": f"'{id_}'"})


def test_a_cancellation_is_a_document_and_a_refusal_is_a_200(s4, new_system):
    id_ = s4.invoice(s4.customer())
    (done,) = json.loads(_cancel(s4, id_).body)["d"]["results"]
    assert done["SystemMessageType"] == "S"
    cancellation = s4.get(f"{BILLING}('{done['CancellationBillingDocument']}')")
    assert (cancellation["BillingDocumentType"], cancellation["CancelledBillingDocument"]) == ("S1", id_)
    assert s4.get(f"{BILLING}('{id_}')")["BillingDocumentIsCancelled"] is True
    again = _cancel(s4, id_)
    assert again.status == 200
    assert json.loads(again.body)["d"]["results"][0]["SystemMessageType"] == "E"
    strict = new_system(S4HanaConfig(cancel_errors_in_200=False))
    strict.item()
    id_ = strict.invoice(strict.customer())
    _cancel(strict, id_)
    assert strict.refusal(_cancel(strict, id_))[:2] == (400, "VF/162")
