"""What a map says, the S/4HANA connector does: columns selected, look-ups, bodies, messages, refusals in its words."""

import asyncio
import json

import pytest

from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.connectors.registry import CONNECTORS, Site
from o2c_twin.integration.connectors.s4hana import S4HanaErp
from o2c_twin.integration.connectors.s4hana_listing import S4HanaListing
from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps
from o2c_twin.integration.mappings import MappingError
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party
from o2c_twin.integration.ports import HttpAnswer
from o2c_twin.integration.runtime.errors import CallFailed

PARTY = Party("A1", "Acme", "K-1", "ap@acme.example", 30, 5_000, "EUR")
DEAL = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("WIDGET", 3, 1_999),), "EUR", 0)
ENTRY = BankEntry("B1", 500, "EUR", "2026-01-02", None, "INV1", None, None)
POSTED = b"<x><AccountingDocument>1400000001</AccountingDocument><FiscalYear>2026</FiscalYear></x>"
ORDER = {
    "SalesOrder": "1",
    "ExternalDocumentID": "",
    "PurchaseOrderByCustomer": "",
    "SoldToParty": "17",
    "TotalNetAmount": "59.97",
    "TotalCreditCheckStatus": "D",
    "OverallTotalDeliveryStatus": "A",
    "OverallSDDocumentRejectionSts": "A",
    "LastChangeDateTime": "/Date(0+0000)/",
}


class Client:
    """A wire that answers reads with these rows, or the first of them where one record is asked for."""

    def __init__(self, *rows):
        self._rows = rows
        self.sent = []

    async def send(self, request):
        self.sent.append(request)
        if request.headers.get("x-csrf-token") == "Fetch":
            return HttpAnswer(200, {"x-csrf-token": "T"}, b"")
        if request.path.startswith("/sap/bc/"):
            return HttpAnswer(200, {}, POSTED)
        one = request.path.endswith("')") or request.method != "GET"
        made = self._rows[0] if self._rows else {"SalesOrder": "1", "BusinessPartner": "17"}
        return HttpAnswer(200, {}, json.dumps({"d": made if one else {"results": list(self._rows)}}).encode())

    def bodies(self):
        return {each.path.rpartition("/")[2]: json.loads(each.body) for each in self.sent if each.body}


class Clock:
    def now(self):
        return 1_767_607_200_000_000  # 2026-01-05


def erp(client, maps, currency="EUR"):
    return S4HanaErp("erp", "https://erp.example", client, Clock(), "u", "p", currency, maps=maps)


# --- read -------------------------------------------------------------------------------------------


def test_an_order_is_asked_for_what_its_map_reads(changed):
    maps = changed(
        S4HanaMaps, "sales_order_to_status",
        ("{from: PurchaseOrderByCustomer, to: po_number, invertible: true}", "{from: YY1_Promised_SDH, to: po_number}"),
        ("PurchaseOrderByCustomer: PO-4711", "YY1_Promised_SDH: 2026-01-05"),
        ("po_number: PO-4711", "po_number: 2026-01-05"),
        schema="objects: {salesOrder: {YY1_Promised_SDH: date}}\n",
    )  # fmt: skip
    client = Client(ORDER | {"YY1_Promised_SDH": "/Date(86400000)/"})
    status = asyncio.run(erp(client, maps).order("1"))
    assert (status.po_number, status.external_id) == ("1970-01-02", None)
    assert client.sent[0].query["$select"] == (
        "SalesOrder,ExternalDocumentID,YY1_Promised_SDH,SoldToParty,TotalCreditCheckStatus,"
        "OverallTotalDeliveryStatus,OverallSDDocumentRejectionSts,LastChangeDateTime"
    )


def test_a_list_tells_an_orders_state_in_the_maps_words(changed):
    maps = changed(
        S4HanaMaps, "sales_order_to_status",
        beside=[("codes/credit.yaml", "codes: s4hana-order-credit\npairs: {B: on hold, D: set free}\n")],
    )  # fmt: skip
    connector = erp(Client(ORDER), maps)
    assert asyncio.run(connector.order("1")).credit == "set free"
    (row,) = asyncio.run(S4HanaListing(connector).listing("order", -1, 1))
    assert (row.fields["credit"], row.fields["fulfilment"]) == ("set free", "open")


def test_a_state_no_list_can_tell_is_refused_with_the_map(changed):
    with pytest.raises(MappingError, match="credit: map s4hana-sales-order-to-status is asked for it where"):
        changed(
            S4HanaMaps,
            "sales_order_to_status",
            ("from: TotalCreditCheckStatus", "from: SoldToParty"),
            ("credit: on hold", "credit: passed"),
        )


# --- written ----------------------------------------------------------------------------------------


def test_an_order_is_written_with_a_type_and_a_plant_of_the_companys_own(changed):
    maps = changed(
        S4HanaMaps, "deal_to_sales_order",
        ("fields:\n  - {given", "fields:\n  - {value: ZOR, to: SalesOrderType}\n  - {given"),
        ("      - {from: quantity", '      - {value: "1710", to: ProductionPlant}\n      - {from: quantity'),
        ('    out:\n      SoldToParty: "77"', '    out:\n      SalesOrderType: ZOR\n      SoldToParty: "77"'),
        ("{Material: P-1,", '{Material: P-1, ProductionPlant: "1710",'),
    )  # fmt: skip
    client = Client()
    asyncio.run(erp(client, maps).put_order(DEAL, "17", {"WIDGET": "W1"}, None, "c"))
    body = client.bodies()["A_SalesOrder"]
    assert (body["SalesOrderType"], body["SalesOrganization"]) == ("ZOR", "1710")
    price = {"ConditionType": "PMP0", "ConditionRateValue": "19.99", "ConditionCurrency": "EUR"}
    line = {"Material": "W1", "ProductionPlant": "1710", "RequestedQuantity": "3", "to_PricingElement": [price]}
    assert body["to_Item"] == [line]


def test_the_currency_of_the_books_is_held_against_what_the_map_writes(changed):
    maps = changed(
        S4HanaMaps, "deal_to_sales_order",
        ("given: {customer: text, items: table}", "given: {customer: text, items: table, rates: rates}"),
        ("currency: {from: currency}", "currency: {from: currency}\nfx: {source: ECB, date: won_at, target: USD}"),
        ("by: to-decimal", "by: [convert, to-decimal]"),
        ("items: {P-1: P-1}}", "items: {P-1: P-1}, rates: {EUR/USD 2026-01-05: 1.0}}"),
        ("items: {}}", "items: {}, rates: {}}"),
        beside=[("rates/ecb.yaml", "rates: ECB\npairs: {EUR/USD: {1970-01-01: 1.1}}\n")],
    )  # fmt: skip
    client = Client()
    with pytest.raises(CallFailed, match="USD is not the currency of the books, EUR"):
        asyncio.run(erp(client, maps).put_order(DEAL, "17", {"WIDGET": "W1"}, None, "c"))
    assert client.sent == []
    asyncio.run(erp(client, maps, "USD").put_order(DEAL, "17", {"WIDGET": "W1"}, None, "c"))
    (price,) = client.bodies()["A_SalesOrder"]["to_Item"][0]["to_PricingElement"]
    assert (price["ConditionRateValue"], price["ConditionCurrency"]) == ("21.99", "USD")


def test_a_customer_has_terms_of_the_companys_own_and_is_found_by_its_number_as_written(changed):
    maps = changed(
        S4HanaMaps, "party_to_partner",
        ("{from: number, to: head.SearchTerm1, invertible: true,",
         "{from: number, to: head.SearchTerm2, by: {pattern: {pattern: 'DE-{}'}},"),
        ("{from: terms_days, to: company.terms_days, invertible: true}", "{value: Z030, to: company.PaymentTerms}"),
        ("SearchTerm1: K-1", "SearchTerm2: DE-K-1"), ("company: {terms_days: 14}", "company: {PaymentTerms: Z030}"),
        ("company: {terms_days: 30}", "company: {PaymentTerms: Z030}"),
    )  # fmt: skip
    client = Client()
    asyncio.run(erp(client, maps).put_customer(PARTY, None, "c"))
    body = client.bodies()["A_BusinessPartner"]
    assert body["SearchTerm2"] == "DE-K-1"
    assert "SearchTerm1" not in body
    assert body["to_Customer"]["to_CustomerCompany"] == [{"CompanyCode": "1710", "PaymentTerms": "Z030"}]
    assert body["to_Customer"]["to_CustomerSalesArea"][0]["CustomerPaymentTerms"] == "NT30"
    client = Client({"BusinessPartner": "17"})
    assert asyncio.run(erp(client, maps).customer_by_number("K-1")) == "17"
    assert client.sent[0].query["$filter"] == "SearchTerm2 eq 'DE-K-1'"


def test_a_customer_whose_number_is_not_written_is_not_looked_for(changed):
    maps = changed(
        S4HanaMaps, "party_to_partner",
        ("  - {from: number, to: head.SearchTerm1, invertible: true, note: By which the customer is found again.}\n",
         ""),
        (", SearchTerm1: K-1", ""),
    )  # fmt: skip
    client = Client()
    assert asyncio.run(erp(client, maps).customer_by_number("K-1")) is None
    assert client.sent == []


def test_views_a_map_does_not_write_are_left_alone(changed):
    maps = changed(
        S4HanaMaps, "party_to_partner",
        ("  - {from: terms_days, to: company.terms_days, invertible: true}\n", ""),
        ("  - {from: terms_days, to: area.terms_days, note: Sales and accounting each hold the terms.}\n", ""),
        ("      company: {terms_days: 14}\n      area: {terms_days: 14}\n", ""),
        (", company: {terms_days: 30}, area: {terms_days: 30}", ""),
    )  # fmt: skip
    party = Party("A1", "Acme", "K-1", None, 30, 5_000, "EUR")
    client = Client()
    asyncio.run(erp(client, maps).update_customer("17", party, "c"))
    assert client.bodies() == {
        "A_BusinessPartner('17')": {"OrganizationBPName1": "Acme", "SearchTerm1": "K-1"},
        "CreditManagementAccount(BusinessPartner='17',CreditSegment='1000')": {"CreditLimitAmount": "50.00"},
    }


def test_a_receipt_is_posted_on_the_day_and_to_the_account_the_map_says(changed):
    maps = changed(
        S4HanaMaps, "receipt_to_journal_entry",
        ("  - {given: today, to: PostingDate, by: date, note: The day of value may be in a period that is closed.}\n",
         '  - {from: entry.value_on, to: PostingDate}\n  - {value: "11002080", to: GLAccount}\n'),
        ("      PostingDate: 2026-01-06\n", '      PostingDate: 2026-01-05\n      GLAccount: "11002080"\n'),
    )  # fmt: skip
    client = Client()
    asyncio.run(erp(client, maps).put_payment(ENTRY, "17", [], None, "c"))
    body = client.sent[-1].body.decode()
    assert "<DocumentDate>2026-01-05</DocumentDate><PostingDate>2026-01-02</PostingDate>" in body
    assert "<GLAccount>11002080</GLAccount>" in body


def test_invoices_a_map_does_not_write_are_not_cleared(changed):
    maps = changed(
        S4HanaMaps, "receipt_to_journal_entry",
        ("  - each: allocations\n    to: clears\n    fields:\n      - {from: invoice_erp_id, to: BillingDocument, "
         "invertible: true}\n      - {from: amount_minor, to: amount, by: to-decimal}\n", ""),
        ('      clears: [{BillingDocument: "90000001", amount: 99.99}]\n', ""),
    )  # fmt: skip
    client = Client()
    asyncio.run(erp(client, maps).put_payment(ENTRY, "17", [Allocation("90000001", 500)], None, "c"))
    assert len(client.sent) == 1


def test_an_engine_of_a_file_works_by_the_maps_of_its_site(changed, tmp_path):
    changed(
        S4HanaMaps, "deal_to_sales_order",
        ("{from: po_number, to: PurchaseOrderByCustomer, invertible: true",
         "{from: reference, to: PurchaseOrderByCustomer"),
        ("PurchaseOrderByCustomer: PO-4711", "PurchaseOrderByCustomer: D-1"),
    )  # fmt: skip
    names = ("company_code", "sales_organization", "distribution_channel", "division", "credit_segment", "user")
    login = dict.fromkeys((*names, "password", "push_authorization"), "1")
    client = Client()
    site = Site("erp", "https://erp.example", client, Clock(), "EUR", login, maps=own_maps(tmp_path))
    asyncio.run(CONNECTORS["erp"]["s4hana"](site).put_order(DEAL, "17", {"WIDGET": "W1"}, None, "c"))
    assert client.bodies()["A_SalesOrder"]["PurchaseOrderByCustomer"] == "R-1"
