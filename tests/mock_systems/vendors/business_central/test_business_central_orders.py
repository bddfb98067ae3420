"""Orders, what posting makes of them, invoices, payments: over a direct call, ASGI and a socket."""

import json
from typing import Any

import pytest

from o2c_twin.mock_systems.vendors.business_central import BusinessCentralConfig, Oddities


def test_order_to_cash(company: Any) -> None:
    order = company.order(("WIDGET", 5), externalDocumentNumber="web-1001", shipToCity="Ghent")
    assert (order["number"], order["status"], order["totalAmountIncludingTax"]) == ("SO1001", "Draft", 125)
    assert order["externalDocumentNumber"] == "WEB-1001", "code fields are kept in capitals"
    assert order["shipToCity"] == "Ghent"
    (line,) = company.lines(order)
    assert (line["shipQuantity"], line["invoiceQuantity"]) == (5, 5)
    company.patch(f"salesOrderLines({line['id']})", {"shipQuantity": 3}, line["@odata.etag"])
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    (shipment,) = company.rows("salesShipments?$expand=salesShipmentLines")
    assert (shipment["orderNumber"], shipment["salesShipmentLines"][0]["quantity"]) == ("SO1001", 3)
    (invoice,) = company.rows("salesInvoices?$filter=orderNumber eq 'SO1001'")
    assert (invoice["status"], invoice["remainingAmount"], invoice["orderId"]) == ("Open", 75, order["id"])
    assert company.get(f"salesOrders({order['id']})")["status"] == "Open"
    (line,) = company.lines(order)
    assert (line["shippedQuantity"], line["invoicedQuantity"], line["shipQuantity"]) == (3, 3, 2)
    journal = company.journal()
    payment = {"customerNumber": "C100", "amount": -75, "appliesToInvoiceId": invoice["id"], "documentNumber": "pay1"}
    made = company.post(f"customerPaymentJournals({journal})/customerPayments", payment)
    assert (made["documentNumber"], made["appliesToInvoiceNumber"]) == ("PAY1", invoice["number"])
    company.act(f"journals({journal})/Microsoft.NAV.post")
    assert company.get(f"salesInvoices({invoice['id']})")["status"] == "Paid"
    assert company.rows(f"customerPaymentJournals({journal})/customerPayments") == []
    entries = company.rows("generalLedgerEntries?$filter=documentNumber eq 'PAY1' and debitAmount gt 0")
    assert entries[0]["documentType"] == "Payment"
    assert sum(company.core.trial_balance().values()) == 0


def test_an_order_is_gone_with_its_last_invoice(company: Any) -> None:
    order = company.order(("WIDGET", 1))
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    assert company.refusal("GET", f"salesOrders({order['id']})")[:2] == (404, "Internal_RecordNotFound")
    assert company.rows("salesOrders") == []
    assert company.refusal("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")[0] == 404
    (invoice,) = company.rows(f"salesInvoices?$filter=orderId eq {order['id']}")
    assert invoice["orderNumber"] == order["number"]


def test_the_order_stays_where_that_oddity_is_off(new_company: Any) -> None:
    company = new_company(BusinessCentralConfig(oddities=Oddities(order_deleted_when_invoiced=False)))
    company.item()
    company.customer()
    order = company.order(("WIDGET", 1))
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    assert company.get(f"salesOrders({order['id']})")["fullyShipped"] is True


def test_invoicing_what_the_warehouse_shipped_ships_nothing(company: Any) -> None:
    order = company.order(("WIDGET", 5))
    inner = next(iter(company.core.state.orders.values()))
    company.core.deliver(inner.id, {1: 2})
    (line,) = company.lines(order)
    company.patch(f"salesOrderLines({line['id']})", {"shipQuantity": 0})
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    assert (inner.lines[0].shipped, inner.lines[0].billed) == (2, 2)


def test_quantities_beyond_what_is_there_are_refused_and_change_nothing(company: Any) -> None:
    order = company.order(("WIDGET", 200))
    (line,) = company.lines(order)
    path = f"salesOrderLines({line['id']})"
    assert company.refusal("PATCH", path, {"shipQuantity": 201}, if_match="*")[2].startswith("You cannot ship more")
    assert company.refusal("PATCH", path, {"invoiceQuantity": 201}, if_match="*")[2].startswith("You cannot invoice")
    action = f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice"
    assert company.refusal("POST", action) == (
        400,
        "Application_DialogException",
        "You have insufficient quantity of Item WIDGET on inventory.",
    )
    assert (company.core.state.deliveries, company.core.state.invoices) == ({}, {})
    company.patch(path, {"shipQuantity": 0})
    assert company.refusal("POST", action)[2] == "There is nothing to post."


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "Application_DialogException", 'A "customerNumber" or a "customerId" must be provided.'),
        ({"customerNumber": "C999"}, "Application_DialogException", "The sell-to customer cannot be found."),
        ({"customerNumber": "C100", "colour": "red"}, "BadRequest", "The property 'colour' does not exist"),
        ({"customerNumber": "C100", "number": "X"}, "BadRequest", "Control 'number' is read-only."),
        ({"customerNumber": 7}, "BadRequest", "Cannot convert"),
        (
            {"customerNumber": "C100", "externalDocumentNumber": "x" * 36},
            "Application_StringExceededLength",
            "The length",
        ),
        ({"customerNumber": "C100", "currencyCode": "EUR"}, "Application_DialogException", 'The "currencyCode"'),
        (
            {
                "customerNumber": "C100",
                "salesOrderLines": [{"lineType": "Item", "lineObjectNumber": "NO", "quantity": 1}],
            },
            "Application_DialogException",
            "Item does not exist.",
        ),
        (
            {"customerNumber": "C100", "salesOrderLines": [{"lineObjectNumber": "WIDGET", "quantity": -1}]},
            "Application_FieldValidationException",
            "Validation error",
        ),
    ],
)
def test_an_order_that_is_wrong_is_refused(company: Any, body: dict[str, Any], code: str, words: str) -> None:
    status, found, message = company.refusal("POST", "salesOrders", body)
    assert (status, found) == (400, code)
    assert message.startswith(words)
    assert company.core.state.orders == {}


def test_blocked_customers_are_not_sold_to(company: Any) -> None:
    customer = company.rows("customers")[0]
    order = company.order(("WIDGET", 1))
    lines = [{"lineObjectNumber": "WIDGET", "quantity": 1}]
    for blocked in ("Ship", "All"):
        company.patch(f"customers({customer['id']})", {"blocked": blocked})
        answer = company.refusal("POST", "salesOrders", {"customerNumber": "C100", "salesOrderLines": lines})
        assert answer[1] == "Application_DialogException"
        assert blocked in answer[2]
        assert company.refusal("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")[0] == 400
    company.patch(f"customers({customer['id']})", {"blocked": " "})
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")


def test_an_order_over_the_limit_waits_for_approval_and_a_limit_of_nothing_is_none(company: Any) -> None:
    customer = company.rows("customers")[0]
    company.patch(f"customers({customer['id']})", {"creditLimit": 10})
    order = company.order(("WIDGET", 1))
    assert order["status"] == "In Review"
    assert company.refusal("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")[0] == 400
    company.patch(f"customers({customer['id']})", {"creditLimit": 0})
    assert company.get(f"salesOrders({order['id']})")["status"] == "Draft"


def test_without_the_approval_workflow_the_limit_is_a_warning_nobody_sees(new_company: Any) -> None:
    company = new_company(BusinessCentralConfig(oddities=Oddities(credit_approval=False)))
    company.item()
    company.customer(creditLimit=10)
    assert company.order(("WIDGET", 1))["status"] == "Draft"


def test_comments_of_an_order_stand_on_its_invoices(company: Any) -> None:
    lines = [{"lineType": "Comment", "description": "Ref. 7"}, {"lineObjectNumber": "WIDGET", "quantity": 1}]
    order = company.post("salesOrders", {"customerNumber": "C100", "salesOrderLines": lines})
    company.post(f"salesOrders({order['id']})/salesOrderLines", {"lineType": "Comment", "description": "more"})
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    wanted = "$expand=salesInvoiceLines($filter=lineType eq 'Comment';$select=description)"
    (invoice,) = company.rows(f"salesInvoices?{wanted}")
    assert [line["description"] for line in invoice["salesInvoiceLines"]] == ["Ref. 7", "more"]


# --- invoices of their own --------------------------------------------------------------------------


def test_a_draft_invoice_keeps_its_id_when_it_is_posted_and_gets_another_number(company: Any) -> None:
    lines = [{"lineObjectNumber": "WIDGET", "quantity": 2}]
    draft = company.post("salesInvoices", {"customerNumber": "C100", "salesInvoiceLines": lines})
    assert (draft["status"], draft["totalAmountIncludingTax"], draft["remainingAmount"]) == ("Draft", 50, 0)
    company.post(f"salesInvoices({draft['id']})/salesInvoiceLines", {"lineObjectNumber": "WIDGET", "quantity": 1})
    company.act(f"salesInvoices({draft['id']})/Microsoft.NAV.post")
    posted = company.get(f"salesInvoices({draft['id']})")
    assert (posted["status"], posted["remainingAmount"], posted["orderNumber"]) == ("Open", 75, "")
    assert posted["number"] != draft["number"]
    assert (company.rows("salesOrders"), company.rows("salesShipments")) == ([], [])
    assert company.refusal("POST", f"salesInvoices({draft['id']})/Microsoft.NAV.post")[2].startswith("The action can")
    assert company.refusal("DELETE", f"salesInvoices({draft['id']})")[0] == 400


def test_a_cancelled_invoice_is_credited_and_its_goods_come_back(company: Any) -> None:
    invoice = company.invoice("WIDGET", 4)
    company.act(f"salesInvoices({invoice['id']})/Microsoft.NAV.cancel")
    assert company.get(f"salesInvoices({invoice['id']})")["status"] == "Canceled"
    assert company.core.items_by_sku["WIDGET"].on_hand == 100
    (memo,) = company.rows("salesCreditMemos")
    assert (memo["invoiceId"], memo["totalAmountIncludingTax"]) == (invoice["id"], 100)
    assert company.refusal("POST", f"salesInvoices({invoice['id']})/Microsoft.NAV.cancel")[0] == 400


# --- credit memos -------------------------------------------------------------------------------------


def _credit(company: Any, invoice: dict[str, Any], *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"customerNumber": "C100", "invoiceId": invoice["id"], "salesCreditMemoLines": list(lines), **fields}
    return dict(company.post("salesCreditMemos", body))


def _on(account: str, amount: float) -> dict[str, Any]:
    return {"lineType": "Account", "lineObjectNumber": account, "quantity": 1, "unitPrice": amount}


def test_a_credit_memo_is_a_draft_until_it_is_posted_and_keeps_its_id(company: Any) -> None:
    invoice = company.invoice("WIDGET", 4)
    draft = _credit(company, invoice, _on("40100", 30), externalDocumentNumber="CM-1")
    assert (draft["status"], draft["invoiceNumber"], draft["totalAmountIncludingTax"]) == (
        "Draft",
        invoice["number"],
        30,
    )
    line = company.post(f"salesCreditMemos({draft['id']})/salesCreditMemoLines", _on("40100", 5.5))
    assert (line["sequence"], line["netAmount"]) == (20_000, 5.5)
    assert company.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 100
    company.act(f"salesCreditMemos({draft['id']})/Microsoft.NAV.post")
    (memo,) = company.rows("salesCreditMemos?$filter=externalDocumentNumber eq 'CM-1'")
    assert (memo["id"], memo["status"], memo["totalAmountIncludingTax"]) == (draft["id"], "Paid", 35.5)
    assert memo["number"] != draft["number"]
    assert company.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 64.5
    (shown,) = company.rows(f"salesCreditMemoLines?$filter=documentId eq {memo['id']}")
    assert (shown["lineObjectNumber"], shown["netAmount"]) == ("40100", 35.5)
    path = f"salesCreditMemos({draft['id']})"
    assert company.refusal("POST", f"{path}/Microsoft.NAV.post")[2].startswith("The action can be applied to a draft")
    assert company.refusal("DELETE", path)[0] == 400


def test_a_credit_memo_on_a_cost_account_leaves_revenue_as_it_was(company: Any) -> None:
    invoice = company.invoice("WIDGET", 4)
    draft = _credit(company, invoice, _on("67200", 2))
    company.act(f"salesCreditMemos({draft['id']})/Microsoft.NAV.post")
    net = {row["number"]: row["netChange"] for row in company.rows("accounts")}
    assert (net["40100"], net["67200"], net["15110"]) == (-100, 2, 98)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"lineType": "Item", "lineObjectNumber": "WIDGET", "quantity": 1}, "lineType"),
        ({"lineType": "Account", "lineObjectNumber": "1", "quantity": 1}, "Account does not exist."),
        ({**_on("40100", 5), "quantity": 0}, "quantity"),
        ({**_on("40100", -5)}, "unitPrice"),
    ],
)
def test_a_credit_memo_that_is_wrong_is_refused(company: Any, line: dict[str, Any], words: str) -> None:
    invoice = company.invoice("WIDGET", 4)
    body = {"customerNumber": "C100", "invoiceId": invoice["id"], "salesCreditMemoLines": [line]}
    assert words in company.refusal("POST", "salesCreditMemos", body)[2]
    assert company.rows("salesCreditMemos") == []


def test_a_credit_memo_of_too_much_or_of_nothing_is_not_posted(company: Any) -> None:
    invoice = company.invoice("WIDGET", 4)
    for lines in ([_on("40100", 101)], [], [_on("40100", 1), _on("67200", 1)]):
        draft = _credit(company, invoice, *lines)
        assert company.refusal("POST", f"salesCreditMemos({draft['id']})/Microsoft.NAV.post")[0] == 400
        assert company.call("DELETE", f"salesCreditMemos({draft['id']})").status == 204
    assert (company.rows("salesCreditMemos"), company.core.state.credit_memos) == ([], {})


# --- payments -----------------------------------------------------------------------------------------


def test_a_journal_books_against_the_account_it_balances_on(company: Any) -> None:
    invoice = company.invoice("WIDGET", 4)
    (cost,) = company.rows("accounts?$filter=number eq '67200'")
    journal = company.post("customerPaymentJournals", {"code": "SMALL", "balancingAccountId": cost["id"]})
    assert journal["balancingAccountNumber"] == "67200"
    line = {"customerNumber": "C100", "amount": -3, "appliesToInvoiceId": invoice["id"], "documentNumber": "W1"}
    company.post(f"customerPaymentJournals({journal['id']})/customerPayments", line)
    company.act(f"journals({journal['id']})/Microsoft.NAV.post")
    entries = company.rows("generalLedgerEntries?$filter=documentNumber eq 'W1'")
    assert [(e["accountNumber"], e["debitAmount"]) for e in entries if e["debitAmount"]] == [("67200", 3), ("15120", 3)]
    assert company.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 97
    body = {"code": "NONE", "balancingAccountId": invoice["id"]}
    assert company.refusal("POST", "customerPaymentJournals", body)[2].startswith('The "balancingAccountId"')


def _pay(company: Any, **fields: Any) -> dict[str, Any]:
    path = f"customerPaymentJournals({company.journal()})/customerPayments"
    return dict(company.post(path, {"customerNumber": "C100", "amount": -10, **fields}))


def test_posting_a_journal_posts_every_line_of_it_or_none(company: Any) -> None:
    invoice = company.invoice("WIDGET", 2)
    _pay(company, documentNumber="P1")
    wrong = _pay(company, documentNumber="P2", amount=-51, appliesToInvoiceId=invoice["id"])
    action = f"journals({company.journal()})/Microsoft.NAV.post"
    assert company.refusal("POST", action)[1] == "Application_DialogException"
    assert company.core.state.payments == {}
    company.patch(f"customerPayments({wrong['id']})", {"amount": -50})
    company.act(action)
    assert [p.amount_minor for p in company.core.state.payments.values()] == [1_000, 5_000]
    assert company.refusal("POST", action)[2] == "There is nothing to post."


def test_lines_of_one_document_are_one_payment(company: Any) -> None:
    first, second = company.invoice("WIDGET", 1), company.invoice("WIDGET", 2)
    _pay(company, documentNumber="P1", amount=-25, appliesToInvoiceId=first["id"], externalDocumentNumber="BANK-1")
    _pay(company, documentNumber="P1", amount=-20, appliesToInvoiceNumber=second["number"])
    company.act(f"journals({company.journal()})/Microsoft.NAV.post")
    (payment,) = company.core.state.payments.values()
    assert (payment.amount_minor, payment.unapplied_minor, payment.reference) == (4_500, 0, "BANK-1")
    aged = company.rows("agedAccountsReceivables")[0]
    assert (aged["balanceDue"], aged["currentAmount"]) == (30, 30)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": 10}, 'The "amount" should be a negative number.'),
        ({"customerNumber": "C9"}, 'The "customerNumber" does not match to a Customer.'),
        ({"appliesToInvoiceNumber": "INV9"}, "The Applies To Invoice values do not match to the same Invoice."),
        ({"appliesToInvoiceId": "00000001-0000-0000-0000-000000000001"}, 'The "appliesToInvoiceId" should be the ID'),
    ],
)
def test_a_payment_line_that_is_wrong_is_refused(company: Any, fields: dict[str, Any], words: str) -> None:
    body = {"customerNumber": "C100", "amount": -10, **fields}
    answer = company.refusal("POST", f"customerPaymentJournals({company.journal()})/customerPayments", body)
    assert answer[2].startswith(words)
    assert company.dialect.state.lines == {}


def test_payment_journals_have_no_post_action_of_their_own(company: Any) -> None:
    assert company.refusal("POST", f"customerPaymentJournals({company.journal()})/Microsoft.NAV.post")[0] == 404


def test_a_snapshot_brings_back_everything(company: Any) -> None:
    order = company.order(("WIDGET", 2))
    _pay(company, documentNumber="P1")
    kept = company.dialect.snapshot()
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    company.act(f"journals({company.journal()})/Microsoft.NAV.post")
    company.dialect.restore(kept)
    assert company.get(f"salesOrders({order['id']})")["number"] == order["number"]
    assert len(company.rows(f"customerPaymentJournals({company.journal()})/customerPayments")) == 1
    assert company.rows("salesInvoices") == []
    assert json.loads(company.call("GET", "customers?$filter=number eq 'C100'").body)["value"]
