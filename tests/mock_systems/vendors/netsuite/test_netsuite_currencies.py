"""An account with several currencies: customers and their documents are in one of them, at the rate of their day."""

from decimal import Decimal
from typing import Any

import pytest

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig


@pytest.fixture
def account(new_account: Any) -> Any:
    """Books in dollars, customers in euros too; a euro is worth 1.25 dollars."""
    made = new_account(NetSuiteConfig(currency="USD", currencies=("EUR",)))
    made.core.exchange = lambda currency, at: None if currency == "USD" else Decimal("1.25")
    return made


def test_the_table_of_currencies_says_what_the_account_calls_them(account: Any, new_account: Any) -> None:
    rows = account.select("SELECT id, symbol, isbasecurrency FROM currency ORDER BY id")
    assert [(row["id"], row["symbol"], row["isbasecurrency"]) for row in rows] == [("1", "USD", "T"), ("2", "EUR", "F")]
    path, query = "/services/rest/query/v1/suiteql", {"q": "SELECT id FROM currency"}
    assert new_account().call("POST", path, query, prefer="transient").status == 400


def test_documents_keep_their_customers_currency_and_show_the_rate(account: Any) -> None:
    there = account.customer("There", currency={"id": "2"})
    order = account.order(there, (account.item(), 1, 100), currency={"id": "2"})
    account.write("POST", f"salesOrder/{order}/!transform/itemFulfillment")
    invoice = account.write("POST", f"salesOrder/{order}/!transform/invoice", {})
    for path in (f"salesOrder/{order}", f"invoice/{invoice}"):
        shown = account.get(path)
        assert (shown["currency"]["id"], shown["exchangeRate"]) == ("2", 1.25)
    here = account.get(f"invoice/{account.invoice(account.customer('Here'), account.item('OTHER'), 100)}")
    assert (here["currency"]["id"], here["exchangeRate"]) == ("1", 1)
    assert account.core.trial_balance()["receivables"] == 22_500


@pytest.mark.parametrize("record", ["salesOrder", "customerPayment"])
def test_a_document_in_another_currency_than_its_customer_is_refused(account: Any, record: str) -> None:
    there = account.customer("There", currency={"id": "2"})
    rows = {"items": [{"item": {"id": account.item()}, "quantity": 1, "rate": 1}]}
    body: dict[str, Any] = {"entity": {"id": there}, "item": rows}
    if record == "customerPayment":
        body = {"customer": {"id": there}, "payment": 10}
    assert account.call("POST", record, {**body, "currency": {"id": "1"}}).status == 400
    assert account.call("POST", record, {**body, "currency": {"id": "2"}}).status == 204
