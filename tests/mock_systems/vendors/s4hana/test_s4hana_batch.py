"""``$batch``, business events, limits, and going back to a sealed state."""

import json
import re

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig, Subscription
from o2c_twin.mock_systems.wire.faults import Latency
from o2c_twin.mock_systems.wire.message import Request

ORDERS = "API_SALES_ORDER_SRV/A_SalesOrder"


def _part(line, body=None, headers="", content_id=""):
    text = "" if body is None else json.dumps(body)
    identity = f"Content-ID: {content_id}\r\n" if content_id else ""
    return (
        f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{identity}\r\n{line} HTTP/1.1\r\n"
        f"Content-Type: application/json\r\n{headers}\r\n{text}\r\n"
    )


def _batch(s4, *parts, service="API_SALES_ORDER_SRV"):
    out = ""
    for part in parts:
        out += "--b\r\n"
        if isinstance(part, list):
            inner = "".join(f"--c\r\n{each}" for each in part) + "--c--\r\n"
            out += f"Content-Type: multipart/mixed; boundary=c\r\n\r\n{inner}\r\n"
        else:
            out += part
    answer = s4.call("POST", f"{service}/$batch", (out + "--b--").encode(), content_type="multipart/mixed; boundary=b")
    return answer, [int(code) for code in re.findall(rb"HTTP/1.1 (\d{3})", answer.body)]


def test_reads_and_a_change_set_in_one_call(s4):
    customer = s4.customer()
    order = s4.order_body(customer, ("TG11", 1, None))
    answer, statuses = _batch(
        s4,
        _part("GET A_SalesOrder?$filter=SoldToParty%20eq%20'" + customer + "'&$select=SalesOrder"),
        [_part("POST A_SalesOrder", order), _part("POST /sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder", order)],
        _part("GET A_SalesOrder('2')"),
        _part("GET A_SalesOrder('9')"),
    )
    assert (answer.status, statuses) == (202, [200, 201, 201, 200, 404])
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")


def test_a_part_may_go_on_with_what_another_made(s4):
    order = s4.order_body(s4.customer(), ("TG11", 1, None))
    change = _part("PATCH $1", {"PurchaseOrderByCustomer": "LATER"}, "If-Match: *\r\n")
    _, statuses = _batch(s4, [_part("POST A_SalesOrder", order, content_id="1"), change])
    assert statuses == [201, 204]
    assert s4.get(f"{ORDERS}('1')")["PurchaseOrderByCustomer"] == "LATER"


def test_a_change_set_half_bad_leaves_nothing_and_one_answer(s4):
    s4.dialect.subscribe(Subscription("https://sub"))
    customer = s4.customer()
    good, bad = s4.order_body(customer, ("TG11", 1, None)), s4.order_body("99", ("TG11", 1, None))
    before = s4.dialect.snapshot()
    answer, statuses = _batch(s4, [_part("POST A_SalesOrder", good), _part("POST A_SalesOrder", bad)])
    assert (answer.status, statuses) == (202, [400])
    assert s4.dialect.snapshot() == before
    assert [event["type"] for event in s4.deliver()] == ["sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1"]
    _batch(s4, [_part("POST A_SalesOrder", good), _part("POST A_SalesOrder", good)])
    assert [event["data"] for event in s4.deliver()[1:]] == [{"SalesOrder": "1"}, {"SalesOrder": "2"}]


def test_parts_of_a_batch_that_do_not_belong_there(s4):
    s4.customer()
    _, statuses = _batch(
        s4,
        _part("POST A_SalesOrder", {}),
        _part("GET /sap/opu/odata/sap/API_PRODUCT_SRV/A_Product"),
        _part("GET $batch"),
        [_part("POST A_SalesOrder", {})],
        [_part("PUT A_SalesOrder('1')", {})],
    )
    assert statuses == [400, 404, 404, 400, 405]
    answer = s4.call("POST", "API_SALES_ORDER_SRV/$batch", b"x", content_type="multipart/mixed; boundary=b")
    assert s4.refusal(answer)[0] == 400
    assert s4.call("POST", "API_SALES_ORDER_SRV/$batch", b"x", x_csrf_token="wrong").status == 403


# --- events -----------------------------------------------------------------------------------------


def test_events_are_cloud_events_with_the_key_and_nothing_else(s4):
    created = "sap.s4.beh.salesorder.v1.SalesOrder.Created.v1"
    s4.dialect.subscribe(Subscription("https://sub/erp", "Bearer broker", (created,)))
    order = s4.order(s4.customer(), ("TG11", 1, None), PurchaseOrderByCustomer="WEB-1")["SalesOrder"]
    s4.invoice("17100001")
    events = s4.deliver()
    assert [(event["type"], event["data"]) for event in events] == [
        (created, {"SalesOrder": order}),
        (created, {"SalesOrder": "2"}),
    ]
    url, headers, event = s4.posted[0]
    assert (url, headers["Authorization"]) == ("https://sub/erp", "Bearer broker")
    assert headers["Content-Type"].startswith("application/cloudevents+json")
    assert event["source"] == "/default/sap.s4.beh/S4HCLNT100"
    assert event["time"] == "2026-01-05T10:00:00.000Z"
    assert len({event["id"] for event in events}) == 2


def test_an_event_is_tried_five_times(s4):
    s4.dialect.subscribe(Subscription("https://sub"))
    s4.push_status = 503
    s4.customer()
    s4.deliver()
    assert len(s4.posted) == 5
    (sender,) = s4.dialect.pushes.senders()
    assert (sender.outcome.retried, sender.outcome.given_up) == (4, 1)


# --- limits and state -------------------------------------------------------------------------------


def test_without_work_processes_the_dispatcher_answers(new_system):
    s4 = new_system(S4HanaConfig(work_processes=1), Latency(median_s=5.0, sigma=0.1))
    auth = {"authorization": s4.authorization}
    inside = []

    async def call_meanwhile(seconds):
        if not inside:
            inside.append(None)
            inside[0] = await s4.server.call(Request("GET", f"/sap/opu/odata/sap/{ORDERS}", {}, auth))

    s4.server.world.sleep = call_meanwhile
    assert s4.call("GET", ORDERS).status == 200
    assert inside[0].status == 503
    assert inside[0].headers["Content-Type"].startswith("text/html")
    assert "Retry-After" not in inside[0].headers


def test_a_gateway_in_front_counts_by_the_minute(new_system):
    s4 = new_system(S4HanaConfig(front="gateway", gateway_per_minute=2))
    assert [s4.call("GET", ORDERS).status for _ in range(3)] == [200, 200, 429]
    assert s4.server.journal.entries[-1].throttled
    s4.clock.us += 60_000_000
    assert s4.call("GET", ORDERS).status == 200


def test_a_sealed_state_comes_back_whole(s4):
    customer = s4.customer(limit="500.00", BusinessPartnerIDByExtSystem="A1")
    order = s4.order(customer, ("TG11", 5, "10.00"), ExternalDocumentID="E1")["SalesOrder"]
    planned = s4.plan(order, 1)["DeliveryDocument"]
    invoice = s4.invoice(customer)
    receipt = s4.receipt(customer, "20.00")
    s4.clear(
        "C1",
        (receipt, None),
        (s4.get(f"API_BILLING_DOCUMENT_SRV/A_BillingDocument('{invoice}')")["AccountingDocument"], "20.00"),
    )
    s4.server.seal()
    cube = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
    before = s4.rows(cube), s4.get(f"{ORDERS}('{order}')")
    s4.action("PickAllItems", planned)
    s4.action("PostGoodsIssue", planned)
    s4.receipt(customer, "1.00", reference="B9")
    s4.order(customer, ("TG11", 1, None), ExternalDocumentID="E1")
    s4.server.reset()
    assert (s4.rows(cube), s4.get(f"{ORDERS}('{order}')")) == before
    assert [row["SalesOrder"] for row in s4.rows(ORDERS, filter="ExternalDocumentID eq 'E1'")] == [order]
    s4.action("PickAllItems", planned)
    assert s4.action("PostGoodsIssue", planned).status == 200
    assert s4.dialect.facts()["outbound deliveries"] == 2
    assert s4.order(customer, ("TG11", 1, None))["SalesOrder"] == "3"


@pytest.mark.parametrize(("status", "kind"), [(503, "text/html"), (500, "application/json")])
def test_failures_of_its_own_have_its_own_bodies(s4, status, kind):
    assert s4.dialect.failed(status).headers["Content-Type"].startswith(kind)
