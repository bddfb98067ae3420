"""A OneWorld account: who may sell to whom, in whose number range, and whose money a payment is."""

from typing import Any

import pytest

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig, Subsidiary, derive_integration
from o2c_twin.mock_systems.vendors.netsuite.config import Integration

GROUP = (Subsidiary("Honeycomb GmbH", "DE01", "DE-19"), Subsidiary("Honeycomb Ltd", "UK01", "GB-20"))
ALL = derive_integration("123456_SB1", 0, "all")
HOME = Integration("home", ALL.consumer_key, ALL.consumer_secret, ALL.token_id, ALL.token_secret, subsidiary="DE01")
UK = {"externalId": "UK01"}


@pytest.fixture
def group(new_account: Any) -> Any:
    return new_account(NetSuiteConfig(subsidiaries=GROUP, integrations=(ALL,)))


def test_a_customer_names_its_primary_subsidiary(group: Any) -> None:
    status, code, detail = group.refusal("POST", "customer", {"companyName": "Acme"})
    assert (status, code) == (400, "USER_ERROR")
    assert detail.endswith("Please enter value(s) for: Primary Subsidiary.")
    for named in (UK, {"id": "2"}, {"refName": "Honeycomb Ltd"}):
        shown = group.get(f"customer/{group.customer(subsidiary=named)}")
        assert shown["subsidiary"] == {"id": "2", "refName": "Honeycomb Ltd"}
    status, code, detail = group.refusal("POST", "customer", {"companyName": "Acme", "subsidiary": {"id": "3"}})
    assert (status, code) == (400, "INVALID_CONTENT") and "subsidiary" in detail
    mixed = {"companyName": "Acme", "subsidiary": {"id": "1", "externalId": "UK01"}}
    assert group.refusal("POST", "customer", mixed)[1] == "INVALID_CONTENT"


def test_a_role_of_one_subsidiary_need_not_name_it(new_account: Any) -> None:
    account = new_account(NetSuiteConfig(subsidiaries=GROUP, integrations=(HOME,)))
    assert account.get(f"customer/{account.customer()}")["subsidiary"]["id"] == "1"


def test_an_order_belongs_to_its_customers_subsidiary_and_what_is_made_from_it_too(group: Any) -> None:
    item = group.item()
    invoice = group.invoice(group.customer(subsidiary=UK), item, 100)
    home = group.invoice(group.customer(subsidiary={"id": "1"}), item, 100)
    shown = [group.get(f"invoice/{each}") for each in (home, invoice)]
    assert [each["subsidiary"]["refName"] for each in shown] == ["Honeycomb GmbH", "Honeycomb Ltd"]
    assert [each["tranId"] for each in shown] == ["INV1001", "INV10000001"]
    rows = group.select("SELECT subsidiary FROM transactionline WHERE mainline = 'T' ORDER BY transaction")
    assert [row["subsidiary"] for row in rows] == ["2", "2", "2", "1", "1", "1"]


def test_an_order_of_a_subsidiary_the_customer_is_not_assigned_to_is_refused(group: Any) -> None:
    customer, item = group.customer(subsidiary={"id": "1"}), group.item()
    body = {"entity": {"id": customer}, "subsidiary": UK, "item": {"items": [{"item": {"id": item}, "quantity": 1}]}}
    status, code, detail = group.refusal("POST", "salesOrder", body)
    assert (status, code) == (400, "INVALID_CONTENT") and "subsidiary" in detail
    assert not group.core.state.orders
    group.core.assign_customer(customer, "UK01")
    order = group.write("POST", "salesOrder", body)
    assert group.get(f"salesOrder/{order}")["subsidiary"]["id"] == "2"


def test_a_customer_with_transactions_keeps_its_primary_subsidiary(group: Any) -> None:
    customer = group.customer(subsidiary={"id": "1"})
    group.write("PATCH", f"customer/{customer}", {"subsidiary": UK})
    group.order(customer, (group.item(), 1, 5.0))
    group.write("PATCH", f"customer/{customer}", {"subsidiary": UK, "email": "ap@acme.example"})
    status, code, _ = group.refusal("PATCH", f"customer/{customer}", {"subsidiary": {"id": "1"}})
    assert (status, code) == (400, "USER_ERROR")


def test_a_tax_code_of_another_subsidiary_is_refused(group: Any) -> None:
    customer, item = group.customer(subsidiary=UK), group.item()
    row = {"item": {"id": item}, "quantity": 1}
    for code, status in (("DE-19", 400), ("GB-20", 204)):
        body = {"entity": {"id": customer}, "item": {"items": [{**row, "taxCode": {"id": code}}]}}
        assert group.call("POST", "salesOrder", body).status == status


def test_a_payment_is_applied_to_invoices_of_its_own_subsidiary(group: Any) -> None:
    customer, item = group.customer(subsidiary={"id": "1"}), group.item()
    wrong = group.invoice(customer, item, 100)
    group.core.assign_customer(customer, "UK01")
    group.write("POST", f"invoice/{wrong}/!transform/creditMemo")
    again = group.core.bill_again(wrong, "UK01")
    assert group.core.receivables_by_entity() == {"UK01": 10_000}
    pay = {"customer": {"id": customer}, "payment": 100, "apply": {"items": [{"doc": {"id": again.id}, "amount": 100}]}}
    status, code, detail = group.refusal("POST", "customerPayment", pay)
    assert (status, code) == (400, "USER_ERROR") and "another subsidiary" in detail
    payment = group.write("POST", "customerPayment", {**pay, "subsidiary": UK})
    shown = group.get(f"customerPayment/{payment}")
    assert (shown["subsidiary"]["id"], shown["unapplied"]) == ("2", 0)
    assert group.get(f"invoice/{again.id}")["createdFrom"]["id"] == group.core.state.invoices[wrong].order_id
    assert sum(group.core.trial_balance().values()) == 0


def test_an_account_without_subsidiaries_takes_what_is_said_and_keeps_one(account: Any) -> None:
    customer = account.customer(subsidiary={"id": "9"})
    assert account.get(f"customer/{customer}")["subsidiary"] == {"id": "1", "refName": "Parent Company"}


def charge(seller: str, buyer: str, *amounts: float) -> dict[str, Any]:
    sides = ((seller, "debit"), (seller, "credit"), (buyer, "debit"), (buyer, "credit"))
    rows = [
        {"lineSubsidiary": {"externalId": entity}, "account": {"id": "6"}, side: amount}
        for (entity, side), amount in zip(sides, amounts, strict=True)
    ]
    return {"subsidiary": {"externalId": seller}, "memo": "INV1", "line": {"items": rows}}


def test_a_charge_is_in_both_books_and_cancels_for_the_group(group: Any) -> None:
    path = "advIntercompanyJournalEntry/eid:between~1"
    made = [group.write("PUT", path, charge("DE01", "UK01", 70.5, 70.5, 70.5, 70.5)) for _ in range(2)]
    assert made[0] == made[1]
    (entry,) = group.core.state.intercompany.values()
    assert (entry.seller, entry.buyer, entry.amount_minor, entry.reference) == ("DE01", "UK01", 7_050, "INV1")
    balances = group.core.trial_balance()
    assert balances["intercompany receivables"] == 7_050 == -balances["intercompany revenue"]
    assert balances["intercompany payables"] == -7_050 == -balances["intercompany cost"]
    assert group.core.receivables_by_entity() == {}
    body = {**charge("DE01", "UK01", 1, 1, 1, 1), "externalId": "between~1"}
    assert group.refusal("POST", "advIntercompanyJournalEntry", body)[2] == "This entity already exists."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (charge("DE01", "UK01", 70, 70, 60, 60), "not in balance"),
        (charge("DE01", "UK01", 70, 60, 60, 70), "not in balance"),
        (charge("DE01", "DE01", 70, 70, 70, 70), "one other subsidiary"),
        (charge("DE01", "UK01", 0, 70, 70, 70), "a debit or a credit"),
        ({"line": {"items": []}}, "Please enter value(s) for: Subsidiary."),
        (charge("DE01", "FR01", 1, 1, 1, 1), "linesubsidiary"),
    ],
)
def test_an_entry_that_does_not_balance_in_each_of_two_subsidiaries_is_refused(
    group: Any, body: Any, said: str
) -> None:
    status, _, detail = group.refusal("POST", "advIntercompanyJournalEntry", body)
    assert status == 400 and said in detail
    assert not group.core.state.intercompany
