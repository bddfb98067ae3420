"""Sales orders, fulfillment and billing by transform, credit hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig

SHIP = "salesOrder/{}/!transform/itemFulfillment"
BILL = "salesOrder/{}/!transform/invoice"


def status(account: Any, order: str) -> str:
    shown = account.get(f"salesOrder/{order}")
    assert shown["orderStatus"]["refName"] == shown["status"]["refName"]
    return str(shown["orderStatus"]["id"])


def test_an_order_reads_back_with_its_lines(account: Any) -> None:
    customer, item = account.customer(), account.item(on_hand=3)
    order = account.order(customer, (item, 5, 25.5), externalId="WEB-1", otherRefNum="PO-7", memo="urgent")
    shown = account.get("salesOrder/eid:WEB-1", expandSubResources="true")
    assert (shown["id"], shown["tranId"], shown["otherRefNum"], shown["memo"]) == (order, "SO1001", "PO-7", "urgent")
    assert (shown["entity"]["id"], shown["entity"]["refName"]) == (customer, "Acme")
    assert (shown["total"], shown["tranDate"]) == (127.5, "2026-01-05")
    (line,) = shown["item"]["items"]
    assert (line["line"], line["item"]["id"], line["quantity"], line["rate"]) == (1, item, 5, 25.5)
    assert (line["quantityCommitted"], line["quantityBackOrdered"], line["amount"]) == (3, 2, 127.5)


def test_custom_fields_tax_code_and_price_level_of_an_order_are_read_back(new_account: Any) -> None:
    account = new_account(NetSuiteConfig(custom_fields=("custbody_plant", "custcol_lot", "custbody_note")))
    line = {"item": {"id": account.item()}, "quantity": 1, "rate": 9, "taxCode": {"id": "5"}, "custcol_lot": "L1"}
    body = {"entity": {"id": account.customer()}, "item": {"items": [line]}, "custbody_plant": "HH", "custbody_x": "?"}
    order = account.write("POST", "salesOrder", body)
    account.write("PATCH", f"salesOrder/{order}", {"custbody_note": "mind the step"})
    sealed = account.dialect.snapshot()
    account.write("PATCH", f"salesOrder/{order}", {"custbody_plant": "B"})
    assert account.get(f"salesOrder/{order}")["custbody_plant"] == "B"
    account.dialect.restore(sealed)
    shown = account.get(f"salesOrder/{order}", expandSubResources="true")
    assert (shown["custbody_plant"], shown["custbody_note"]) == ("HH", "mind the step")
    assert "custbody_x" not in shown
    (kept,) = shown["item"]["items"]
    assert (kept["taxCode"], kept["custcol_lot"]) == ({"id": "5"}, "L1")


def test_the_item_sublist_is_links_until_it_is_expanded(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 5), (account.item("BOLT"), 2, 5))
    plain = account.get(f"salesOrder/{order}")["item"]
    assert list(plain) == ["links"]
    listed = account.get(f"salesOrder/{order}/item")
    assert listed["totalResults"] == 2
    assert [list(line) for line in listed["items"]] == [["links"], ["links"]]
    path = listed["items"][1]["links"][0]["href"].removeprefix("http://localhost")
    assert account.get(path)["item"]["refName"] == "BOLT"
    expanded = account.get(f"salesOrder/{order}/item", expandSubResources="true")
    assert [line["quantity"] for line in expanded["items"]] == [1, 2]
    assert account.refusal("GET", f"salesOrder/{order}/item/3")[0] == 404


def test_put_by_external_id_never_makes_a_second_order(account: Any) -> None:
    customer, item = account.customer(), account.item()
    body = {"entity": {"id": customer}, "item": {"items": [{"item": {"id": item}, "quantity": 1, "rate": 9}]}}
    first = account.write("PUT", "salesOrder/eid:WEB-1", body)
    again = account.write("PUT", "salesOrder/eid:WEB-1", {**body, "memo": "second try"})
    assert first == again
    assert account.get(f"salesOrder/{first}")["memo"] == "second try"
    assert len(account.core.state.orders) == 1
    refused = account.refusal("POST", "salesOrder", {**body, "externalId": "WEB-1"})
    assert refused == (400, "USER_ERROR", "This entity already exists.")


def test_a_reference_may_be_an_external_id_a_name_or_a_bare_id(account: Any) -> None:
    customer, item = account.customer(externalId="CRM-7"), account.item()
    line = {"item": {"refName": "WIDGET"}}
    order = account.write("POST", "salesOrder", {"entity": {"externalId": "CRM-7"}, "item": {"items": [line]}})
    shown = account.get(f"salesOrder/{order}", expandSubResources="true")
    assert (shown["entity"]["id"], shown["item"]["items"][0]["item"]["id"]) == (customer, item)
    # Without quantity and rate: one piece at the item's price.
    assert shown["total"] == 25.0
    account.write("POST", "salesOrder", {"entity": customer, "item": {"items": [{"item": item}]}})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"entity": {"id": "9999"}}, "entity"),
        ({"item": {"items": [{"item": {"id": "9999"}}]}}, "item.items[0].item"),
        ({"item": {"items": [{"item": {"id": "ITEM"}, "quantity": 1.5}]}}, "item.items[0].quantity"),
        ({"item": {"items": [{"item": {"id": "ITEM"}, "rate": "dear"}]}}, "item.items[0].rate"),
        ({"item": {"items": [{"item": {"id": "ITEM"}, "location": {"id": "9"}}]}}, "item.items[0].location"),
        ({"item": [{"item": {"id": "ITEM"}}]}, "item"),
        ({"orderStatus": {"id": "F"}}, "orderStatus"),
        ({"currency": {"id": "2"}}, "currency"),
    ],
)
def test_a_wrong_order_is_refused_whole_with_the_place(account: Any, change: dict[str, Any], path: str) -> None:
    customer, item = account.customer(), account.item()
    good = {"entity": {"id": customer}, "item": {"items": [{"item": {"id": item}, "quantity": 1}]}}
    body = json.loads(json.dumps({**good, **change}).replace('"ITEM"', json.dumps(item)))
    answer = account.call("POST", "salesOrder", body)
    detail = json.loads(answer.body)["o:errorDetails"][0]
    assert (answer.status, detail["o:errorCode"], detail["o:errorPath"]) == (400, "INVALID_CONTENT", path)
    assert not account.core.state.orders
    assert account.core.state.items[item].committed == 0


def test_an_order_without_lines_is_refused(account: Any) -> None:
    customer = account.customer()
    for body in ({"entity": {"id": customer}}, {"entity": {"id": customer}, "item": {"items": []}}):
        assert account.refusal("POST", "salesOrder", body)[:2] == (400, "USER_ERROR")


def test_status_follows_shipping_and_billing(account: Any) -> None:
    customer, item = account.customer(), account.item()
    order = account.order(customer, (item, 4, 10), (account.item("BOLT"), 1, 5))
    assert status(account, order) == "B"
    account.write("POST", SHIP.format(order), {"item": {"items": [{"orderLine": 1, "quantity": 2}]}})
    assert status(account, order) == "E"
    account.write("POST", BILL.format(order))
    assert status(account, order) == "D"
    account.write("POST", SHIP.format(order))
    assert status(account, order) == "F"
    account.write("POST", BILL.format(order))
    assert status(account, order) == "G"
    assert account.refusal("POST", SHIP.format(order))[:2] == (400, "USER_ERROR")
    assert account.refusal("POST", BILL.format(order))[:2] == (400, "USER_ERROR")


def test_lines_not_named_ship_in_full_unless_the_sublist_is_replaced(account: Any) -> None:
    customer, one, two = account.customer(), account.item(), account.item("BOLT")
    order = account.order(customer, (one, 2, 10), (two, 3, 10))
    rows = {"item": {"items": [{"orderLine": 1, "quantity": 1}]}}
    made = account.write("POST", SHIP.format(order), rows, {"replace": "item"})
    assert [
        line["quantity"] for line in account.get(f"itemFulfillment/{made}", expandSubResources="true")["item"]["items"]
    ] == [1]
    made = account.write("POST", SHIP.format(order), {"item": {"items": [{"orderLine": 1, "itemReceive": False}]}})
    lines = account.get(f"itemFulfillment/{made}/item", expandSubResources="true")["items"]
    assert [(line["orderLine"], line["quantity"]) for line in lines] == [(2, 3)]


def test_only_committed_goods_ship(account: Any) -> None:
    item = account.item(on_hand=3)
    order = account.order(account.customer(), (item, 5, 10))
    refused = account.refusal("POST", SHIP.format(order), {"item": {"items": [{"orderLine": 1, "quantity": 4}]}})
    assert refused[:2] == (400, "USER_ERROR")
    account.write("POST", SHIP.format(order))
    refused = account.refusal("POST", SHIP.format(order))
    assert "at least one valid line item" in refused[2]
    account.core.receive_stock(item, 10)
    account.write("POST", SHIP.format(order))
    assert status(account, order) == "F"


def test_a_fulfillment_tells_its_order_and_tracking_number(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 10))
    package = {"package": {"items": [{"packageTrackingNumber": "1Z-9"}]}}
    made = account.write("POST", SHIP.format(order), {"externalId": "IF-1", "shipStatus": {"id": "C"}, **package})
    shown = account.get("itemFulfillment/eid:IF-1", expandSubResources="true")
    assert (shown["id"], shown["createdFrom"]["id"], shown["shipStatus"]["id"]) == (made, order, "C")
    assert shown["createdDate"] == "2026-01-05T00:00:00Z"
    assert shown["package"]["items"][0]["packageTrackingNumber"] == "1Z-9"
    account.write("PATCH", f"itemFulfillment/{made}", {"package": {"items": [{"packageTrackingNumber": "1Z-10"}]}})
    assert account.core.state.deliveries[made].tracking == "1Z-10"
    assert account.refusal("POST", SHIP.format(order), {"shipStatus": {"id": "A"}, "externalId": "IF-2"})[0] == 400


def test_a_repeated_transform_with_its_key_is_told_that_it_was_done(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 10))
    for path, key in ((SHIP, "IF-1"), (BILL, "INV-1")):
        account.write("POST", path.format(order), {"externalId": key})
        refused = account.refusal("POST", path.format(order), {"externalId": key})
        assert refused == (400, "USER_ERROR", "This entity already exists.")
    assert len(account.core.state.deliveries) == len(account.core.state.invoices) == 1


def test_a_preview_of_a_transform_is_refused_and_not_executed(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 10))
    preview = {"accept": "application/vnd.oracle.resource+json; type=create-form"}
    assert account.refusal("POST", SHIP.format(order), {}, **preview)[0] == 400
    assert not account.core.state.deliveries


def test_billing_part_of_what_was_shipped(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 5, 10), (account.item("BOLT"), 2, 1))
    account.write("POST", SHIP.format(order))
    rows = {"item": {"items": [{"orderLine": 1, "quantity": 3}, {"orderLine": 2, "quantity": 0}]}}
    invoice = account.get(f"invoice/{account.write('POST', BILL.format(order), rows)}")
    assert (invoice["total"], invoice["amountRemaining"], invoice["status"]["refName"]) == (30.0, 30.0, "Open")
    assert (invoice["createdFrom"]["id"], invoice["dueDate"]) == (order, "2026-02-04")
    too_many = {"item": {"items": [{"orderLine": 1, "quantity": 3}]}}
    assert account.refusal("POST", BILL.format(order), too_many)[:2] == (400, "USER_ERROR")
    rest = account.get(f"invoice/{account.write('POST', BILL.format(order))}")
    assert rest["total"] == 22.0
    assert status(account, order) == "G"


def test_nothing_is_billed_before_it_is_shipped(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 10))
    assert account.refusal("POST", BILL.format(order))[:2] == (400, "USER_ERROR")


def test_over_the_credit_limit_an_order_waits_for_approval(account: Any) -> None:
    customer, item = account.customer(creditLimit=100), account.item()
    fits = account.order(customer, (item, 4, 25))
    held = account.order(customer, (item, 1, 25), orderStatus={"id": "B"})
    assert (status(account, fits), status(account, held)) == ("B", "A")
    for path in (SHIP, BILL):
        code, detail = account.refusal("POST", path.format(held))[1:]
        assert code == "USER_ERROR"
        assert "You can not initialize" in detail
    shown = account.get(f"customer/{customer}")
    assert (shown["unbilledOrders"], shown["balance"], shown["depositBalance"]) == (125.0, 0.0, 0.0)


def test_approval_by_order_status_releases_a_held_order(account: Any) -> None:
    customer, item = account.customer(creditHoldOverride={"id": "ON"}), account.item()
    held = account.order(customer, (item, 1, 25))
    assert status(account, held) == "A"
    account.write("PATCH", f"salesOrder/{held}", {"orderStatus": {"id": "B"}})
    assert status(account, held) == "B"
    account.write("POST", SHIP.format(held))


def test_raising_the_limit_releases_what_fits(account: Any) -> None:
    customer, item = account.customer(creditLimit=10), account.item()
    held = account.order(customer, (item, 1, 25))
    account.write("PATCH", f"customer/{customer}", {"creditLimit": 25})
    assert status(account, held) == "B"
    account.write("PATCH", f"customer/{customer}", {"creditHoldOverride": {"id": "ON"}})
    assert status(account, account.order(customer, (item, 1, 1))) == "A"


def test_header_fields_of_an_order_can_be_changed(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 25), otherRefNum="PO-1")
    account.write("PATCH", f"salesOrder/{order}", {"memo": "m", "otherRefNum": "PO-2", "externalId": "X"})
    shown = account.get("salesOrder/eid:X")
    assert (shown["memo"], shown["otherRefNum"]) == ("m", "PO-2")


def test_closing_a_line_frees_its_goods_and_ends_the_order(account: Any) -> None:
    customer, item = account.customer(), account.item(on_hand=10)
    order = account.order(customer, (item, 16, 10))
    account.write("POST", SHIP.format(order), {"item": {"items": [{"orderLine": 1, "quantity": 2}]}})
    (line,) = account.get(f"salesOrder/{order}/item", expandSubResources="true")["items"]
    assert (line["quantityCommitted"], line["quantityBackOrdered"]) == (8, 6)
    account.write("PATCH", f"salesOrder/{order}", {"item": {"items": [{"line": 1, "isClosed": True}]}})
    (line,) = account.get(f"salesOrder/{order}/item", expandSubResources="true")["items"]
    assert (line["quantityCommitted"], line["quantityBackOrdered"], line["isClosed"]) == (0, 0, True)
    assert status(account, order) == "F"
    assert account.get(f"inventoryItem/{item}")["quantityAvailable"] == 8
    assert account.get(f"customer/{customer}")["unbilledOrders"] == 20.0
    account.write("POST", BILL.format(order))
    assert status(account, order) == "G"
    other = account.order(customer, (item, 1, 10))
    account.write("PATCH", f"salesOrder/{other}", {"item": {"items": [{"line": 1, "isClosed": True}]}})
    assert status(account, other) == "H"


def test_changing_quantity_or_rate_of_a_line_is_refused_and_not_dropped(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 6, 10))
    same = {"item": {"items": [{"line": 1, "quantity": 6, "rate": 10.0}]}}
    account.write("PATCH", f"salesOrder/{order}", same)
    for change in ({"quantity": 7}, {"rate": 9}):
        body = {"memo": "x", "item": {"items": [{"line": 1, **change}]}}
        assert account.refusal("PATCH", f"salesOrder/{order}", body)[:2] == (400, "INVALID_CONTENT")
    assert "memo" not in account.get(f"salesOrder/{order}")


def test_an_order_is_cancelled_by_status_only_before_it_ships(account: Any) -> None:
    customer, item = account.customer(), account.item()
    order = account.order(customer, (item, 1, 10))
    account.write("PATCH", f"salesOrder/{order}", {"orderStatus": {"id": "C"}})
    assert status(account, order) == "C"
    shipped = account.order(customer, (item, 1, 10))
    account.write("POST", SHIP.format(shipped))
    assert account.refusal("PATCH", f"salesOrder/{shipped}", {"orderStatus": {"id": "C"}})[0] == 400


def test_an_order_can_be_deleted_only_when_nothing_came_of_it(account: Any) -> None:
    customer, item = account.customer(), account.item()
    order = account.order(customer, (item, 3, 10), externalId="WEB-1")
    assert account.call("DELETE", f"salesOrder/{order}").status == 204
    assert account.refusal("GET", "salesOrder/eid:WEB-1")[0] == 404
    assert account.get(f"inventoryItem/{item}")["quantityAvailable"] == 100
    shipped = account.order(customer, (item, 3, 10), externalId="WEB-1")
    account.write("POST", SHIP.format(shipped))
    assert "dependent records" in account.refusal("DELETE", f"salesOrder/{shipped}")[2]


def test_with_several_locations_each_fulfilled_line_must_name_one(new_account: Any) -> None:
    account = new_account(NetSuiteConfig(locations=("East", "West")))
    order = account.order(account.customer(), (account.item(), 2, 10))
    assert "Location" in account.refusal("POST", SHIP.format(order))[2]
    rows = [{"orderLine": 1, "quantity": 1, "location": {"id": "2"}}]
    account.write("POST", SHIP.format(order), {"item": {"items": rows}})


def test_an_account_may_bill_with_each_delivery(new_account: Any) -> None:
    account = new_account(NetSuiteConfig(bill_on_delivery=True))
    order = account.order(account.customer(), (account.item(), 2, 10))
    account.write("POST", SHIP.format(order))
    assert status(account, order) == "G"


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 5), st.booleans()), max_size=12))
def test_the_status_letter_always_tells_what_may_be_done_next(
    new_account: Any, moves: list[tuple[int, int, bool]]
) -> None:
    """B, D or E: something may ship. E or F: something may be billed. G: neither."""
    account = new_account()
    order = account.order(account.customer(), (account.item(), 5, 10), (account.item("BOLT"), 3, 1))
    for line, quantity, bill in moves:
        rows = {"item": {"items": [{"orderLine": line, "quantity": quantity}]}}
        account.call("POST", (BILL if bill else SHIP).format(order), rows, {"replace": "item"})
        lines = account.core.state.orders[order].lines
        letter = status(account, order)
        assert (letter in "BDE") == any(each.shipped < each.quantity for each in lines)
        assert (letter in "EF") == any(each.billed < each.shipped for each in lines)
