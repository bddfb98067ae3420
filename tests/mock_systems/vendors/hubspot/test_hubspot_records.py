"""Single records: every property is text, writes are whole or refused, keys are kept."""

import json

import pytest


def test_a_record_is_created_read_changed_and_archived(portal):
    made = portal.call("POST", "companies", {"properties": {"name": "Acme", "credit_limit": 5000}})
    assert made.status == 201
    id_ = made.json["id"]
    assert made.json["properties"]["name"] == "Acme"
    assert made.json["properties"]["hs_object_id"] == id_
    assert (made.json["createdAt"], made.json["archived"]) == ("2026-01-01T00:00:00.000Z", False)
    portal.later(1.5)
    changed = portal.call("PATCH", f"companies/{id_}", {"properties": {"city": "Köln"}})
    assert (changed.status, changed.json["updatedAt"]) == (200, "2026-01-01T00:00:01.500Z")
    assert portal.read("companies", id_, "city", "credit_limit", "phone", "no_such") == {
        "city": "Köln",
        "credit_limit": "5000",
        "phone": None,
        "hs_object_id": id_,
        "createdate": "2026-01-01T00:00:00.000Z",
        "hs_lastmodifieddate": "2026-01-01T00:00:01.500Z",
    }
    assert portal.call("DELETE", f"companies/{id_}").status == 204
    assert portal.call("DELETE", f"companies/{id_}").status == 204
    assert portal.call("GET", f"companies/{id_}").error == (404, "OBJECT_NOT_FOUND")
    gone = portal.call("GET", f"companies/{id_}", query={"archived": "true"})
    assert (gone.status, gone.json["archived"]) == (200, True)
    assert gone.json["archivedAt"]


@pytest.mark.parametrize("name", ["deals", "deal", "0-3", "DEALS"])
@pytest.mark.parametrize("base", ["/crm/v3/objects", "/crm/objects/2026-09"])
def test_an_object_type_has_several_names_in_two_families_of_addresses(quick, name, base):
    id_ = quick.deal()
    assert quick.call("GET", f"{base}/{name}/{id_}").json["properties"]["dealname"] == "Deal"


def test_addresses_that_are_not_there_are_the_vendors_not_found_and_told_to_the_journal(portal):
    assert portal.call("GET", "/crm/v3/imports").error == (404, "OBJECT_NOT_FOUND")
    entry = portal.server.journal.entries[-1]
    assert entry.operation == "not modelled"
    assert portal.call("PUT", "deals", {}).status == 405
    assert portal.call("GET", "/crm/objects/2019-01/deals").status == 404
    assert portal.call("GET", "tickets").error == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("companies", {"colour": "red"}, ("colour", "PROPERTY_DOESNT_EXIST")),
        ("companies", {"hs_object_id": "1"}, ("hs_object_id", "READ_ONLY_VALUE")),
        ("companies", {"lifecyclestage": "friend"}, ("lifecyclestage", "INVALID_OPTION")),
        ("companies", {"credit_limit": "much"}, ("credit_limit", "INVALID_DOUBLE")),
        ("companies", {"name": ["a"]}, ("name", "INVALID_VALUE")),
        ("deals", {"dealstage": "Closed Won"}, ("dealstage", "INVALID_OPTION")),
        ("deals", {"dealstage": "closedwon", "closedate": "soon"}, ("closedate", "INVALID_LONG")),
        ("deals", {"dealstage": "closedwon", "amount": "NaN"}, ("amount", "INVALID_DOUBLE")),
        ("deals", {"dealstage": ""}, ("dealstage", "INVALID_OPTION")),
        ("deals", {"dealstage": "closedwon", "hs_is_closed_won": "true"}, ("hs_is_closed_won", "READ_ONLY_VALUE")),
        ("contacts", {"email": "nobody"}, ("email", "INVALID_EMAIL")),
        ("line_items", {"hs_product_id": "12"}, ("hs_product_id", "INVALID_OPTION")),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_code(quick, kind, properties, problem):
    answer = quick.call("POST", kind, {"properties": properties})
    assert answer.error == (400, "VALIDATION_ERROR")
    assert answer.problems == [problem]
    assert quick.dialect.core.state.feed.by_kind == {}


def test_all_values_that_do_not_fit_are_named_and_none_is_written(quick):
    id_ = quick.deal()
    answer = quick.call("PATCH", f"deals/{id_}", {"properties": {"dealname": "New", "a": "1", "amount": "x"}})
    assert answer.problems == [("a", "PROPERTY_DOESNT_EXIST"), ("amount", "INVALID_DOUBLE")]
    assert quick.read("deals", id_)["dealname"] == "Deal"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("deals", {"properties": {"dealname": "No stage"}}),
        ("contacts", {"properties": {"phone": "1"}}),
        ("deals", {}),
        ("deals", {"properties": "x"}),
        ("deals", b"{"),
        ("deals", b"[]"),
        ("deals", b"\xff"),
    ],
)
def test_a_body_that_is_none_is_refused_as_the_vendor_does(quick, kind, body):
    assert quick.call("POST", kind, body).error == (400, "VALIDATION_ERROR")


def test_money_and_numbers_are_kept_to_the_digit_as_they_were_written(quick):
    product = quick.create("products", name="Widget", hs_sku="W", price="10.50")
    deal = quick.deal(amount="1234.50")
    line = quick.create("line_items", (20, deal), hs_product_id=product, quantity="3")
    assert quick.read("products", product, "price")["price"] == "10.50"
    assert quick.read("deals", deal, "amount")["amount"] == "1234.50"
    shown = quick.read("line_items", line, "price", "amount", "hs_sku", "name", "quantity")
    assert {k: shown[k] for k in ("price", "amount", "hs_sku", "name", "quantity")} == {
        "price": "10.50",
        "amount": "31.5",
        "hs_sku": "W",
        "name": "Widget",
        "quantity": "3",
    }
    half = quick.create("line_items", name="Hours", quantity="2.5", price="80")
    assert quick.read("line_items", half, "amount", "quantity")["amount"] == "200"
    assert quick.read("line_items", half, "quantity")["quantity"] == "2.5"
    exact = json.loads(quick.call("PATCH", f"deals/{deal}", b'{"properties":{"amount":19.99}}').text)
    assert exact["properties"]["amount"] == "19.99"


def test_what_people_enter_on_the_screens_is_read_in_the_vendors_words(quick):
    core = quick.core
    account = core.create("account", {"name": "Acme"}, {"payment_terms_days": 30, "credit_limit": 5_000})
    product = core.create("product", {"code": "W", "name": "Widget", "price_minor": 1_999})
    deal = core.create(
        "opportunity",
        {"name": "D", "stage": "Negotiation/Review", "close_date": "2026-02-01", "account_id": account.id},
    )
    core.create("line", {"opportunity_id": deal.id, "product_id": product.id, "quantity": 2, "unit_price_minor": 1_950})
    core.update("opportunity", deal.id, {"stage": "Closed Won"})
    assert quick.read("companies", account.id, "payment_terms_days", "credit_limit")["payment_terms_days"] == "30"
    shown = quick.read("deals", deal.id, "dealstage", "closedate", "amount", "hs_is_closed_won", "pipeline")
    assert (shown["dealstage"], shown["hs_is_closed_won"], shown["pipeline"]) == ("closedwon", "true", "default")
    assert (shown["closedate"], shown["amount"]) == ("2026-02-01T00:00:00.000Z", None)
    ((line, types),) = quick.linked("deals", deal.id, "line_items")
    assert types == [19]
    assert quick.read("line_items", line, "hs_sku", "price", "quantity", "amount")["price"] == "19.5"
    # What was written through the API no longer holds once people have changed it.
    quick.call("PATCH", f"products/{product.id}", {"properties": {"price": "5.00"}})
    core.update("product", product.id, {"price_minor": 600})
    assert quick.read("products", product.id, "price")["price"] == "6"


def test_a_deals_amount_follows_its_lines_only_in_a_portal_that_is_set_so(open_portal):
    for follows, amount in ((False, "7"), (True, "20")):
        portal = open_portal(amount_follows_lines=follows)
        deal = portal.deal(amount="7")
        portal.create("line_items", (20, deal), name="X", quantity="2", price="10")
        assert portal.read("deals", deal, "amount")["amount"] == amount
    assert portal.call("PATCH", f"deals/{deal}", {"properties": {"amount": "1"}}).problems == [
        ("amount", "READ_ONLY_VALUE")
    ]


def test_a_value_is_cleared_with_empty_text_or_null(quick):
    id_ = quick.create("contacts", email="ann@acme.example", firstname="Ann", phone="1")
    quick.call("PATCH", f"contacts/{id_}", {"properties": {"phone": "", "firstname": None}})
    shown = quick.read("contacts", id_, "phone", "firstname", "email")
    assert (shown["phone"], shown["firstname"], shown["email"]) == (None, None, "ann@acme.example")


def test_dates_are_taken_in_milliseconds_or_iso_and_answered_in_iso(quick):
    one = quick.deal(closedate="1767225600000")
    two = quick.deal(closedate="2026-01-01T01:00:00+01:00")
    assert {quick.read("deals", each, "closedate")["closedate"] for each in (one, two)} == {"2026-01-01T00:00:00.000Z"}


# --- keys -------------------------------------------------------------------------------------------


def test_an_email_belongs_to_one_contact_and_the_holders_id_is_in_the_text_only(quick):
    id_ = quick.create("contacts", email="ann@acme.example")
    again = quick.call("POST", "contacts", {"properties": {"email": "Ann@Acme.example"}})
    assert again.error == (409, "CONFLICT")
    assert again.json["message"] == f"Contact already exists. Existing ID: {id_}"
    other = quick.create("contacts", email="bob@acme.example")
    assert quick.call("PATCH", f"contacts/{other}", {"properties": {"email": "ann@acme.example"}}).status == 409


def test_a_unique_property_is_kept_unique_and_serves_as_an_id(quick):
    id_ = quick.create("companies", name="Acme", erp_customer_id="C-1")
    again = quick.call("POST", "companies", {"properties": {"name": "Other", "erp_customer_id": "C-1"}})
    assert again.error == (400, "VALIDATION_ERROR")
    assert f"{id_} already has that value." in again.json["message"]
    by_key = {"idProperty": "erp_customer_id"}
    assert quick.call("GET", "companies/C-1", query=by_key).json["id"] == id_
    assert quick.call("PATCH", "companies/C-1", {"properties": {"city": "Bonn"}}, by_key).json["id"] == id_
    assert quick.call("GET", "companies/C-2", query=by_key).status == 404
    bad = quick.call("GET", "companies/Acme", query={"idProperty": "name"})
    assert bad.error == (400, "VALIDATION_ERROR")
    assert "non-unique 0-2 property name" in bad.json["message"]
    assert quick.call("GET", "contacts/x@y.example", query={"idProperty": "email"}).status == 404


def test_the_value_of_an_archived_record_is_free_again(quick):
    id_ = quick.create("companies", name="Acme", erp_customer_id="C-1")
    quick.call("DELETE", f"companies/{id_}")
    assert quick.create("companies", name="Acme", erp_customer_id="C-1") != id_


# --- lists ------------------------------------------------------------------------------------------


def test_a_list_is_paged_by_after_and_keeps_its_place_when_records_come(portal):
    ids = [portal.create("companies", name=f"C{n}") for n in range(5)]
    page = portal.call("GET", "companies", query={"limit": "2", "properties": "name"}).json
    seen = [each["id"] for each in page["results"]]
    while "paging" in page:
        portal.create("companies", name="late")
        after = page["paging"]["next"]["after"]
        assert f"after={after}" in page["paging"]["next"]["link"]
        page = portal.call("GET", "companies", query={"limit": "2", "after": after}).json
        seen += [each["id"] for each in page["results"]]
        if len(seen) > 20:
            break
    assert seen[:5] == ids
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    "query", [{"limit": "101"}, {"limit": "0"}, {"limit": "x"}, {"after": "x"}, {"after": "9" * 5_000}]
)
def test_a_page_that_cannot_be_is_refused(quick, query):
    assert quick.call("GET", "deals", query=query).error == (400, "VALIDATION_ERROR")


def test_archived_records_have_a_list_of_their_own(quick):
    one, two = quick.create("companies", name="A"), quick.create("companies", name="B")
    for id_ in (two, one):
        quick.call("DELETE", f"companies/{id_}")
    first = quick.call("GET", "companies", query={"archived": "true", "limit": "1"}).json
    second = quick.call("GET", "companies", query={"archived": "true", "after": first["paging"]["next"]["after"]}).json
    assert [r["id"] for r in first["results"] + second["results"]] == [one, two]
    assert quick.call("GET", "companies").json == {"results": []}


def test_a_read_may_ask_for_history_of_which_there_is_one_version(quick):
    id_ = quick.deal()
    shown = quick.call("GET", f"deals/{id_}", query={"propertiesWithHistory": "dealstage"}).json
    assert [v["value"] for v in shown["propertiesWithHistory"]["dealstage"]] == ["contractsent"]


# --- the data model ---------------------------------------------------------------------------------


def test_a_property_is_made_used_changed_and_archived(portal):
    body = {
        "name": "erp_route",
        "label": "Route",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "dealinformation",
        "options": [{"label": "North", "value": "n"}],
    }
    assert portal.call("POST", "/crm/v3/properties/deals", body).status == 201
    assert portal.call("POST", "/crm/v3/properties/deals", body).error == (409, "CONFLICT")
    id_ = portal.deal(erp_route="n")
    assert portal.call("PATCH", f"deals/{id_}", {"properties": {"erp_route": "s"}}).problems == [
        ("erp_route", "INVALID_OPTION")
    ]
    more = {"options": [{"label": "North", "value": "n"}, {"label": "South", "value": "s"}]}
    assert portal.call("PATCH", "/crm/v3/properties/deals/erp_route", more).status == 200
    assert portal.call("PATCH", f"deals/{id_}", {"properties": {"erp_route": "s"}}).status == 200
    assert portal.call("GET", "/crm/v3/properties/deals/erp_route").json["hubspotDefined"] is False
    assert portal.call("DELETE", "/crm/v3/properties/deals/erp_route").status == 204
    assert portal.call("PATCH", f"deals/{id_}", {"properties": {"erp_route": "n"}}).problems == [
        ("erp_route", "PROPERTY_DOESNT_EXIST")
    ]
    assert portal.call("DELETE", "/crm/v3/properties/deals/dealname").error == (400, "VALIDATION_ERROR")
    listed = {p["name"]: p for p in portal.call("GET", "/crm/v3/properties/deals").json["results"]}
    assert listed["deal_ref"]["hasUniqueValue"] is True
    assert listed["hs_object_id"]["modificationMetadata"]["readOnlyValue"] is True


def test_a_property_may_be_made_unique_from_the_start(quick):
    body = {
        "name": "crm_key", "label": "Key", "type": "string", "fieldType": "text", "groupName": "dealinformation",
        "hasUniqueValue": True,
    }  # fmt: skip
    assert quick.call("POST", "/crm/v3/properties/deals", body).status == 201
    id_ = quick.deal(crm_key="K")
    assert quick.call("POST", "deals", {"properties": {"dealstage": "closedwon", "crm_key": "K"}}).status == 400
    assert quick.call("GET", "deals/K", query={"idProperty": "crm_key"}).json["id"] == id_


def test_the_default_pipeline_knows_which_stage_is_won(portal):
    (pipeline,) = portal.call("GET", "/crm/v3/pipelines/deals").json["results"]
    stages = {stage["id"]: stage["metadata"] for stage in pipeline["stages"]}
    assert (pipeline["id"], stages["closedwon"]) == ("default", {"isClosed": "true", "probability": "1.0"})
    assert portal.call("GET", "/crm/v3/pipelines/deals/default/stages/closedlost").json["label"] == "Closed Lost"
    assert portal.call("GET", "/crm/v3/pipelines/deals/other").status == 404
    assert portal.call("GET", "/crm/v3/owners").json["results"][0]["id"] == "1"


# --- state ------------------------------------------------------------------------------------------


def test_a_reset_takes_back_records_links_properties_and_what_search_knows(open_portal):
    portal = open_portal()
    company = portal.create("companies", name="Acme", erp_customer_id="C-1")
    contact = portal.create("contacts", (280 - 1, company), email="a@b.example")
    portal.server.seal()
    before = portal.dialect.snapshot()
    portal.create("companies", name="Other")
    portal.call("DELETE", f"companies/{company}")
    portal.call("DELETE", "/crm/v3/properties/deals/po_number")
    portal.server.reset()
    assert portal.dialect.snapshot() == before
    assert portal.read("companies", company)["name"] == "Acme"
    assert portal.linked("contacts", contact, "companies") == [(company, [1, 279])]
    assert portal.call("GET", "/crm/v3/properties/deals/po_number").status == 200
    assert portal.call("GET", "companies/C-1", query={"idProperty": "erp_customer_id"}).json["id"] == company
    assert portal.found("companies") == []
    portal.later(31)
    assert portal.found("companies") == [company]


def test_two_portals_of_one_seed_spell_the_same_ids_and_other_seeds_do_not(open_portal):
    one, two, other = (open_portal(seed=seed).create("companies", name="A") for seed in (1, 1, 2))
    assert one == two != other
    assert one.isdigit()
