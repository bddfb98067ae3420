"""What a map says, its connector does: fields asked for, filters, look-ups, bodies, and refusals in the map's words."""

import asyncio
import json

import pytest
from msgspec.structs import replace

from o2c_twin.integration.connectors.hubspot import HubSpotCrm
from o2c_twin.integration.connectors.hubspot_login import PrivateApp
from o2c_twin.integration.connectors.hubspot_maps import HubSpotMaps
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.netsuite_maps import NetSuiteMaps
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.own_maps import maps_for, maps_of_design
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.connectors.salesforce_maps import SalesforceMaps
from o2c_twin.integration.model import Deal, DealLine, Party
from o2c_twin.integration.profile import DesignProfile

TOKEN = (200, {"access_token": "T1"})
MADE = (204, b"", {"location": "https://acme.example/record/4711"})
EMPTY = (200, {"totalSize": 0, "done": True, "records": []})
FOUND = (200, {"items": [{"id": "77"}], "hasMore": False, "count": 1})
DEAL = Deal("D1", "R-1", "PO-1", Party("A1", "Acme"), (DealLine("WIDGET", 3, 1_999),), "EUR", 0)


class Clock:
    def now(self):
        return 1_767_607_200_000_000


def salesforce(http, maps):
    return SalesforceCrm("crm", "https://acme.example", http, "app", "secret", "EUR", maps)


def netsuite(http, maps, currency="EUR"):
    signer = TokenSigner("123456_SB1", "ck", "cs", "tk", "ts")
    return NetSuiteErp("erp", "https://acme.example", http, Clock(), signer, currency, maps)


def hubspot(http, maps):
    app = PrivateApp("t")
    return HubSpotCrm("crm", "https://acme.example", http, Clock(), app, "s", lambda: "u", maps=maps)


# --- asked for --------------------------------------------------------------------------------------


def test_soql_asks_for_what_the_map_reads_and_nothing_else(http, refusal):
    http.answers(TOKEN, EMPTY, (200, {}))
    crm = salesforce(http, None)
    assert refusal(crm.deal("0060e0000000001AAA")).cause == "missing"
    assert refusal(crm.party("0010e0000000001AAA")).cause == "rejected"
    account = "Id,Name,Customer_Number__c,Payment_Terms_Days__c,Credit_Limit__c,ERP_Id__c,SystemModstamp"
    assert http.sent[1].query["q"] == (
        "SELECT Id,Name,Deal_Ref__c,PO_Number__c,ERP_Order_Id__c,SystemModstamp,"
        + ",".join(f"Account.{name}" for name in account.split(","))
        + ",(SELECT Product2.ProductCode,Quantity,UnitPrice FROM OpportunityLineItems) FROM Opportunity"
        " WHERE Id = '0060e0000000001AAA'"
    )
    assert http.sent[2].query == {"fields": account}


def test_netsuite_is_told_the_subsidiary_of_each_deal_only_where_each_says_its_own(http):
    group = maps_of_design(None, DesignProfile(entities="by-customer"))
    party = Party("A1", "Acme", entity="UK01")
    for maps, named in ((maps_for(group, NetSuiteMaps), {"externalId": "UK01"}), (NetSuiteMaps.shipped(), None)):
        http.sent.clear()
        http.answers(MADE, MADE)
        erp = netsuite(http, maps)
        asyncio.run(erp.put_customer(party, "k", ""))
        asyncio.run(erp.put_order(replace(DEAL, party=party), "77", {"WIDGET": "5"}, "k", ""))
        assert [json.loads(each.body).get("subsidiary") for each in http.sent] == [named, named]


def test_a_customer_without_an_entity_is_sent_without_and_the_account_says_no(http, refusal):
    maps = maps_for(maps_of_design(None, DesignProfile(entities="by-customer")), NetSuiteMaps)
    http.answers((400, {"o:errorDetails": [{"detail": "Please enter value(s) for: Primary Subsidiary."}]}))
    failed = refusal(netsuite(http, maps).put_customer(Party("A1", "Acme"), "k", ""))
    assert failed.cause == "rejected" and "Primary Subsidiary" in failed.detail
    assert "subsidiary" not in json.loads(http.sent[0].body)


def test_an_order_id_in_a_field_of_the_companys_own_is_asked_for_and_filtered_by(http, changed):
    maps = changed(
        SalesforceMaps, "opportunity_to_deal", ("ERP_Order_Id__c", "Books__c"),
        schema="objects: {Opportunity: {Books__c: text}}\n",
    )  # fmt: skip
    http.answers(TOKEN, EMPTY, EMPTY)
    asyncio.run(salesforce(http, maps).changes(0))
    assert "WHERE IsWon = true AND Books__c = null AND SystemModstamp >" in http.sent[1].query["q"]
    assert ",Books__c," in maps.deal_query


def test_hubspot_is_asked_for_the_properties_the_maps_read_and_filtered_by_them(http, changed):
    maps = changed(
        HubSpotMaps, "deal_to_deal",
        ("properties.erp_order_id", "properties.books"), ("erp_order_id: null", "books: null"),
        ("from: properties.agreed_price", "from: properties.price\n        missing: refuse"),
        ("agreed_price:", "price:"),
        schema="objects: {DealProperties: {books: text}}\n",
    )  # fmt: skip
    assert maps.deal_properties == "dealname,deal_ref,po_number,books,deal_currency_code"
    assert maps.line_properties == ("hs_sku", "quantity", "price")
    assert HubSpotMaps.shipped().line_properties == ("hs_sku", "quantity", "price", "amount")
    http.answers((200, {"results": []}), (200, {"results": []}))
    asyncio.run(hubspot(http, maps).changes(0))
    (filters,) = (each["filters"] for each in json.loads(http.sent[0].body)["filterGroups"])
    assert {"propertyName": "books", "operator": "NOT_HAS_PROPERTY"} in filters


def test_suiteql_asks_for_the_columns_the_map_reads(http, changed):
    maps = changed(
        NetSuiteMaps, "transaction_to_open_item",
        ("from: tranid,", "from: externalid, missing: refuse,"), ("tranid: INV-1", "externalid: INV-1"),
    )  # fmt: skip
    http.answers((200, {"items": [{"id": "1", "externalid": "X", "entity": "7", "duedate": "2026-02-01",
                                   "foreignamountunpaid": "9.99"}], "hasMore": False}))  # fmt: skip
    (item,) = asyncio.run(netsuite(http, maps).open_items("7"))
    assert (item.number, item.open_minor, item.due_on) == ("X", 999, "2026-02-01")
    asked = json.loads(http.sent[0].body)["q"]
    assert asked.startswith("SELECT id, externalid, entity, duedate, foreignamountunpaid FROM transaction WHERE type =")


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ("{from: number, to: entityId, by: {pattern: {pattern: 'DE-{}'}}}", "entityid = 'DE-O''Neill'"),
        ("{from: number, to: custentity_no}", "custentity_no = 'O''Neill'"),
    ],
)
def test_a_customer_is_looked_for_where_and_as_the_map_writes_its_number(http, changed, rule, asked):
    maps = changed(
        NetSuiteMaps, "party_to_customer",
        ("{from: number, to: entityId, invertible: true}", rule),
        ("      entityId: K-1\n", "      entityId: DE-K-1\n" if "DE-" in rule else "      custentity_no: K-1\n"),
        schema="objects: {customer: {custentity_no: text}}\n",
    )  # fmt: skip
    http.answers(FOUND)
    assert asyncio.run(netsuite(http, maps).customer_by_number("O'Neill")) == "77"
    assert json.loads(http.sent[0].body)["q"].endswith(f"FROM customer WHERE {asked}")


def test_where_no_number_is_written_nobody_is_found_by_it(http, changed):
    rules = ("  - {from: number, to: entityId, invertible: true}\n", ""), ("      entityId: K-1\n", "")
    maps = changed(NetSuiteMaps, "party_to_customer", *rules)
    assert asyncio.run(netsuite(http, maps).customer_by_number("K-1")) is None
    assert http.sent == []


# --- written ----------------------------------------------------------------------------------------


def test_a_note_is_written_to_the_field_the_map_names_alone_or_with_many(http, changed):
    maps = changed(
        SalesforceMaps, "notes_to_opportunity",
        ("{from: payment, to: Payment_Status__c", "{from: payment, to: Paid__c"),
        ("Payment_Status__c: Paid", "Paid__c: Paid"),
        schema="objects: {Opportunity: {Paid__c: text}}\n",
    )  # fmt: skip
    done = {"success": True, "errors": []}
    http.answers(TOKEN, (204, b""), (200, json.dumps([done, done]).encode()))
    crm = salesforce(http, maps)
    asyncio.run(crm.note_deal("0060e0000000001AAA", {"payment": "Paid"}, "c"))
    notes = [(f"0060e000000000{n}AAA", {"payment": "Open"}) for n in (1, 2)]
    assert asyncio.run(crm.note_deals(notes, "c")) == [None, None]
    assert json.loads(http.sent[1].body) == {"Paid__c": "Paid"}
    assert [each["Paid__c"] for each in json.loads(http.sent[2].body)["records"]] == ["Open", "Open"]


def test_the_currency_of_the_books_is_held_against_what_the_map_writes(http, refusal, changed):
    maps = changed(
        NetSuiteMaps, "deal_to_sales_order",
        ("given: {customer: text, items: table}", "given: {customer: text, items: table, rates: rates}"),
        ("currency: {from: currency}", "currency: {from: currency}\nfx: {source: ECB, date: won_at, target: USD}"),
        ("by: to-decimal", "by: [convert, to-decimal]"),
        ('items: {P-1: "501"}}', 'items: {P-1: "501"}, rates: {"EUR/USD 2026-01-05": 1.0}}'),
        ("items: {}}", "items: {}, rates: {}}"),
        beside=[("rates/ecb.yaml", "rates: ECB\npairs: {EUR/USD: {1970-01-01: 1.1}}\n")],
    )  # fmt: skip
    http.answers(MADE)
    assert asyncio.run(netsuite(http, maps, "USD").put_order(DEAL, "1", {"WIDGET": "7"}, "k", "c")) == "4711"
    assert b'"rate":21.99' in http.sent[0].body
    failure = refusal(netsuite(http, maps, "EUR").put_order(DEAL, "1", {"WIDGET": "7"}, "k", "c"))
    assert (failure.cause, failure.detail) == ("rejected", "USD is not the currency of the books, EUR")


# --- refused ----------------------------------------------------------------------------------------


def test_what_a_map_refuses_to_write_is_not_sent_and_the_reason_is_the_maps(http, refusal, changed):
    maps = changed(
        SalesforceMaps, "notes_to_opportunity",
        ("{from: credit, to: Credit_Status__c, invertible: true}",
         "{from: credit, to: Credit_Status__c, by: {code: {list: own-credit}}}"),
        ("credit: passed,", "credit: on hold,"), ("Credit_Status__c: passed", "Credit_Status__c: HOLD"),
        beside=[("codes/credit.yaml", "codes: own-credit\npairs: {on hold: HOLD}\n")],
    )  # fmt: skip
    crm = salesforce(http, maps)
    failure = refusal(crm.note_deal("0060e0000000001AAA", {"credit": "passed"}, "c"))
    told = "map notes-to-opportunity: credit: 'passed' is not in code list own-credit; add it there"
    assert (failure.cause, failure.detail) == ("rejected", told)
    failure = refusal(crm.note_deals([("0060e0000000001AAA", {"credit": "passed"})], "c"))
    assert (failure.cause, failure.detail) == ("rejected", told)
    assert http.sent == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Name": 5}, "map account-to-party: Name: is a int, not a text; see what the system sends now"),
        ({"Payment_Terms_Days__c": 30.5}, "Payment_Terms_Days__c: 30.5 is not a whole number"),
        ({"Payment_Terms_Days__c": True}, "Payment_Terms_Days__c: is a bool, not a decimal number, exact"),
        ({"SystemModstamp": None}, "SystemModstamp: is missing; it must be there, or its rule needs a default"),
    ],
)
def test_what_a_map_cannot_read_is_refused_in_its_words(http, refusal, change, told):
    account = {"Id": "0010e0000000001AAA", "Name": "Acme", "SystemModstamp": "2026-01-05T10:00:00.000+0000"}
    http.answers(TOKEN, (200, account | change), (200, {"records": [{**account, "Account": account | change}]}))
    crm = salesforce(http, None)
    for work in (crm.party("0010e0000000001AAA"), crm.deal("0060e0000000001AAA")):
        failure = refusal(work)
        assert failure.cause == "rejected"
        assert failure.detail.startswith("answer not understood: map account-to-party: ")
        assert told in failure.detail
