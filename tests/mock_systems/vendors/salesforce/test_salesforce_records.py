"""Single records: create, read, change, delete, upsert, and what is refused."""

import pytest

from o2c_twin.mock_systems.vendors.salesforce import CustomField


def test_a_record_reads_back_what_was_written(org):
    id_ = org.create("Account", Name="Acme", BillingCity="Bonn", ShippingCity="Köln", Credit_Limit__c=12500.5)
    record = org.read("Account", id_)
    assert record["attributes"] == {"type": "Account", "url": f"/services/data/v59.0/sobjects/Account/{id_}"}
    assert record["Name"] == "Acme"
    assert record["BillingCity"] == "Bonn"
    assert record["ShippingCity"] == "Köln"
    assert record["Credit_Limit__c"] == 12500.5
    assert record["Phone"] is None
    assert record["CreatedDate"] == "2026-01-01T00:00:00.000+0000"


def test_chosen_fields_are_the_same_as_in_the_whole_record(org):
    id_ = org.create(
        "Opportunity", Name="D", StageName="Closed Won", CloseDate="2026-01-05", Amount=10, PO_Number__c="7"
    )
    whole = org.read("Opportunity", id_)
    names = [name for name in whole if name != "attributes"]
    chosen = org.call("GET", f"/sobjects/Opportunity/{id_}", query={"fields": ",".join(names)}).json
    assert chosen == whole


def test_ids_have_18_characters_and_their_first_15_do_as_well(org):
    id_ = org.create("Account", Name="Acme")
    assert len(id_) == 18
    assert id_.startswith("001")
    assert org.read("Account", id_[:15])["Id"] == id_


def test_an_update_has_no_body_and_moves_the_time_stamp(org):
    id_ = org.create("Account", Name="Acme")
    org.later(60)
    answer = org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "1", "BillingCity": ""})
    assert (answer.status, answer.text) == (204, "")
    record = org.read("Account", id_)
    assert record["Phone"] == "1"
    assert record["BillingCity"] is None
    assert record["CreatedDate"] == "2026-01-01T00:00:00.000+0000"
    assert record["SystemModstamp"] == "2026-01-01T00:01:00.000+0000"


def test_clients_that_cannot_patch_may_post(org):
    id_ = org.create("Account", Name="Acme")
    path = f"/sobjects/Account/{id_}"
    assert org.call("POST", path, {"Phone": "2"}, {"_HttpMethod": "PATCH"}).status == 204
    assert org.read("Account", id_)["Phone"] == "2"
    assert org.call("POST", path, {"Phone": "3"}).error == (405, "METHOD_NOT_ALLOWED")


def test_time_stamps_have_no_fraction_of_a_second(org):
    org.later(1.75)
    id_ = org.create("Account", Name="Acme", ERP_Last_Sync__c="2026-01-01T10:00:00.900+01:00")
    record = org.read("Account", id_)
    assert record["SystemModstamp"] == "2026-01-01T00:00:01.000+0000"
    assert record["ERP_Last_Sync__c"] == "2026-01-01T09:00:00.000+0000"


def test_a_deleted_record_says_so(org):
    id_ = org.create("Account", Name="Acme")
    assert org.call("DELETE", f"/sobjects/Account/{id_}").status == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert org.call(method, f"/sobjects/Account/{id_}", {}).error == (404, "ENTITY_IS_DELETED")


def test_audit_fields_tell_the_integration_from_people(org):
    deal = org.deal()
    user = org.read("Opportunity", deal)["LastModifiedById"]
    assert org.rows(f"SELECT Username FROM User WHERE Id = '{user}'") == [{"Username": "sync@acme.example"}]
    org.later(5)
    org.core.update("opportunity", deal, {"stage": "Qualification"})
    changed = org.read("Opportunity", deal)
    assert changed["CreatedById"] == user
    assert changed["LastModifiedById"] != user


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sobject", "body", "code", "fields"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ("Opportunity", {"Name": "D"}, "REQUIRED_FIELD_MISSING", ["StageName", "CloseDate"]),
        ("Account", {"Name": "A", "Foo__c": 1}, "INVALID_FIELD", None),
        ("Account", {"Name": "A", "Id": "x"}, "INVALID_FIELD", ["Id"]),
        (
            "Account",
            {"Name": "A", "CreatedDate": "2026-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["CreatedDate"],
        ),
        ("Account", {"Name": "A" * 256}, "STRING_TOO_LONG", ["Name"]),
        ("Account", {"Name": 5}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "A", "Credit_Limit__c": "lots"}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "A", "Credit_Limit__c": 1e20}, "NUMBER_OUTSIDE_VALID_RANGE", ["Credit_Limit__c"]),
        ("Account", {"Name": "A", "ParentId": "nonsense"}, "MALFORMED_ID", ["ParentId"]),
        ("Account", {"Name": "A", "ParentId": "0068t0000000001AAA"}, "MALFORMED_ID", ["ParentId"]),
        ("Account", {"Name": "A", "ParentId": "0018t00000000zzAAA"}, "INVALID_CROSS_REFERENCE_KEY", ["ParentId"]),
        ("Contact", {"LastName": "B", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        (
            "Opportunity",
            {"Name": "D", "StageName": "Won?", "CloseDate": "2026-01-01"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["StageName"],
        ),
        ("Opportunity", {"Name": "D", "StageName": "Prospecting", "CloseDate": "soon"}, "JSON_PARSER_ERROR", None),
    ],
)
def test_bad_data_is_refused_and_nothing_is_created(open_org, sobject, body, code, fields):
    org = open_org()
    answer = org.call("POST", f"/sobjects/{sobject}", body)
    assert answer.error == (400, code)
    assert answer.json[0].get("fields") == fields
    assert org.query(f"SELECT COUNT() FROM {sobject}").json["totalSize"] == 0


def test_a_refused_update_changes_nothing(org):
    id_ = org.create("Account", Name="Acme")
    org.later(60)
    before = org.read("Account", id_)
    assert org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "1", "Foo__c": 1}).status == 400
    assert org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "1", "Name": None}).error == (
        400,
        "REQUIRED_FIELD_MISSING",
    )
    assert org.read("Account", id_) == before


def test_a_body_that_is_no_json_object_is_refused(org):
    for body in (b"{", b"[]", b'"x"'):
        assert org.call("POST", "/sobjects/Account", body).error == (400, "JSON_PARSER_ERROR")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/sobjects/Nothing/0018t0000000001AAA", 404, "NOT_FOUND"),
        ("/sobjects/Account/0018t0000000001AAA", 404, "NOT_FOUND"),
        ("/sobjects/Account/0018t0000000001AAB", 400, "MALFORMED_ID"),
        ("/sobjects/Account/C-1", 404, "NOT_FOUND"),
        ("/sobjects/Account/ERP_Id__c/C-1", 404, "NOT_FOUND"),
        ("/sobjects/Account/Name/Acme", 404, "NOT_FOUND"),
        ("/search", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_not_found(org, path, status, code):
    assert org.call("GET", path).error == (status, code)


def test_a_method_a_path_does_not_have_is_not_allowed(org):
    answer = org.call("PUT", "/sobjects/Account/0018t0000000001AAA", {})
    assert answer.error == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["Allow"]
    assert org.call("POST", "/sobjects/User", {"LastName": "X"}).error == (405, "METHOD_NOT_ALLOWED")


def test_a_restricted_picklist_of_the_companys_own_takes_only_its_values(open_org):
    org = open_org(custom_fields={"Account": {"Tier__c": CustomField("picklist", choices=("Gold", "Silver"))}})
    org.create("Account", Name="A", Tier__c="Gold")
    answer = org.call("POST", "/sobjects/Account", {"Name": "A", "Tier__c": "Lead"})
    assert answer.error == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


# --- keys --------------------------------------------------------------------------------------


def test_an_upsert_creates_then_updates(org):
    path = "/sobjects/Account/ERP_Id__c/C-1"
    made = org.call("PATCH", path, {"Name": "Acme"})
    assert made.status == 201
    assert made.json == {"id": made.json["id"], "success": True, "errors": [], "created": True}
    changed = org.call("PATCH", path, {"Phone": "1"})
    assert changed.status == 200
    assert changed.json == {"id": made.json["id"], "success": True, "errors": [], "created": False}
    assert org.call("GET", path).json["Phone"] == "1"
    assert org.query("SELECT COUNT() FROM Account").json["totalSize"] == 1


def test_an_upsert_of_an_old_version_that_updates_has_no_body(org):
    org.base = "/services/data/v45.0"
    path = "/sobjects/Account/ERP_Id__c/C-1"
    assert org.call("PATCH", path, {"Name": "Acme"}).status == 201
    assert org.call("PATCH", path, {"Name": "Acme"}).status == 204


def test_an_upsert_may_be_told_not_to_create(org):
    path = "/sobjects/Account/ERP_Id__c/C-1"
    assert org.call("PATCH", path, {"Name": "Acme"}, {"updateOnly": "true"}).error == (404, "NOT_FOUND")
    assert org.query("SELECT COUNT() FROM Account").json["totalSize"] == 0


def test_the_key_of_an_upsert_may_not_be_in_its_body(org):
    answer = org.call("PATCH", "/sobjects/Account/ERP_Id__c/C-1", {"Name": "A", "ERP_Id__c": "C-1"})
    assert answer.error == (400, "INVALID_FIELD")


def test_a_unique_value_belongs_to_one_record(org):
    first = org.create("Account", Name="A", ERP_Id__c="C-1")
    second = org.create("Account", Name="B", ERP_Id__c="C-2")
    answer = org.call("PATCH", f"/sobjects/Account/{second}", {"ERP_Id__c": "C-1"})
    assert answer.error == (400, "DUPLICATE_VALUE")
    assert answer.json[0]["message"] == f"duplicate value found: ERP_Id__c duplicates value on record with id: {first}"
    assert answer.json[0]["fields"] == []
    org.call("DELETE", f"/sobjects/Account/{first}")
    assert org.call("PATCH", f"/sobjects/Account/{second}", {"ERP_Id__c": "C-1"}).status == 204


def test_a_key_that_is_not_unique_may_find_several(open_org):
    org = open_org(custom_fields={"Account": {"Legacy__c": CustomField(external_id=True)}})
    ids = [org.create("Account", Name=name, Legacy__c="7") for name in "AB"]
    for method in ("GET", "PATCH"):
        answer = org.call(method, "/sobjects/Account/Legacy__c/7", {"Phone": "1"})
        assert answer.status == 300
        assert answer.json == [f"/services/data/v59.0/sobjects/Account/{id_}" for id_ in ids]
    assert org.read("Account", ids[0])["Phone"] is None


def test_a_parent_may_be_named_by_its_key(org):
    account = org.create("Account", Name="Acme", ERP_Id__c="C-1")
    deal = org.deal(Account={"ERP_Id__c": "C-1"})
    assert org.read("Opportunity", deal)["AccountId"] == account
    answer = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Account": {"ERP_Id__c": "C-9"}})
    assert answer.error == (400, "INVALID_FIELD")
    assert "C-9 not found" in answer.json[0]["message"]


# --- deals and products ------------------------------------------------------------------------


def test_a_won_deal_is_closed_and_certain(org):
    deal = org.deal(Amount=1000)
    opened = org.read("Opportunity", deal)
    assert (opened["IsClosed"], opened["IsWon"], opened["Probability"]) == (False, False, 10.0)
    assert org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Won"}).status == 204
    won = org.read("Opportunity", deal)
    assert (won["IsClosed"], won["IsWon"], won["Probability"]) == (True, True, 100.0)
    assert won["ExpectedRevenue"] == 1000.0


def test_the_amount_of_a_deal_with_products_is_theirs_whatever_is_written(org):
    entry = org.priced_product(price=19.99)
    deal = org.deal(Amount=5)
    line = org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=3, UnitPrice=10.5)
    assert org.read("Opportunity", deal)["Amount"] == 31.5
    # The vendor answers 204 and leaves the amount as it is.
    assert org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 7, "PO_Number__c": "4"}).status == 204
    after = org.read("Opportunity", deal)
    assert (after["Amount"], after["PO_Number__c"]) == (31.5, "4")
    assert org.call("PATCH", f"/sobjects/OpportunityLineItem/{line}", {"Quantity": 4}).status == 204
    assert org.read("Opportunity", deal)["Amount"] == 42.0
    assert org.call("DELETE", f"/sobjects/OpportunityLineItem/{line}").status == 204
    assert org.read("Opportunity", deal)["Amount"] is None


def test_a_line_takes_the_list_price_or_the_total(org):
    entry, deal = org.priced_product(price=19.99), org.deal()
    plain = org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=2)
    total = org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=4, TotalPrice=50)
    assert org.read("OpportunityLineItem", plain)["TotalPrice"] == 39.98
    assert org.read("OpportunityLineItem", total)["UnitPrice"] == 12.5
    both = {"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": 1, "TotalPrice": 1}
    assert org.call("POST", "/sobjects/OpportunityLineItem", both).error == (400, "FIELD_INTEGRITY_EXCEPTION")


@pytest.mark.parametrize("quantity", [0, -1, 1.5])
def test_a_line_is_of_whole_units(org, quantity):
    body = {"OpportunityId": org.deal(), "PricebookEntryId": org.priced_product(), "Quantity": quantity}
    answer = org.call("POST", "/sobjects/OpportunityLineItem", body)
    assert answer.error == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")


def test_a_product_is_sold_only_with_a_price_book_entry(org):
    product = org.create("Product2", Name="P", ProductCode="P-9")
    book = org.rows("SELECT Id FROM Pricebook2")[0]["Id"]
    assert org.rows("SELECT Id FROM PricebookEntry") == []
    entry = org.create("PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=5, IsActive=True)
    assert org.rows("SELECT Id, Product2.ProductCode, UnitPrice FROM PricebookEntry")[0]["UnitPrice"] == 5.0
    again = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 6}
    assert org.call("POST", "/sobjects/PricebookEntry", again).error == (400, "DUPLICATE_VALUE")
    assert org.call("PATCH", f"/sobjects/PricebookEntry/{entry}", {"UnitPrice": 7.25}).status == 204
    assert org.read("PricebookEntry", entry)["UnitPrice"] == 7.25
    assert org.call("DELETE", f"/sobjects/PricebookEntry/{entry}").status == 204
    assert org.rows("SELECT Id FROM PricebookEntry") == []


def test_an_account_goes_with_its_contacts_and_open_deals_but_not_with_a_won_one(org):
    account = org.create("Account", Name="Acme")
    contact = org.create("Contact", LastName="Bee", AccountId=account)
    deal = org.deal(AccountId=account, StageName="Closed Won")
    refused = org.call("DELETE", f"/sobjects/Account/{account}")
    assert refused.error == (400, "DELETE_FAILED")
    assert org.read("Contact", contact)["LastName"] == "Bee"
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Lost"})
    assert org.call("DELETE", f"/sobjects/Account/{account}").status == 204
    assert org.call("GET", f"/sobjects/Contact/{contact}").error == (404, "ENTITY_IS_DELETED")
    assert org.call("GET", f"/sobjects/Opportunity/{deal}").error == (404, "ENTITY_IS_DELETED")


# --- conditional requests ----------------------------------------------------------------------


def test_an_account_has_an_entity_tag_that_guards_changes(org):
    id_ = org.create("Account", Name="Acme")
    path = f"/sobjects/Account/{id_}"
    tag = org.call("GET", path).headers["ETag"]
    assert org.call("GET", path, if_none_match=tag).status == 304
    org.later(1)
    assert org.call("PATCH", path, {"Phone": "1"}, if_match=tag.replace('="', '=-gzip"')).status == 204
    stale = org.call("PATCH", path, {"Phone": "2"}, if_match=tag)
    assert (stale.status, stale.text) == (412, "")
    assert org.call("GET", path, if_none_match=tag).json["Phone"] == "1"
    assert org.call("PATCH", path, {}, if_match="rubbish").status == 400


def test_other_records_know_only_dates(org):
    deal = org.deal()
    path = f"/sobjects/Opportunity/{deal}"
    assert "ETag" not in org.call("GET", path).headers
    assert org.call("GET", path, if_modified_since="Thu, 01 Jan 2026 00:00:00 GMT").status == 304
    assert org.call("PATCH", path, {}, if_unmodified_since="Wed, 31 Dec 2025 23:59:59 GMT").status == 412
    assert org.call("GET", path, if_modified_since="yesterday").status == 400


# --- descriptions ------------------------------------------------------------------------------


def test_an_sobject_describes_its_fields(org):
    fields = {f["name"]: f for f in org.call("GET", "/sobjects/Account/describe").json["fields"]}
    assert fields["ERP_Id__c"]["externalId"]
    assert fields["ERP_Id__c"]["unique"]
    assert fields["Name"]["nillable"] is False
    assert fields["SystemModstamp"]["updateable"] is False
    assert fields["ParentId"]["referenceTo"] == ["Account"]
    stages = org.call("GET", "/sobjects/Opportunity/describe").json
    assert "Closed Won" in [v["value"] for f in stages["fields"] for v in f["picklistValues"]]
    assert [c["relationshipName"] for c in stages["childRelationships"]] == ["OpportunityLineItems"]


def test_every_described_field_can_be_read_and_queried(org):
    account = org.create("Account", Name="Acme")
    entry, deal = org.priced_product(), org.deal(AccountId=account)
    org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=1)
    org.create("Contact", LastName="Bee")
    for sobject in org.call("GET", "/sobjects").json["sobjects"]:
        name = sobject["name"]
        fields = [f["name"] for f in org.call("GET", f"/sobjects/{name}/describe").json["fields"]]
        (row, *_) = org.rows(f"SELECT {','.join(fields)} FROM {name}")
        read = org.read(name, row["Id"])
        del read["attributes"]
        assert read == row
