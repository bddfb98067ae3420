"""Credit blocks lifted and upheld, credit memo requests billed, write-offs posted: as a person decides."""

import json

import pytest

BLOCKED = "API_SLS_DOC_WITH_CREDIT_BLOCK/A_CreditBlockedSalesDocument"
REQUESTS = "API_CREDIT_MEMO_REQUEST_SRV/A_CreditMemoRequest"
BILLING = "API_BILLING_DOCUMENT_SRV/A_BillingDocument"
BILL = (
    "/sap/opu/odata4/sap/api_billingdocument/srvd_a2x/sap/billingdocument/0001"
    "/BillingDocument/SAP__self.CreateFromSDDocument"
)


@pytest.fixture
def held(s4):
    return s4.hold(s4.customer(limit="1.00"))


def _bill(s4, request):
    return s4.call("POST", BILL, {"_Reference": [{"SDDocument": request, "SDDocumentCategory": "K"}]})


# --- credit blocks -----------------------------------------------------------------------------------


def test_a_blocked_order_is_listed_until_it_is_released(s4, held):
    assert [row["SalesDocument"] for row in s4.rows(BLOCKED)] == [held]
    told = s4.function("ReleaseCreditBlock", SalesDocument=held, SDDocumentCategory="C")
    assert (told["MessageType"], told["Message"]) == ("S", f"Sales document {held} was released.")
    order = s4.get(f"API_SALES_ORDER_SRV/A_SalesOrder('{held}')")
    assert (order["TotalCreditCheckStatus"], s4.rows(BLOCKED)) == ("D", [])
    again = s4.function("ReleaseCreditBlock", SalesDocument=held, SDDocumentCategory="C")
    assert (again["MessageType"], again["Message"]) == (
        "E",
        f"Sales document {held} is not blocked for credit reasons.",
    )
    assert s4.ship(held)


def test_a_blocked_order_may_be_turned_down(s4, held):
    assert s4.function("RejectCreditBlock", SalesDocument=held, SDDocumentCategory="C", SalesDocumentRjcnReason="10")
    (item,) = s4.rows(f"API_SALES_ORDER_SRV/A_SalesOrder('{held}')/to_Item")
    assert (item["SalesDocumentRjcnReason"], s4.rows(BLOCKED)) == ("10", [])


def test_a_check_lets_an_order_go_that_fits_by_now(s4, held):
    asked = {"SalesDocument": held, "SDDocumentCategory": "C"}
    assert s4.function("CheckCreditBlock", **asked)["Message"].endswith("still blocked for credit reasons.")
    customer = s4.core.state.orders[held].customer_id
    s4.core.state.customers[customer].credit_limit_minor = 10_000_000
    assert s4.function("CheckCreditBlock", **asked)["Message"].endswith("not blocked for credit reasons.")


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"SalesDocument": "'99'", "SDDocumentCategory": "'C'"}, 404),
        ({"SalesDocument": "'1'", "SDDocumentCategory": "'J'"}, 400),
        ({"SalesDocument": "1", "SDDocumentCategory": "'C'"}, 400),
        ({"SalesDocument": "'1'"}, 400),
    ],
)
def test_what_is_no_blocked_order_is_refused(s4, held, parameters, status):
    assert s4.call("POST", "API_SLS_DOC_WITH_CREDIT_BLOCK/ReleaseCreditBlock", None, parameters).status == status


# --- credit memo requests ----------------------------------------------------------------------------


def test_a_request_is_billed_once_and_credits_its_invoice(s4):
    invoice = s4.invoice(s4.customer(), "50.00")
    request = s4.request_credit(invoice, "20.00", PurchaseOrderByCustomer="R-1")
    assert s4.get(f"{REQUESTS}('{request}')")["OverallOrdReltdBillgStatus"] == "A"
    (found,) = s4.rows(REQUESTS, filter=f"ReferenceSDDocument eq '{invoice}'", expand="to_Item")
    assert (found["TotalNetAmount"], found["to_Item"]["results"][0]["NetAmount"]) == ("20.00", "20.00")
    (made,) = json.loads(_bill(s4, request).body)["value"]
    memo = s4.get(f"{BILLING}('{made['BillingDocument']}')")
    assert (memo["BillingDocumentType"], memo["SDDocumentCategory"], memo["TotalGrossAmount"]) == ("G2", "O", "20.00")
    assert s4.get(f"{BILLING}('{invoice}')")["InvoiceClearingStatus"] == "B"
    (item,) = s4.rows("API_BILLING_DOCUMENT_SRV/A_BillingDocumentItem", filter=f"ReferenceSDDocument eq '{request}'")
    assert (item["BillingDocument"], item["ReferenceSDDocumentCategory"]) == (made["BillingDocument"], "K")
    assert s4.get(f"{REQUESTS}('{request}')")["OverallOrdReltdBillgStatus"] == "C"
    assert s4.refusal(_bill(s4, request))[:2] == (400, "VF/044")


def test_what_a_person_credited_is_found_by_its_invoice(s4):
    invoice = s4.invoice(s4.customer(), "50.00")
    memo = s4.core.issue_credit_memo(invoice, 1_000, "price").id
    (item,) = s4.rows("API_BILLING_DOCUMENT_SRV/A_BillingDocumentItem", filter=f"ReferenceSDDocument eq '{invoice}'")
    assert (item["BillingDocument"], item["ReferenceSDDocumentCategory"]) == (memo, "M")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CreditMemoRequestType": "XX"}, "V1/304"),
        ({"ReferenceSDDocument": "99"}, "V1/302"),
        ({"SoldToParty": "99"}, "V1/303"),
        ({"to_Item": []}, "V1/555"),
        ({"HeaderBillingBlockReason": "08"}, "005056A509B11EE1B9A8FEA8DE87F78E"),
    ],
)
def test_a_request_that_is_wrong_is_refused(s4, change, code):
    body = {**s4.credit_body(s4.invoice(s4.customer()), "1.00"), **change}
    assert s4.refusal(s4.call("POST", REQUESTS, body))[1] == code
    assert s4.rows(REQUESTS) == []


def test_more_than_was_billed_is_not_credited(s4):
    invoice = s4.invoice(s4.customer(), "50.00")
    request = s4.request_credit(invoice, "50.01")
    assert s4.refusal(_bill(s4, request))[1] == "VF/162"
    assert s4.refusal(_bill(s4, "99"))[1] == "VF/017"
    assert s4.core.state.credit_memos == {}


# --- write-offs --------------------------------------------------------------------------------------


def test_a_customer_document_books_a_write_off_as_a_cost(s4):
    customer = s4.customer()
    invoice = s4.invoice(customer, "50.00")
    account = s4.get(f"{BILLING}('{invoice}')")["AccountingDocument"]
    document = s4.receipt(customer, "2.00", kind="DA", reference="", text="off:1")
    s4.clear("C1", (document, None), (account, "2.00"))
    cube = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
    (row,) = s4.rows(cube, filter="AccountingDocumentHeaderText eq 'off:1'")
    assert (row["AccountingDocumentType"], row["AmountInTransactionCurrency"]) == ("DA", "-2.00")
    balances = s4.core.trial_balance()
    assert (balances["write-offs"], balances["receivables"], balances["revenue"]) == (200, 4_800, -5_000)
    assert "bank" not in balances
