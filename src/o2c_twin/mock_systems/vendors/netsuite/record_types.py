"""The record types covered: their names on the record API, in SuiteQL and on the screen."""

from typing import NamedTuple

from o2c_twin.mock_systems.roles.erp import CreditMemo, Customer, Delivery, Invoice, Item, Payment, SalesOrder

Transaction = SalesOrder | Delivery | Invoice | Payment | CreditMemo
Record = Customer | Item | Transaction


class RecordType(NamedTuple):
    """``kind`` is the core's word, ``name`` the record API's, ``code`` SuiteQL's, ``label`` the screen's."""

    kind: str
    name: str
    code: str
    label: str


CUSTOMER = RecordType("customer", "customer", "", "Customer")
ITEM = RecordType("item", "inventoryItem", "InvtPart", "Inventory Item")
SALES_ORDER = RecordType("order", "salesOrder", "SalesOrd", "Sales Order")
FULFILLMENT = RecordType("delivery", "itemFulfillment", "ItemShip", "Item Fulfillment")
INVOICE = RecordType("invoice", "invoice", "CustInvc", "Invoice")
PAYMENT = RecordType("payment", "customerPayment", "CustPymt", "Payment")
WRITE_OFF_ITEM_ID = "9"
"""The internal id of the item write-offs are credited with; the core counts its own from 101."""
DISCOUNT_ITEM_ID = "10"
"""That of the item early payment discounts are credited with."""
CREDIT_MEMO = RecordType("credit_memo", "creditMemo", "CustCred", "Credit Memo")

INTERCOMPANY = RecordType(
    "intercompany", "advIntercompanyJournalEntry", "Journal", "Advanced Intercompany Journal Entry"
)
"""Written only: it is no record of a customer, and nobody here looks for it."""

TRANSACTIONS = (SALES_ORDER, FULFILLMENT, INVOICE, PAYMENT, CREDIT_MEMO)
RECORD_TYPES = (CUSTOMER, ITEM, *TRANSACTIONS)
BY_KIND = {each.kind: each for each in RECORD_TYPES}
BY_CLASS: dict[type, RecordType] = {
    Customer: CUSTOMER,
    Item: ITEM,
    SalesOrder: SALES_ORDER,
    Delivery: FULFILLMENT,
    Invoice: INVOICE,
    Payment: PAYMENT,
    CreditMemo: CREDIT_MEMO,
}
