"""Receipts over SOAP, their clearing, and the items of the ledger."""

from decimal import Decimal

import pytest

POST_ENTRY = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
CLEAR = "/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques"

CUBE = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
BILLING = "API_BILLING_DOCUMENT_SRV/A_BillingDocument"


@pytest.fixture
def customer(s4):
    return s4.customer()


def _document(s4, invoice):
    return s4.get(f"{BILLING}('{invoice}')")["AccountingDocument"]


def test_a_partial_payment_stands_open_beside_its_invoice(s4, customer):
    invoice = s4.invoice(customer, "50.00")
    document = _document(s4, invoice)
    receipt = s4.receipt(customer, "20.00")
    s4.clear("C1", (receipt, None), (document, "20.00"))
    assert s4.get(f"{BILLING}('{invoice}')")["InvoiceClearingStatus"] == "B"
    rows = s4.rows(CUBE, filter=f"Customer eq '{customer}' and ClearingAccountingDocument eq ''")
    told = [(row["AccountingDocument"], row["AmountInTransactionCurrency"], row["InvoiceReference"]) for row in rows]
    assert told == [(document, "50.00", ""), (receipt, "-20.00", document)]
    rest = s4.receipt(customer, "30.00", reference="B2")
    s4.clear("C2", (rest, None), (document, None))
    cleared = s4.rows(CUBE, filter=f"Customer eq '{customer}'")
    assert [row["ClearingAccountingDocument"] for row in cleared] == [rest, receipt, rest]
    assert sum(Decimal(row["AmountInTransactionCurrency"]) for row in cleared) == 0
    assert all(row["IsCleared"] for row in cleared)


def test_items_are_found_by_what_is_written_on_them(s4, customer):
    other = s4.customer("Other")
    one, two = s4.invoice(customer), s4.invoice(other)
    receipt = s4.receipt(other, "5.00", reference="BANK-7", text="cash:BANK-7")
    s4.core.receive_payment(customer, 100, reference="BY HAND")

    def found(condition):
        return [row["AccountingDocument"] for row in s4.rows(CUBE, filter=condition)]

    assert found("DocumentReferenceID eq 'INV1002'") == [_document(s4, two)]
    assert found(f"BillingDocument eq '{one}' or BillingDocument eq '{two}'") == [
        _document(s4, one),
        _document(s4, two),
    ]
    assert found("AccountingDocumentHeaderText eq 'cash:BANK-7'") == [receipt]
    assert found("DocumentReferenceID eq 'BANK-7'") == [receipt]
    assert found("DocumentReferenceID eq 'BY HAND'") == ["1400000002"]
    assert found(f"AccountingDocument eq '{receipt}'") == [receipt]
    assert found("AccountingDocument eq 'x'") == []
    assert found(f"InvoiceReference eq '{_document(s4, one)}'") == []
    assert len(found("FinancialAccountType eq 'D'")) == 4
    key = f"{CUBE}(CompanyCode='1710',FiscalYear='2026',AccountingDocument='{receipt}',AccountingDocumentItem='2')"
    assert s4.get(key)["AmountInTransactionCurrency"] == "-5.00"
    assert s4.call("GET", key.replace("'2')", "'9')")).status == 404


def test_a_credit_memo_is_an_item_of_its_own(s4, customer):
    invoice = s4.invoice(customer, "50.00")
    s4.core.issue_credit_memo(invoice, 1_000, "price")
    rows = s4.rows(CUBE, filter=f"Customer eq '{customer}' and ClearingAccountingDocument eq ''")
    assert [row["AmountInTransactionCurrency"] for row in rows] == ["50.00", "-10.00"]
    memo = s4.rows(BILLING, filter="BillingDocumentType eq 'G2'")
    assert [row["TotalNetAmount"] for row in memo] == ["10.00"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"customer": "99"}, "Customer 99 is not defined"),
        ({"amount": "x"}, "no amount"),
        ({"amount": "1.001", "bank": "1.001"}, "too many decimals"),
        ({"bank": "9.00"}, "Balance in transaction currency"),
        ({"amount": "0.00", "bank": "0.00"}, "credits the customer"),
        ({"company": "9999"}, "Company code 9999"),
        ({"kind": "SA"}, "Only customer payments"),
        ({"currency": "EUR"}, "Currency EUR"),
        ({"reference": "x" * 17}, "longer than 16"),
        ({"text": "x" * 26}, "longer than 25"),
    ],
)
def test_an_entry_that_is_refused_is_a_200_with_a_log(s4, customer, change, note):
    answer = s4.post_receipt(**{"customer": customer, "amount": "10.00", **change})
    text = answer.body.decode()
    assert answer.status == 200
    assert "<AccountingDocument>0000000000<" in text and "<MaximumLogItemSeverityCode>3<" in text
    assert note in text
    assert s4.core.state.payments == {}


@pytest.mark.parametrize(
    "body", [b"", b"<x", b"<x/>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", b"<Envelope><Body><Other/></Body></Envelope>"]
)
@pytest.mark.parametrize("path", [POST_ENTRY, CLEAR])
def test_what_is_no_message_is_a_fault(s4, path, body):
    answer = s4.call("POST", path, body)
    assert answer.status == 500
    assert b"<faultstring" in answer.body


def test_nothing_tells_that_a_clearing_failed_but_the_ledger(s4, customer):
    stranger = s4.customer("Stranger")
    document = _document(s4, s4.invoice(customer, "50.00"))
    foreign = _document(s4, s4.invoice(stranger, "50.00"))
    receipt = s4.receipt(customer, "60.00")
    before = s4.core.snapshot()
    tries = [
        [(receipt, None), (document, None)],  # 60 against 50
        [(receipt, "50.00"), (foreign, None)],  # another customer's
        [(receipt, "70.00"), (document, "70.00")],  # more than there is
        [(receipt, None), ("123", None)],
        [(receipt, None)],
        [("x", None), (document, None)],
        [(receipt, "50.00"), (document, "x")],
    ]
    for at, items in enumerate(tries):
        s4.clear(f"C{at}", *items)
        assert s4.core.snapshot() == before
        assert s4.dialect.books.extras.messages[f"C{at}"] != "cleared"


def test_a_message_id_counts_once(s4, customer):
    document = _document(s4, s4.invoice(customer, "50.00"))
    receipt = s4.receipt(customer, "20.00")
    for _ in range(2):
        s4.clear("SAME", (receipt, "10.00"), (document, "10.00"))
    rows = s4.rows(CUBE, filter=f"InvoiceReference eq '{document}'")
    assert [row["AmountInTransactionCurrency"] for row in rows] == ["-10.00"]
