"""What a map says, the Business Central connector does: fields asked for, look-ups, bodies, refusals in its words."""

import asyncio
import json

import pytest

from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient
from o2c_twin.integration.connectors.business_central_listing import BusinessCentralListing
from o2c_twin.integration.connectors.business_central_maps import BusinessCentralMaps
from o2c_twin.integration.connectors.own_maps import OwnMaps
from o2c_twin.integration.connectors.registry import CONNECTORS, Site
from o2c_twin.integration.mappings import MapFiles, MappingError, shipped_files
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party

TOKEN = (200, {"access_token": "T1"})
TERMS = (200, {"value": [{"id": "T30", "dueDateCalculation": "30D"}]})
MADE = (201, {"id": "new", "number": "N1"})
NONE = (200, {"value": []})
DEAL = Deal("D1", "R-1", "PO-1", Party("A1", "Acme"), (DealLine("WIDGET", 3, 1_999),), "EUR", 0)
RATES = [("rates/ecb.yaml", "rates: ECB\npairs: {EUR/USD: {1970-01-01: 1.1}}\n")]
FX = "fx: {source: ECB, date: %s, target: USD}"
OPEN = {"id": "1", "number": "INV1", "customerId": "7", "dueDate": "2026-02-01", "remainingAmount": 9.99}
ORDER = {
    "id": "00000000-0000-0000-0000-000000000001",
    "number": "SO1",
    "externalDocumentNumber": "PO-1",
    "customerId": "7",
    "status": "Open",
    "fullyShipped": False,
    "totalAmountIncludingTax": 59.97,
    "lastModifiedDateTime": "2026-01-05T08:30:00Z",
    "salesOrderLines": [],
}


def company(http, maps, currency="EUR"):
    client = BusinessCentralClient("erp", "https://bc.example", http, "t", "e", "c", "id", "secret")
    return BusinessCentralErp(client, currency, maps=maps)


def bodies(http):
    """What was sent by method and set, the login left out."""
    return [(sent.method, sent.path.rpartition("/")[2], json.loads(sent.body)) for sent in http.sent[1:] if sent.body]


# --- asked for --------------------------------------------------------------------------------------


def test_open_invoices_are_asked_for_what_their_map_reads(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "invoice_to_open_item",
        ("from: number,", "from: externalDocumentNumber, missing: refuse,"),
        ("number: INV1001\n      customer", "externalDocumentNumber: INV1001\n      customer"),
    )
    http.answers(TOKEN, (200, {"value": [OPEN | {"externalDocumentNumber": "X"}]}))
    (item,) = asyncio.run(company(http, maps).open_items("7"))
    assert (item.number, item.open_minor, item.disputed) == ("X", 999, False)
    wanted = "id,externalDocumentNumber,customerId,dueDate,remainingAmount,disputeStatus"
    assert http.sent[1].query["$select"] == wanted


def test_an_estate_says_itself_which_status_is_a_dispute(http, changed):
    rule = "{from: disputeStatus, to: disputed, by: {among: {values: [LEGAL]}}, default: false}"
    maps = changed(
        BusinessCentralMaps,
        "invoice_to_open_item",
        ("{from: disputed, to: disputed, invertible: true}", rule),
        ("disputed: true\n    out", "disputeStatus: LEGAL\n    out"),
    )
    rows = [OPEN | {"disputeStatus": status} for status in ("LEGAL", "WAIT", "")]
    http.answers(TOKEN, (200, {"value": rows}))
    assert [item.disputed for item in asyncio.run(company(http, maps).open_items("7"))] == [True, False, False]
    assert http.sent[1].query["$select"].endswith("remainingAmount,disputeStatus")


def test_a_customer_is_looked_for_where_and_as_the_map_writes_its_number(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "party_to_customer",
        (
            "{from: number, to: number, invertible: true}",
            "{from: number, to: number, by: {pattern: {pattern: 'DE-{}'}}}",
        ),
        ("      number: K-1\n", "      number: DE-K-1\n"),
    )
    http.answers(TOKEN, (200, {"value": [{"id": "77"}]}))
    assert asyncio.run(company(http, maps).customer_by_number("O'Neill")) == "77"
    assert http.sent[1].query["$filter"] == "number eq 'DE-O''Neill'"


def test_where_no_number_is_written_nobody_is_found_by_it(http, changed):
    rules = ("  - {from: number, to: number, invertible: true}\n", ""), ("      number: K-1\n", "")
    maps = changed(BusinessCentralMaps, "party_to_customer", *rules)
    assert asyncio.run(company(http, maps).customer_by_number("K-1")) is None
    assert http.sent == []


# --- written ----------------------------------------------------------------------------------------


def test_terms_are_those_the_map_says_and_a_customer_keeps_its_number(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "party_to_payment_terms",
        (
            'to: dueDateCalculation, by: {pattern: {pattern: "{}D"',
            'to: dueDateCalculation, by: {pattern: {pattern: "CM+{}D"',
        ),
        ("dueDateCalculation: 14D", "dueDateCalculation: CM+14D"),
    )
    erp = company(http, maps)
    party = Party("A1", "Acme", "K-1")
    http.answers(TOKEN, TERMS, MADE, MADE, (200, {"@odata.etag": "E1"}), (200, {}))
    asyncio.run(erp.put_customer(party, "k", "c"))
    asyncio.run(erp.update_customer("77", party, "c"))
    name = {"displayName": "Acme", "paymentTermsId": "new"}
    assert bodies(http) == [
        ("POST", "paymentTerms", {"code": "30D", "displayName": "Net 30 days", "dueDateCalculation": "CM+30D"}),
        ("POST", "customers", name | {"number": "K-1"}),
        ("PATCH", "customers(77)", name),
    ]


def test_a_credit_limit_is_held_against_the_currency_of_the_books(http, refusal, changed):
    party = Party("A1", "Acme", "K-1", credit_limit_minor=1_000_00)
    http.answers(TOKEN, TERMS, TERMS, MADE)
    failure = refusal(company(http, None, "USD").put_customer(party, "k", "c"))
    assert (failure.cause, failure.detail) == ("rejected", "EUR is not the currency of the books, USD")
    assert bodies(http) == []
    maps = changed(
        BusinessCentralMaps,
        "party_to_customer",
        ("given: {terms: text}", "given: {terms: text, rates: rates}"),
        (
            "currency: {from: currency}",
            f"currency: {{from: currency}}\n{FX % 'modified_at'}\nworth: {{amount: creditLimit}}",
        ),
        ("by: to-decimal", "by: [convert, to-decimal]"),
        ("447828}\n    in", '447828, rates: {"EUR/USD 1970-01-01": 1}}\n    in'),
        ("{terms: T30}", "{terms: T30, rates: {}}"),
        beside=RATES,
    )
    http.script.insert(0, TOKEN)
    assert asyncio.run(company(http, maps, "USD").put_customer(party, "k", "c")) == "new"
    assert b'"creditLimit":1100.00' in http.sent[-1].body


def test_an_order_is_written_in_the_currency_of_the_books_or_not_at_all(http, refusal, changed):
    maps = changed(
        BusinessCentralMaps,
        "deal_to_sales_order",
        ("given: {customer: text, items: table}", "given: {customer: text, items: table, rates: rates}"),
        ("currency: {from: currency}", f"currency: {{from: currency}}\n{FX % 'won_at'}"),
        ("by: to-decimal", "by: [convert, to-decimal]"),
        ('items: {P-1: "501"}}', 'items: {P-1: "501"}, rates: {"EUR/USD 2026-01-05": 1.0}}'),
        ("items: {}}", "items: {}, rates: {}}"),
        beside=RATES,
    )
    http.answers(TOKEN, MADE)
    assert asyncio.run(company(http, maps, "USD").put_order(DEAL, "1", {"WIDGET": "7"}, "k", "c")) == "new"
    assert b'"unitPrice":21.99' in http.sent[1].body
    failure = refusal(company(http, maps, "EUR").put_order(DEAL, "1", {"WIDGET": "7"}, "k", "c"))
    assert (failure.cause, failure.detail) == ("rejected", "USD is not the currency of the books, EUR")


def test_what_a_map_writes_of_a_receipt_stands_in_each_line(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "receipt_to_payment",
        ("  - {from: entry.amount_minor", "  - {from: entry.payer, to: description}\n  - {from: entry.amount_minor"),
        ("      - {from: amount_minor", "      - {value: named, to: comment}\n      - {from: amount_minor"),
        ("appliesTo: [{", "description: Aoki\n      appliesTo: [{comment: named, "),
    )
    replies = [{"id": str(n), "status": 201} for n in range(3)]
    http.answers(TOKEN, (200, {"value": [{"id": "J1"}]}), (200, {"responses": replies}))
    entry = BankEntry("B1", 10_000, "EUR", "2026-01-05", None, "", "Aoki", None)
    asyncio.run(company(http, maps).put_payment(entry, "77", [Allocation("9", 9_999)], "cash:1", "c"))
    *lines, _ = json.loads(http.sent[-1].body)["requests"]
    assert [(line["body"]["amount"], line["body"]["description"], line["body"].get("comment")) for line in lines] == [
        (-99.99, "Aoki", "named"),
        (-0.01, "Aoki", None),
    ]


def test_a_document_number_by_which_nothing_would_be_found_again_is_refused(http, refusal, changed):
    maps = changed(
        BusinessCentralMaps,
        "receipt_to_payment",
        ("{given: document, to: documentNumber}", "{from: entry.reference, to: documentNumber}"),
        ('documentNumber: "CASH:B1"', "documentNumber: B1"),
        ('documentNumber: "CASH:B2"', "documentNumber: B2"),
    )
    entry = BankEntry("B1", 10_000, "EUR", "2026-01-05", None, "", "Aoki", None)
    failure = refusal(company(http, maps).put_payment(entry, "77", [], "cash:1", "c"))
    assert failure.cause == "rejected"
    assert "document B1 would not be found again; write the one given, CASH:1" in failure.detail
    assert http.sent == []


# --- refused ----------------------------------------------------------------------------------------


MAP = "map business-central-sales-order-to-status: "


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"status": "Frozen"},
            f"{MAP}status: 'Frozen' is not in code list business-central-order-credit; add it there",
        ),
        ({"customerId": ""}, f"{MAP}customerId: is missing; it must be there, or its rule needs a default"),
        ({"number": 5}, "Expected `str | null`, got `int` - at `$.number`"),
        ({"fullyShipped": None}, "Expected `bool`, got `null` - at `$.fullyShipped`"),
        (
            {"salesOrderLines": [{"lineType": "Item"}]},
            "missing required field `description` - at `$.salesOrderLines[0]`",
        ),
    ],
)
def test_an_order_the_map_cannot_read_is_refused_with_field_and_reason(http, refusal, change, told):
    http.answers(TOKEN, (200, ORDER | change))
    failure = refusal(company(http, None).order(ORDER["id"]))
    assert failure.cause == "rejected"
    assert failure.detail.startswith("answer not understood: ") and failure.detail.endswith(told)


def test_an_item_that_is_not_there_is_refused_before_anything_is_sent(http, refusal):
    failure = refusal(company(http, None).put_order(DEAL, "1", {}, "k", "c"))
    assert "no 'WIDGET' in items; create it in the target system first" in failure.detail
    assert http.sent == []


FULFILMENT = "{from: fulfilment, to: fulfilment, invertible: true}"


def test_a_sweep_tells_the_state_of_orders_by_the_map_too(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "sales_order_to_status",
        (FULFILMENT, "{from: fulfilment, to: fulfilment, by: {code: {list: own}}}"),
        ("      fulfilment: open\n      modified", "      fulfilment: nothing yet\n      modified"),
        beside=[("codes/own.yaml", "codes: own\npairs: {open: nothing yet, part shipped: some, shipped: all}\n")],
    )
    http.answers(TOKEN, (200, {"value": [ORDER]}), NONE)
    (row,) = asyncio.run(BusinessCentralListing(company(http, maps)).named("order", [ORDER["id"]]))
    assert (row.fields["fulfilment"], row.fields["credit"]) == ("nothing yet", "passed")


def test_a_state_no_sweep_could_tell_is_refused_with_the_map(changed):
    with pytest.raises(MappingError, match="fulfilment: map business-central-sales-order-to-status is asked for it"):
        changed(
            BusinessCentralMaps,
            "sales_order_to_status",
            (FULFILMENT, "{from: number, to: fulfilment}"),
            ("      fulfilment: open\n      modified", "      fulfilment: SO1001\n      modified"),
        )


def test_a_sweep_tells_of_an_order_that_is_gone_what_the_map_says(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "invoiced_order_to_status",
        ("{value: shipped, to: fulfilment}", "{value: closed, to: fulfilment}"),
        ("fulfilment: shipped", "fulfilment: closed"),
    )
    invoice = {
        **OPEN,
        "orderId": ORDER["id"],
        "orderNumber": "SO1",
        "status": "Open",
        "totalAmountIncludingTax": 9.99,
        "lastModifiedDateTime": "2026-01-05T08:30:00Z",
        "externalDocumentNumber": "",
        "salesInvoiceLines": [{"lineType": "Comment", "description": "Ref. order:1"}],
    }
    http.answers(TOKEN, NONE, (200, {"value": [invoice]}), (404, {}), (200, {"value": [invoice]}))
    erp = company(http, maps)
    (row,) = asyncio.run(BusinessCentralListing(erp).named("order", [ORDER["id"]]))
    status = asyncio.run(erp.order(ORDER["id"]))
    assert (row.fields["fulfilment"], row.fields["credit"], row.fields["external_id"]) == (
        "closed",
        "passed",
        "order:1",
    )
    assert (status.fulfilment, status.credit, status.external_id) == ("closed", "passed", "order:1")


def test_a_sweep_does_not_guess_how_an_order_that_is_gone_stands(http, changed):
    maps = changed(
        BusinessCentralMaps,
        "invoiced_order_to_status",
        ("{value: shipped, to: fulfilment}", "{from: orderNumber, to: fulfilment}"),
        ("fulfilment: shipped", "fulfilment: SO1001"),
    )
    invoice = {"id": "I1", "orderId": ORDER["id"], "orderNumber": "SO1", "status": "Open", "salesInvoiceLines": []}
    told = {"totalAmountIncludingTax": 9.99, "remainingAmount": 9.99, "lastModifiedDateTime": "2026-01-05T08:30:00Z"}
    http.answers(TOKEN, NONE, (200, {"value": [invoice | told]}))
    (row,) = asyncio.run(BusinessCentralListing(company(http, maps)).named("order", [ORDER["id"]]))
    assert "fulfilment of an order that is gone is no constant" in row.unread


def test_an_engine_configured_by_a_file_works_by_the_estates_maps():
    name = "maps/business_central/deal_to_sales_order.yaml"
    own = OwnMaps(MapFiles({name: shipped_files().maps[name].replace("version: 1", "version: 2")}, {}, {}))
    logins = ("tenant", "environment", "company_id", "client_id", "client_secret", "client_state")
    site = Site("erp", "https://bc.example", None, None, "EUR", dict.fromkeys(logins, "x"), maps=own)
    assert CONNECTORS["erp"]["business_central"](site).maps.deal_to_sales_order.spec.version == 2
