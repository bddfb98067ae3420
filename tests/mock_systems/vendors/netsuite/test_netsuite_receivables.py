"""Payments, their application, and credit memos."""

from typing import Any

import pytest

from o2c_twin.mock_systems.roles.erp import EarlyPayment

PAY = "invoice/{}/!transform/customerPayment"
CREDIT = "invoice/{}/!transform/creditMemo"


def applied(account: Any, record: str, id_: str) -> dict[str, float]:
    rows = account.get(f"{record}/{id_}/apply", expandSubResources="true")["items"]
    return {row["doc"]["id"]: row["amount"] for row in rows}


@pytest.fixture
def owed(account: Any) -> tuple[str, list[str]]:
    """A customer with invoices of 100 and 50."""
    customer, item = account.customer(), account.item()
    return customer, [account.invoice(customer, item, amount) for amount in (100, 50)]


def test_a_payment_is_applied_as_it_says_and_the_rest_stays_on_account(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    customer, (first, second) = owed
    body = {
        "customer": {"id": customer},
        "payment": 130,
        "checkNum": "BANK-1",
        "apply": {
            "items": [{"doc": {"id": first}, "apply": True, "amount": 100.0}, {"doc": {"id": second}, "amount": 20}]
        },
    }
    payment = account.write("POST", "customerPayment", body)
    shown = account.get(f"customerPayment/{payment}")
    assert (shown["payment"], shown["applied"], shown["unapplied"], shown["checkNum"]) == (130.0, 120.0, 10.0, "BANK-1")
    assert shown["customer"]["id"] == customer
    assert applied(account, "customerPayment", payment) == {first: 100.0, second: 20.0}
    assert account.get(f"invoice/{first}")["status"]["refName"] == "Paid In Full"
    rest = account.get(f"invoice/{second}")
    assert (rest["amountPaid"], rest["amountRemaining"]) == (20.0, 30.0)
    assert account.get(f"customer/{customer}")["balance"] == 20.0


def test_both_published_shapes_of_an_apply_line_are_read(account: Any, owed: tuple[str, list[str]]) -> None:
    customer, (first, second) = owed
    rows = [
        {"doc": {"id": first, "apply": True, "amount": 60, "line": 0}},
        {"doc": {"id": second}, "apply": True, "amount": 10},
    ]
    payment = account.write("POST", "customerPayment", {"customer": {"id": customer}, "apply": {"items": rows}})
    assert applied(account, "customerPayment", payment) == {first: 60.0, second: 10.0}
    assert account.get(f"customerPayment/{payment}")["payment"] == 70.0


def test_an_apply_line_without_amount_takes_all_that_is_due(account: Any, owed: tuple[str, list[str]]) -> None:
    customer, (first, second) = owed
    rows = [{"doc": {"id": first}, "apply": True}, {"doc": {"id": second}, "apply": False}]
    body = {"customer": {"id": customer}, "payment": 100, "apply": {"items": rows}}
    payment = account.write("POST", "customerPayment", body)
    assert applied(account, "customerPayment", payment) == {first: 100.0}


def test_auto_apply_pays_the_oldest_first(account: Any, owed: tuple[str, list[str]]) -> None:
    customer, (first, second) = owed
    body = {"customer": {"id": customer}, "payment": 120, "autoApply": True}
    payment = account.write("POST", "customerPayment", body)
    assert applied(account, "customerPayment", payment) == {first: 100.0, second: 20.0}


def test_put_by_external_id_never_receives_money_twice(account: Any, owed: tuple[str, list[str]]) -> None:
    customer, (first, _) = owed
    body = {"customer": {"id": customer}, "payment": 100, "apply": {"items": [{"doc": {"id": first}, "amount": 100}]}}
    payment = account.write("PUT", "customerPayment/eid:B-1", body)
    assert account.write("PUT", "customerPayment/eid:B-1", body) == payment
    refused = account.refusal("POST", "customerPayment", {**body, "externalId": "B-1"})
    assert refused == (400, "USER_ERROR", "This entity already exists.")
    assert account.get(f"customer/{customer}")["balance"] == 50.0


def test_an_invoice_is_paid_by_transform(account: Any, owed: tuple[str, list[str]]) -> None:
    _, (first, second) = owed
    whole = account.write("POST", PAY.format(first))
    assert account.get(f"customerPayment/{whole}")["payment"] == 100.0
    part = account.write("POST", PAY.format(second), {"payment": 20, "externalId": "B-2"})
    assert applied(account, "customerPayment", part) == {second: 20.0}
    none = account.write("POST", PAY.format(second), {"payment": 5, "apply": {"items": []}})
    assert applied(account, "customerPayment", none) == {}
    assert "already exists" in account.refusal("POST", PAY.format(second), {"externalId": "B-2"})[2]
    assert "can not initialize" in account.refusal("POST", PAY.format(first))[2]


@pytest.mark.parametrize("amount", [100.01, -1])
def test_more_than_is_due_cannot_be_applied(account: Any, owed: tuple[str, list[str]], amount: float) -> None:
    customer, (first, _) = owed
    rows = {"items": [{"doc": {"id": first}, "amount": amount}]}
    body = {"customer": {"id": customer}, "payment": 500, "apply": rows}
    assert account.refusal("POST", "customerPayment", body)[0] == 400
    assert not account.core.state.payments


def test_another_customers_invoice_cannot_be_paid(account: Any, owed: tuple[str, list[str]]) -> None:
    _, (first, _) = owed
    other = account.customer("Other")
    body = {"customer": {"id": other}, "payment": 10, "apply": {"items": [{"doc": {"id": first}, "amount": 10}]}}
    assert account.refusal("POST", "customerPayment", body)[:2] == (400, "USER_ERROR")


def test_patch_says_how_much_each_invoice_has_from_now_on(account: Any, owed: tuple[str, list[str]]) -> None:
    customer, (first, second) = owed
    payment = account.write("POST", "customerPayment", {"customer": {"id": customer}, "payment": 110})
    path = f"customerPayment/{payment}"

    def apply(*rows: tuple[str, Any]) -> dict[str, Any]:
        return {"apply": {"items": [{"doc": {"id": id_}, **values} for id_, values in rows]}}

    account.write("PATCH", path, apply((first, {"amount": 60})))
    assert applied(account, "customerPayment", payment) == {first: 60.0}
    account.write("PATCH", path, apply((first, {"amount": 100}), (second, {"amount": 10})))
    assert applied(account, "customerPayment", payment) == {first: 100.0, second: 10.0}
    account.write("PATCH", path, apply((first, {"apply": False}), (second, {"amount": 0})))
    assert applied(account, "customerPayment", payment) == {}
    assert account.get(f"invoice/{first}")["amountRemaining"] == 100.0
    assert account.get(path)["unapplied"] == 110.0
    # What is taken back in the same request may be used in it.
    account.write("PATCH", path, apply((first, {"amount": 100}), (second, {"amount": 10})))
    account.write("PATCH", path, apply((first, {"amount": 60}), (second, {"amount": 50})))
    assert applied(account, "customerPayment", payment) == {first: 60.0, second: 50.0}
    account.write("PATCH", path, apply((second, {"amount": 50})), {"replace": "apply"})
    assert applied(account, "customerPayment", payment) == {second: 50.0}
    account.write("PATCH", path, apply((first, {"amount": 60})))
    before = account.dialect.snapshot()
    assert account.refusal("PATCH", path, apply((first, {"amount": 80}), (second, {"amount": 50})))[1] == "USER_ERROR"
    assert account.dialect.snapshot() == before
    assert sum(account.core.trial_balance().values()) == 0


def test_paying_frees_credit_for_a_held_order(account: Any) -> None:
    customer, item = account.customer(creditLimit=100), account.item()
    invoice = account.invoice(customer, item, 100)
    held = account.order(customer, (item, 1, 50))
    assert account.get(f"salesOrder/{held}")["orderStatus"]["id"] == "A"
    account.write("POST", PAY.format(invoice))
    assert account.get(f"salesOrder/{held}")["orderStatus"]["id"] == "B"


def test_overdue_balance_counts_from_the_due_date(account: Any, owed: tuple[str, list[str]]) -> None:
    customer, _ = owed
    account.clock.us += 30 * 86_400_000_000
    assert account.get(f"customer/{customer}")["overdueBalance"] == 0.0
    account.clock.us += 3 * 86_400_000_000
    shown = account.get(f"customer/{customer}")
    assert (shown["overdueBalance"], shown["daysOverdue"]) == (150.0, 3)


def test_an_invoice_is_credited_in_part_and_in_whole_by_transform(account: Any) -> None:
    customer, item = account.customer(), account.item()
    order = account.order(customer, (item, 4, 25))
    account.write("POST", f"salesOrder/{order}/!transform/itemFulfillment")
    invoice = account.write("POST", f"salesOrder/{order}/!transform/invoice")
    body = {"externalId": "CM-1", "memo": "damaged", "item": {"items": [{"orderLine": 1, "quantity": 1}]}}
    memo = account.write("POST", CREDIT.format(invoice), body)
    shown = account.get("creditMemo/eid:CM-1")
    assert (shown["id"], shown["total"], shown["memo"]) == (memo, 25.0, "damaged")
    assert (shown["createdFrom"]["id"], shown["status"]["refName"]) == (invoice, "Fully Applied")
    assert applied(account, "creditMemo", memo) == {invoice: 25.0}
    assert "already exists" in account.refusal("POST", CREDIT.format(invoice), body)[2]
    rest = account.write("POST", CREDIT.format(invoice))
    assert account.get(f"creditMemo/{rest}")["total"] == 75.0
    assert account.get(f"invoice/{invoice}")["status"]["refName"] == "Paid In Full"
    assert "can not initialize" in account.refusal("POST", CREDIT.format(invoice))[2]


def test_a_credit_memo_can_be_posted_for_the_invoice_it_is_applied_to(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    customer, (first, second) = owed
    rows = {"items": [{"amount": 15}]}
    body = {"entity": {"id": customer}, "item": rows, "apply": {"items": [{"doc": {"id": second}, "apply": True}]}}
    memo = account.write("POST", "creditMemo", body)
    assert applied(account, "creditMemo", memo) == {second: 15.0}
    assert account.refusal("POST", "creditMemo", {"entity": {"id": customer}, "item": rows})[1] == "USER_ERROR"
    both = {"items": [{"doc": {"id": first}}, {"doc": {"id": second}}]}
    assert account.refusal("POST", "creditMemo", {**body, "apply": both})[0] == 400
    too_much = {**body, "item": {"items": [{"amount": 36}]}}
    assert account.refusal("POST", "creditMemo", too_much)[:2] == (400, "USER_ERROR")


def test_order_reference_and_external_id_of_an_invoice_can_be_set_later(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    _, (first, second) = owed
    account.write("PATCH", f"invoice/{first}", {"otherRefNum": "PO-9", "externalId": "I-1"})
    shown = account.get("invoice/eid:I-1")
    assert (shown["id"], shown["otherRefNum"]) == (first, "PO-9")
    assert account.write("PUT", "invoice/eid:I-1", {"otherRefNum": "PO-10"}) == first
    assert "already exists" in account.refusal("PATCH", f"invoice/{second}", {"externalId": "I-1"})[2]
    assert account.refusal("PUT", "invoice/eid:unknown", {})[:2] == (400, "USER_ERROR")


# --- write-offs -------------------------------------------------------------------------------------


def test_an_invoice_credited_with_the_item_for_it_is_written_off_and_revenue_stays(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    _, (invoice, _) = owed
    (item,) = account.select("SELECT id, itemtype FROM item WHERE itemid = 'WRITE-OFF'")
    assert account.select(f"SELECT id, itemtype FROM item WHERE id = {item['id']}") == [item]
    assert item["itemtype"] == "OthCharge"
    body = {
        "memo": "bank charges",
        "item": {"items": [{"item": {"id": item["id"]}, "quantity": 1, "rate": 2.5}]},
    }
    memo = account.write("POST", CREDIT.format(invoice), body, {"replace": "item"})
    balances = account.core.trial_balance()
    assert (balances["write-offs"], balances["revenue"], balances["receivables"]) == (250, -15_000, 14_750)
    assert account.get(f"creditMemo/{memo}")["memo"] == "bank charges"


def test_an_invoice_credited_with_the_item_for_early_payment_books_a_discount_and_no_cost(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    _, (invoice, _) = owed
    row = {"item": {"refName": "EARLY-PAYMENT"}, "quantity": 1, "rate": 2.5}
    other = {"item": {"refName": "WRITE-OFF"}, "quantity": 1, "rate": 1}
    assert account.refusal("POST", CREDIT.format(invoice), {"item": {"items": [row, other]}})[0] == 400
    account.write("POST", CREDIT.format(invoice), {"item": {"items": [row]}}, {"replace": "item"})
    balances = account.core.trial_balance()
    assert (balances["discounts granted"], balances["revenue"], balances["receivables"]) == (250, -15_000, 14_750)
    assert "write-offs" not in balances


def test_terms_tell_what_they_grant_who_pays_early_and_nothing_where_they_are_due_sooner(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    account.core.early_payment = EarlyPayment(200, 20)
    rows = account.select("SELECT name, daysuntilnetdue, discountpercent, daysuntilexpiry FROM term ORDER BY id")
    assert rows[1]["name"] == "Net 30"
    assert (rows[1]["discountpercent"], rows[1]["daysuntilexpiry"]) == ("2", "20")
    assert rows[0]["name"] == "Net 15"
    assert rows[0].get("discountpercent") is None
    joined = account.select("SELECT t.id, term.name FROM transaction t JOIN term ON term.id = t.terms")
    assert {row["id"] for row in joined} == set(owed[1])


def test_a_write_off_of_no_amount_or_with_other_lines_beside_it_is_refused(
    account: Any, owed: tuple[str, list[str]]
) -> None:
    _, (invoice, _) = owed
    charge = {"item": {"refName": "WRITE-OFF"}}
    for rows in ([{**charge, "amount": 1}, {"orderLine": 1, "amount": 1}], [charge]):
        assert account.refusal("POST", CREDIT.format(invoice), {"item": {"items": rows}})[0] == 400
    assert account.core.state.credit_memos == {}
