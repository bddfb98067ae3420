"""Connectors to accounts with several currencies: what names a document's, and in which an amount is read."""

import asyncio
import json
from urllib.parse import parse_qs, urlencode

import msgspec
import pytest

from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party

URL = "https://acme.example"
MADE = (204, b"", {"location": f"{URL}/services/rest/record/v1/salesOrder/4711"})
CURRENCIES = {"items": [{"id": "1", "symbol": "EUR"}, {"id": "2", "symbol": "USD"}], "hasMore": False}
PARTY = Party("A1", "Acme", "K-1", credit_limit_minor=100_050, currency="USD")
DEAL = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("WIDGET", 3, 1_999),), "USD", 0)
ENTRY = BankEntry("B1", 10_000, "USD", "2026-01-05", None, "INV1", "ACME", None)
SIGNED_IN = (200, {"access_token": "T1"})
ACCOUNT = {"Id": "0010e0000000001AAA", "Name": "Acme", "SystemModstamp": "2026-01-05T10:00:00Z"}


class _Clock:
    def now(self):
        return 0


@pytest.fixture
def erp(http):
    signer = TokenSigner("123456_SB1", "ck", "cs", "tk", "ts")
    return NetSuiteErp("erp", URL, http, _Clock(), signer, "EUR", foreign=("USD", "JPY"))


@pytest.fixture
def crm(http):
    return SalesforceCrm("crm", URL, http, "app", "secret", "EUR", several=True)


def _put_order(erp, currency="USD"):
    return erp.put_order(msgspec.structs.replace(DEAL, currency=currency), "101", {"WIDGET": "7"}, "order:D1", "c")


# --- NetSuite --------------------------------------------------------------------------------------


def test_a_document_in_another_currency_names_it_by_the_accounts_own_id_which_is_asked_for_once(erp, http):
    http.answers((200, CURRENCIES), MADE, MADE, MADE)
    asyncio.run(_put_order(erp))
    asyncio.run(erp.put_customer(PARTY, "customer:A1", "c"))
    asyncio.run(erp.put_payment(ENTRY, "101", [Allocation("9", 10_000)], "cash:B1", "c"))
    asked, *written = http.sent
    assert json.loads(asked.body) == {"q": "SELECT id, symbol FROM currency"}
    assert [json.loads(each.body)["currency"] for each in written] == [{"id": "2"}] * 3


def test_a_document_in_the_base_currency_names_none(erp, http):
    http.answers((200, CURRENCIES), MADE)
    asyncio.run(_put_order(erp, "EUR"))
    assert "currency" not in json.loads(http.sent[-1].body)


@pytest.mark.parametrize(
    ("currency", "told"),
    [
        ("GBP", "GBP is not the currency of the books, EUR or JPY, USD"),
        ("JPY", "the account has no currency with the symbol JPY; set it up there"),
    ],
)
def test_a_currency_the_account_does_not_have_is_refused_and_nothing_is_written(erp, http, refusal, currency, told):
    http.answers((200, CURRENCIES))
    failure = refusal(_put_order(erp, currency))
    assert (failure.cause, failure.detail) == ("rejected", told) and len(http.sent) == 1


def test_an_invoice_and_an_open_item_are_read_in_their_own_currency(erp, http):
    item = {"id": "9", "tranid": "INV1", "entity": "7", "duedate": "2026-02-01", "foreignamountunpaid": "12.5"}
    row = {"id": "9", "tranId": "INV1", "createdFrom": {"id": "3"}, "total": 12.5, "amountRemaining": 0}
    shown = {**row, "lastModifiedDate": "2026-01-05T10:00:00Z", "currency": {"id": "2", "refName": "US Dollar"}}
    rows = [{**item, "currency": "2"}, {**item, "currency": "1"}]
    http.answers((200, {"items": rows, "hasMore": False}), (200, CURRENCIES), (200, shown))
    assert [(i.open_minor, i.currency) for i in asyncio.run(erp.open_items("7"))] == [(1_250, "USD"), (1_250, "EUR")]
    assert asyncio.run(erp.invoice("9")).currency == "USD"
    assert json.loads(http.sent[0].body)["q"].startswith("SELECT currency, id, ")


def test_a_currency_nobody_told_of_is_no_reason_to_guess(erp, http, refusal):
    item = {"id": "9", "tranid": "INV1", "entity": "7", "duedate": "2026-02-01", "foreignamountunpaid": "12.5"}
    http.answers((200, {"items": [{**item, "currency": "8"}], "hasMore": False}), (200, CURRENCIES))
    failure = refusal(erp.open_items("7"))
    assert (failure.cause, failure.retryable) == ("rejected", False)


# --- Salesforce ------------------------------------------------------------------------------------


def _deal(currency, of_account):
    lines = {"totalSize": 1, "done": True, "nextRecordsUrl": None}
    lines["records"] = [{"Product2": {"ProductCode": "WIDGET"}, "Quantity": 2.0, "UnitPrice": 19.99}]
    row = {"Id": "0060e0000000001AAA", "Name": "Deal", "PO_Number__c": "PO-1", "CurrencyIsoCode": currency}
    account = {**ACCOUNT, "Credit_Limit__c": 50.0, "CurrencyIsoCode": of_account}
    row |= {"SystemModstamp": "2026-01-05T10:00:00Z", "Account": account, "OpportunityLineItems": lines}
    return 200, {"totalSize": 1, "done": True, "nextRecordsUrl": None, "records": [row]}


def test_a_deal_and_its_account_have_each_its_own_currency(crm, http):
    http.answers(SIGNED_IN, _deal("USD", "GBP"), _deal(None, None))
    deal = asyncio.run(crm.deal("0060e0000000001AAA"))
    assert (deal.currency, deal.party.currency, deal.party.credit_limit_minor) == ("USD", "GBP", 5_000)
    deal = asyncio.run(crm.deal("0060e0000000001AAA"))
    assert (deal.currency, deal.party.currency) == ("EUR", "EUR")
    asked = parse_qs(urlencode(http.sent[1].query))["q"][0]
    assert asked.startswith("SELECT CurrencyIsoCode,Account.CurrencyIsoCode,Id,")


def test_a_deal_whose_account_counts_in_other_decimals_is_refused(crm, http, refusal):
    http.answers(SIGNED_IN, _deal("USD", "JPY"))
    failure = refusal(crm.deal("0060e0000000001AAA"))
    assert failure.cause == "rejected" and "amounts with other decimals" in failure.detail


def test_an_account_is_read_in_its_currency(crm, http):
    http.answers(SIGNED_IN, (200, {**ACCOUNT, "Credit_Limit__c": 500, "CurrencyIsoCode": "JPY"}))
    party = asyncio.run(crm.party("0010e0000000001AAA"))
    assert (party.currency, party.credit_limit_minor) == ("JPY", 500)
    assert http.sent[-1].query["fields"].endswith(",CurrencyIsoCode")
