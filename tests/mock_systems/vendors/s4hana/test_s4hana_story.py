"""Order to cash through S/4HANA's services, the same over all three transports."""

import json


def test_from_a_customer_to_cleared_cash(anywhere):
    s4 = anywhere
    customer = s4.customer("Acme", limit="1000.00", SearchTerm1="K-1")
    order = s4.order(customer, ("TG11", 5, "10.53"), PurchaseOrderByCustomer="WEB-1001", ExternalDocumentID="order:D1")
    assert (order["TotalNetAmount"], order["TotalCreditCheckStatus"]) == ("52.65", "A")
    assert order["to_Item"]["results"][0]["SalesOrderItem"] == "10"
    number = order["SalesOrder"]

    first = s4.ship(number, 3)
    row = s4.get(f"API_SALES_ORDER_SRV/A_SalesOrder('{number}')", select="OverallTotalDeliveryStatus")
    assert row["OverallTotalDeliveryStatus"] == "B"
    second = s4.ship(number, 2)
    bills = json.loads(s4.bill(first, second).body)["value"]
    assert len(bills) == 1
    invoice = s4.get(f"API_BILLING_DOCUMENT_SRV/A_BillingDocument('{bills[0]['BillingDocument']}')", expand="to_Item")
    assert [item["ReferenceSDDocument"] for item in invoice["to_Item"]["results"]] == [first, second]
    assert (invoice["TotalGrossAmount"], invoice["InvoiceClearingStatus"]) == ("52.65", "A")

    receipt = s4.receipt(customer, "60.00")
    s4.clear("C1", (receipt, "52.65"), (invoice["AccountingDocument"], None))
    cube = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
    rows = s4.rows(cube, filter=f"Customer eq '{customer}' and ClearingAccountingDocument eq ''")
    assert [(row["AccountingDocument"], row["AmountInTransactionCurrency"]) for row in rows] == [(receipt, "-7.35")]
    after = s4.get(f"API_BILLING_DOCUMENT_SRV/A_BillingDocument('{invoice['BillingDocument']}')")
    assert after["InvoiceClearingStatus"] == "C"
    flow = s4.rows(f"API_SALES_ORDER_SRV/A_SalesOrder('{number}')/to_SubsequentProcFlowDoc")
    assert [row["SubsequentDocument"] for row in flow] == [first, second, invoice["BillingDocument"]]


def test_what_is_not_covered_is_not_found_and_said_so(anywhere):
    for path in ("API_CUSTOMER_RETURN_SRV/A_CustomerReturn", "API_SALES_ORDER_SRV/A_SalesOrder('1')/a/b"):
        status, code, _ = anywhere.refusal(anywhere.call("GET", path))
        assert status == 404, code
        assert anywhere.server.journal.entries[-1].operation == "not modelled"
    assert anywhere.call("GET", "/sap/bc/other").status == 404
    status, code, _ = anywhere.refusal(anywhere.call("PUT", "API_SALES_ORDER_SRV/A_SalesOrder('1')", {}))
    assert (status, code) == (405, "/IWBEP/CM_MGW_RT/021")
