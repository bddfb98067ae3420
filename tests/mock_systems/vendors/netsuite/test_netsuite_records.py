"""Customers, items and what all records share: addresses, upserts, names, errors, reading parts."""

import json
from typing import Any

import pytest

from o2c_twin.mock_systems.vendors.netsuite import Integration, NetSuiteConfig, derive_integration
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.faults import ServerError, Throttled
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.server import NOT_MODELLED

STRICT = {"x_netsuite_propertynamevalidation": "error"}


def test_a_write_answers_with_an_address_and_no_body(account: Any) -> None:
    answer = account.call("POST", "customer", {"companyName": "Acme"})
    assert answer.status == 204
    assert answer.body == b""
    id_ = answer.headers["Location"].rpartition("/")[2]
    assert answer.headers["Location"] == f"http://localhost/services/rest/record/v1/customer/{id_}"
    assert account.get(f"customer/{id_}")["companyName"] == "Acme"


def test_a_customer_reads_back_as_it_was_written(account: Any) -> None:
    written = {
        "entityId": "C-77",
        "companyName": "Acme",
        "email": "ap@acme.example",
        "externalId": "CRM-7",
        "creditLimit": 10000.5,
        "creditHoldOverride": {"id": "ON"},
        "terms": {"id": "3"},
        "shipComplete": True,
    }
    customer = account.get(f"customer/{account.write('POST', 'customer', written)}")
    for name in ("entityId", "companyName", "email", "externalId", "creditLimit", "shipComplete"):
        assert customer[name] == written[name]
    assert customer["creditHoldOverride"] == {"id": "ON", "refName": "On"}
    assert customer["terms"] == {"id": "3", "refName": "Net 60"}
    assert customer["currency"] == {"id": "1", "refName": "USD"}
    assert customer["lastModifiedDate"] == "2026-01-05T00:00:00Z"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"refName": "Net 45"}, {"id": "145", "refName": "Net 45"}),
        ({"id": "145"}, {"id": "145", "refName": "Net 45"}),
        ("2", {"id": "2", "refName": "Net 30"}),
        ({"refName": "Due on receipt"}, {"id": "4", "refName": "Due on receipt"}),
    ],
)
def test_terms_go_by_id_or_name(account: Any, sent: Any, shown: dict[str, str]) -> None:
    assert account.get(f"customer/{account.customer(terms=sent)}")["terms"] == shown


def test_put_by_external_id_creates_once_and_then_updates(account: Any) -> None:
    first = account.write("PUT", "customer/eid:CRM-7", {"companyName": "Acme", "entityId": "C-1"})
    again = account.write("PUT", "customer/eid:CRM-7", {"companyName": "Acme Ltd", "entityId": "C-1", "email": None})
    assert first == again
    customer = account.get("customer/eid:CRM-7")
    assert (customer["id"], customer["companyName"], customer["externalId"]) == (first, "Acme Ltd", "CRM-7")
    assert len(account.core.state.customers) == 1


def test_post_with_a_known_external_id_is_refused(account: Any) -> None:
    account.customer(externalId="CRM-7")
    refused = account.refusal("POST", "customer", {"companyName": "Other", "externalId": "CRM-7"})
    assert refused == (400, "USER_ERROR", "This entity already exists.")
    assert len(account.core.state.customers) == 1


def test_patch_goes_by_id_or_external_id_and_changes_only_what_it_names(account: Any) -> None:
    id_ = account.customer(externalId="CRM-7", email="a@b.example", creditLimit=5)
    assert account.write("PATCH", "customer/eid:CRM-7", {"creditLimit": None}) == id_
    account.write("PATCH", f"customer/{id_}", {"companyName": "New name"})
    customer = account.get(f"customer/{id_}")
    assert (customer["companyName"], customer["email"]) == ("New name", "a@b.example")
    assert "creditLimit" not in customer


def test_an_external_id_given_later_finds_the_record_and_frees_the_old_one(account: Any) -> None:
    id_ = account.customer(externalId="OLD")
    account.write("PATCH", f"customer/{id_}", {"externalId": "NEW"})
    assert account.get("customer/eid:NEW")["id"] == id_
    assert account.refusal("GET", "customer/eid:OLD")[:2] == (404, "NONEXISTENT_ID")


def test_entity_ids_are_unique(account: Any) -> None:
    first = account.customer(entityId="C-1")
    second = account.customer("Other", entityId="C-2")
    status, code, detail = account.refusal("PATCH", f"customer/{second}", {"entityId": "C-1"})
    assert (status, code) == (400, "USER_ERROR")
    assert "already exists" in detail
    account.write("PATCH", f"customer/{first}", {"entityId": "C-9"})
    account.write("PATCH", f"customer/{second}", {"entityId": "C-1"})


def test_a_customer_without_transactions_can_be_deleted_and_its_key_used_again(account: Any) -> None:
    id_ = account.customer(externalId="CRM-7")
    assert account.call("DELETE", "customer/eid:CRM-7").status == 204
    assert account.refusal("GET", f"customer/{id_}")[0] == 404
    account.customer(externalId="CRM-7")


def test_a_customer_with_an_order_cannot_be_deleted(account: Any) -> None:
    customer = account.customer()
    account.order(customer, (account.item(), 1, 1))
    status, code, detail = account.refusal("DELETE", f"customer/{customer}")
    assert (status, code) == (400, "USER_ERROR")
    assert "dependent records" in detail


def test_mandatory_fields_are_asked_for_by_their_label(account: Any) -> None:
    expected = "Error while accessing a resource. Please enter value(s) for: {}."
    assert account.refusal("POST", "customer", {}) == (400, "USER_ERROR", expected.format("Company Name"))
    assert account.refusal("POST", "salesOrder", {}) == (400, "USER_ERROR", expected.format("Customer"))
    assert account.refusal("POST", "customerPayment", {}) == (400, "USER_ERROR", expected.format("Customer"))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"companyName": "A", "creditLimit": "much"}, "creditLimit"),
        ({"companyName": "A", "creditLimit": 1.005}, "creditLimit"),
        ({"companyName": "A", "isInactive": "perhaps"}, "isInactive"),
        ({"companyName": {"a": 1}}, "companyName"),
        ({"companyName": "A", "terms": {"id": "77777"}}, "terms"),
        ({"companyName": "A", "currency": {"refName": "XXX"}}, "currency"),
        ({"companyName": "A", "creditHoldOverride": {"id": "SOMETIMES"}}, "creditHoldOverride"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(account: Any, body: dict[str, Any], path: str) -> None:
    answer = account.call("POST", "customer", body)
    detail = json.loads(answer.body)["o:errorDetails"][0]
    assert (answer.status, detail["o:errorCode"], detail["o:errorPath"]) == (400, "INVALID_CONTENT", path)
    assert not account.core.state.customers


def test_an_unknown_property_is_an_error_only_where_that_is_asked_for(account: Any) -> None:
    body = {"companyName": "Acme", "colour": "red"}
    assert account.call("POST", "customer", body).status == 204
    assert account.call("POST", "customer", body, x_netsuite_propertynamevalidation="Ignore").status == 204
    answer = account.call("POST", "customer", body, **STRICT)
    detail = json.loads(answer.body)["o:errorDetails"][0]
    assert (answer.status, detail["o:errorCode"], detail["o:errorPath"]) == (400, "INVALID_CONTENT", "colour")


def test_an_unknown_property_in_a_sublist_is_named_by_its_place(account: Any) -> None:
    line = {"item": {"id": account.item()}, "quantity": 1, "hue": 3}
    body = {"entity": {"id": account.customer()}, "item": {"items": [line]}}
    answer = account.call("POST", "salesOrder", body, **STRICT)
    assert json.loads(answer.body)["o:errorDetails"][0]["o:errorPath"] == "item.items[0].hue"
    assert not account.core.state.orders


def test_custom_fields_are_known_when_the_account_has_them(new_account: Any) -> None:
    account = new_account(NetSuiteConfig(custom_fields=("custentity_region",)))
    assert account.call("POST", "customer", {"companyName": "A", "custentity_region": "N"}, **STRICT).status == 204
    assert account.call("POST", "customer", {"companyName": "A", "custentity_other": "N"}, **STRICT).status == 400


def test_items_are_created_once_and_read(account: Any) -> None:
    id_ = account.write("POST", "inventoryItem", {"itemId": "BOLT", "displayName": "Bolt M8", "basePrice": 0.35})
    account.core.receive_stock(id_, 7)
    item = account.get(f"inventoryItem/{id_}")
    assert (item["itemId"], item["displayName"], item["basePrice"]) == ("BOLT", "Bolt M8", 0.35)
    assert (item["totalQuantityOnHand"], item["quantityAvailable"]) == (7, 7)
    assert account.refusal("POST", "inventoryItem", {"itemId": "BOLT"})[1] == "USER_ERROR"


def test_fields_picks_properties(account: Any) -> None:
    id_ = account.customer(email="a@b.example")
    picked = account.get(f"customer/{id_}", fields="email,companyName")
    assert set(picked) == {"links", "id", "email", "companyName"}


def test_what_is_not_there_is_404_and_a_wrong_method_405(account: Any) -> None:
    assert account.refusal("GET", "customer/999")[:2] == (404, "NONEXISTENT_ID")
    assert account.refusal("GET", "customer/eid:nobody")[:2] == (404, "NONEXISTENT_ID")
    assert account.refusal("POST", "salesOrder/999/!transform/invoice")[:2] == (404, "NONEXISTENT_ID")
    assert account.refusal("PUT", "invoice")[:2] == (405, "METHOD_NOT_ALLOWED")
    assert account.refusal("PUT", "customer/12", {"companyName": "A"})[0] == 400


def test_what_the_mock_does_not_cover_looks_not_found_and_is_journalled_as_not_modelled(account: Any) -> None:
    assert account.refusal("GET", "vendorBill/1")[:2] == (404, "NONEXISTENT_ID")
    assert account.server.journal.entries[-1].operation == NOT_MODELLED


def test_a_trailing_slash_makes_no_difference(account: Any) -> None:
    account.customer()
    assert account.get("customer/")["totalResults"] == 1


def test_a_body_that_is_no_json_is_invalid_content(account: Any) -> None:
    path = "/services/rest/record/v1/customer"
    header = {"authorization": account.authorization("POST", path)}
    answer = account.send(Request("POST", path, {}, header, b"{companyName"))
    assert answer.status == 400
    assert json.loads(answer.body)["o:errorDetails"][0]["o:errorCode"] == "INVALID_CONTENT"


def test_a_role_without_permission_gets_403(new_account: Any) -> None:
    full = derive_integration("123456_SB1", 0, "sales")
    sales = Integration(
        "sales", full.consumer_key, full.consumer_secret, full.token_id, full.token_secret, "u", False,
        ("customerPayment",),
    )  # fmt: skip
    account = new_account(NetSuiteConfig(integrations=(sales,)))
    assert account.refusal("GET", "customerPayment")[:2] == (403, "INSUFFICIENT_PERMISSION")
    assert account.refusal("POST", "customerPayment", {})[:2] == (403, "INSUFFICIENT_PERMISSION")
    assert account.refusal("GET", "/services/rest/system/v1/governanceLimits")[:2] == (403, "INSUFFICIENT_PERMISSION")
    assert account.get("customer")["count"] == 0


def test_server_errors_and_throttling_have_the_vendors_shape_and_no_retry_after(account: Any) -> None:
    account.server.faults.add(ServerError(next=1))
    assert account.refusal("GET", "customer")[:2] == (500, "UNEXPECTED_ERROR")
    account.server.faults.add(Throttled(next=1))
    answer = account.call("GET", "customer")
    assert answer.status == 429
    assert "Retry-After" not in answer.headers
    detail = json.loads(answer.body)["o:errorDetails"][0]
    assert detail == {
        "detail": "Concurrent request limit exceeded. Request blocked.",
        "o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED",
    }


@pytest.mark.parametrize(
    ("tier", "licences", "limit"), [("standard", 0, 5), ("premium", 5, 65), ("enterprise", 0, 20), ("ultimate", 1, 30)]
)
def test_concurrency_follows_tier_and_licences(new_account: Any, tier: Any, licences: int, limit: int) -> None:
    account = new_account(NetSuiteConfig(tier=tier, suitecloud_plus=licences))
    assert account.get("/services/rest/system/v1/governanceLimits") == {
        "accountConcurrencyLimit": limit,
        "accountUnallocatedConcurrencyLimit": limit,
        "integrationLimitType": "accountLimit",
    }


def test_the_metadata_catalogue_names_the_records_and_their_properties(account: Any) -> None:
    names = [entry["name"] for entry in account.get("metadata-catalog")["items"]]
    assert names == [
        "customer",
        "inventoryItem",
        "salesOrder",
        "itemFulfillment",
        "invoice",
        "customerPayment",
        "advIntercompanyJournalEntry",
        "creditMemo",
    ]
    schema = account.get("metadata-catalog/salesOrder")
    assert schema["properties"]["otherRefNum"] == {"type": "string"}
    assert schema["properties"]["tranDate"] == {"type": "string", "format": "date"}
    assert account.refusal("GET", "metadata-catalog/unicorn")[0] == 404


def test_every_property_shown_is_in_the_catalogue(account: Any) -> None:
    customer, item = account.customer(externalId="A", email="e@x.example", creditLimit=1), account.item()
    account.write("PATCH", f"customer/{customer}", {"creditLimit": 1000})
    order = account.order(customer, (item, 2, 10), memo="m", otherRefNum="P", externalId="O")
    made = account.write("POST", f"salesOrder/{order}/!transform/itemFulfillment", {"externalId": "F"})
    invoice = account.write("POST", f"salesOrder/{order}/!transform/invoice", {"externalId": "I"})
    memo = account.write("POST", f"invoice/{invoice}/!transform/creditMemo", {"item": {"items": [{"amount": 5}]}})
    payment = account.write("POST", f"invoice/{invoice}/!transform/customerPayment", {"checkNum": "1"})
    for name, id_ in (
        ("customer", customer),
        ("inventoryItem", item),
        ("salesOrder", order),
        ("itemFulfillment", made),
        ("invoice", invoice),
        ("creditMemo", memo),
        ("customerPayment", payment),
    ):
        known = account.get(f"metadata-catalog/{name}")["properties"]
        assert set(account.get(f"{name}/{id_}", expandSubResources="true")) <= set(known), name


def test_snapshot_and_restore_bring_everything_back(account: Any) -> None:
    customer, item = account.customer(externalId="A"), account.item()
    order = account.order(customer, (item, 2, 10), otherRefNum="P")
    kept = account.dialect.snapshot()
    account.write("PATCH", f"salesOrder/{order}", {"otherRefNum": "Q"})
    account.customer("Second", externalId="B")
    account.dialect.restore(kept)
    assert account.get("customer")["totalResults"] == 1
    assert account.select("SELECT id FROM transaction WHERE otherrefnum = 'P'") == [{"links": [], "id": order}]
    assert account.select("SELECT id FROM transaction WHERE otherrefnum = 'Q'") == []
    account.customer("Again", externalId="B")


def test_every_operation_has_a_name_of_its_own_and_a_source(account: Any) -> None:
    routes = account.dialect.routes
    assert len({operation.name for operation in routes}) == len(routes)
    assert all(operation.source and operation.summary for operation in routes)
    paths = MockApp(account.server, "control").openapi()["paths"]
    assert "/services/rest/record/v1/salesOrder/{id}/!transform/invoice" in paths
