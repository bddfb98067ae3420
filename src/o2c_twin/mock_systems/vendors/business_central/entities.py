"""The entity types of API v2.0: their properties with type, length and whether they can be written.

Source: Microsoft Learn, "API (v2.0)" resource pages, and the API pages of the application's source.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from o2c_twin.mock_systems.vendors.business_central.values import read_instant

_FIELD = re.compile(r"(\w+):([a-zA-Z])(\d*)(\*?)")
_EDM = {
    "g": "Edm.Guid",
    "c": "Edm.String",
    "t": "Edm.String",
    "e": "Edm.String",
    "d": "Edm.Decimal",
    "i": "Edm.Int32",
    "b": "Edm.Boolean",
    "D": "Edm.Date",
    "T": "Edm.DateTimeOffset",
}
_TYPED: dict[str, Callable[[Any], Any]] = {"D": date.fromisoformat, "T": read_instant}


@dataclass(frozen=True, slots=True)
class Field:
    """One property. ``type`` is g guid, c code, t text, e option, d decimal, i integer, b boolean, D date, T instant.

    ``size`` is the longest text, 0 for none.
    """

    name: str
    type: str
    size: int
    editable: bool

    @property
    def edm(self) -> str:
        """Its type in the metadata document."""
        return _EDM[self.type]


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type, its set's name, and the sets that can be expanded in it."""

    name: str
    set: str
    fields: dict[str, Field]
    parts: tuple[str, ...]
    typed: dict[str, Callable[[Any], Any]]


def _entity(name: str, set_: str, text: str, *parts: str) -> EntityType:
    fields = {m[1]: Field(m[1], m[2], int(m[3] or 0), bool(m[4])) for m in _FIELD.finditer(text)}
    typed = {f.name: _TYPED[f.type] for f in fields.values() if f.type in _TYPED}
    return EntityType(name, set_, fields, parts, typed)


_PARTY = """sellToAddressLine1:t100* sellToAddressLine2:t50* sellToCity:t30* sellToCountry:c10* sellToState:t30*
 sellToPostCode:c20* shipToName:t100* shipToContact:t100* shipToAddressLine1:t100* shipToAddressLine2:t50*
 shipToCity:t30* shipToCountry:c10* shipToState:t30* shipToPostCode:c20*"""
_TOTALS = "discountAmount:d totalAmountExcludingTax:d totalTaxAmount:d totalAmountIncludingTax:d"
_LINE = """id:g documentId:g* sequence:i* itemId:g* accountId:g* lineType:e* lineObjectNumber:c20* description:t100*
 unitOfMeasureCode:c10* quantity:d* unitPrice:d* discountAmount:d discountPercent:d amountExcludingTax:d taxCode:c20
 taxPercent:d totalTaxAmount:d amountIncludingTax:d netAmount:d shipmentDate:D*"""

COMPANY = _entity("company", "companies", "id:g systemVersion:t timestamp:i name:t displayName:t businessProfileId:t")
CUSTOMER = _entity(
    "customer",
    "customers",
    """id:g number:c20* displayName:t100* additionalName:t50* type:e* addressLine1:t100* addressLine2:t50* city:t30*
 state:t30* country:c10* postalCode:c20* phoneNumber:t30* email:t80* website:t80* salespersonCode:c20* balanceDue:d
 creditLimit:d* taxLiable:b* taxAreaId:g* taxAreaDisplayName:t taxRegistrationNumber:t20* currencyId:g*
 currencyCode:c10* paymentTermsId:g* shipmentMethodId:g* paymentMethodId:g* blocked:e* lastModifiedDateTime:T""",
    "customerFinancialDetail",
)
FINANCIAL = _entity(
    "customerFinancialDetail",
    "customerFinancialDetails",
    "id:g number:c20 balance:d totalSalesExcludingTax:d overdueAmount:d",
)
ITEM = _entity(
    "item",
    "items",
    """id:g number:c20* displayName:t100* displayName2:t50* type:e* itemCategoryId:g itemCategoryCode:c20 blocked:b
 gtin:t14* inventory:d unitPrice:d* priceIncludesTax:b unitCost:d* taxGroupId:g taxGroupCode:c20
 baseUnitOfMeasureId:g baseUnitOfMeasureCode:c10* generalProductPostingGroupCode:c20 inventoryPostingGroupCode:c20
 lastModifiedDateTime:T""",
)
TERM = _entity(
    "paymentTerm",
    "paymentTerms",
    """id:g code:c10* displayName:t100* dueDateCalculation:t* discountDateCalculation:t discountPercent:d
 calculateDiscountOnCreditMemos:b lastModifiedDateTime:T""",
)
ORDER = _entity(
    "salesOrder",
    "salesOrders",
    f"""id:g number:c20 externalDocumentNumber:c35* orderDate:D* postingDate:D* customerId:g* customerNumber:c20*
 customerName:t billToName:t billToCustomerId:g billToCustomerNumber:c20 {_PARTY} currencyId:g* currencyCode:c10*
 pricesIncludeTax:b* paymentTermsId:g* shipmentMethodId:g* salesperson:c20* partialShipping:b*
 requestedDeliveryDate:D* {_TOTALS} fullyShipped:b status:e lastModifiedDateTime:T phoneNumber:t30* email:t80*""",
    "salesOrderLines",
    "customer",
)
ORDER_LINE = _entity(
    "salesOrderLine",
    "salesOrderLines",
    _LINE + " shippedQuantity:d invoicedQuantity:d invoiceQuantity:d* shipQuantity:d* itemVariantId:g locationId:g",
)
SHIPMENT = _entity(
    "salesShipment",
    "salesShipments",
    """id:g number:c20 externalDocumentNumber:c35 invoiceDate:D postingDate:D dueDate:D
 customerPurchaseOrderReference:t customerId:g customerNumber:c20 customerName:t billToCustomerId:g billToName:t
 billToCustomerNumber:c20 currencyCode:c10 orderNumber:c20 paymentTermsCode:c10 shipmentMethodCode:c10
 salesperson:c20 pricesIncludeTax:b lastModifiedDateTime:T phoneNumber:t email:t""",
    "salesShipmentLines",
)
SHIPMENT_LINE = _entity(
    "salesShipmentLine",
    "salesShipmentLines",
    """id:g documentId:g documentNo:c20 sequence:i lineType:e lineObjectNumber:c20 description:t
 unitOfMeasureCode:c10 unitPrice:d quantity:d discountPercent:d taxPercent:d shipmentDate:D""",
)
INVOICE = _entity(
    "salesInvoice",
    "salesInvoices",
    f"""id:g number:c20 externalDocumentNumber:c35* invoiceDate:D* postingDate:D* dueDate:D* promisedPayDate:D*
 customerPurchaseOrderReference:t35* customerId:g* customerNumber:c20* customerName:t billToName:t
 billToCustomerId:g billToCustomerNumber:c20 {_PARTY} currencyId:g* currencyCode:c10* orderId:g orderNumber:c20
 paymentTermsId:g* shipmentMethodId:g* salesperson:c20* disputeStatusId:g* disputeStatus:t* pricesIncludeTax:b*
 remainingAmount:d discountAppliedBeforeTax:b {_TOTALS} status:e lastModifiedDateTime:T phoneNumber:t30*
 email:t80*""",
    "salesInvoiceLines",
    "customer",
    "paymentTerm",
)
INVOICE_LINE = _entity("salesInvoiceLine", "salesInvoiceLines", _LINE + " itemVariantId:g locationId:g")
CREDIT_MEMO = _entity(
    "salesCreditMemo",
    "salesCreditMemos",
    f"""id:g number:c20 externalDocumentNumber:c35* creditMemoDate:D* postingDate:D* dueDate:D customerId:g*
 customerNumber:c20* customerName:t currencyCode:c10* {_TOTALS} invoiceId:g* invoiceNumber:c20*
 customerReturnReasonId:g status:e lastModifiedDateTime:T""",
    "salesCreditMemoLines",
)
CREDIT_MEMO_LINE = _entity("salesCreditMemoLine", "salesCreditMemoLines", _LINE)
ACCOUNT = _entity(
    "account",
    "accounts",
    """id:g number:c20 displayName:t100 category:e subCategory:t80 blocked:b accountType:e directPosting:b netChange:d
 lastModifiedDateTime:T""",
)
PAYMENT_JOURNAL = _entity(
    "customerPaymentJournal",
    "customerPaymentJournals",
    """id:g code:c10* displayName:t100* lastModifiedDateTime:T balancingAccountId:g*
 balancingAccountNumber:c20""",
    "customerPayments",
)
JOURNAL = _entity(
    "journal",
    "journals",
    """id:g code:c10 displayName:t100 templateDisplayName:c10 lastModifiedDateTime:T balancingAccountId:g
 balancingAccountNumber:c20""",
)
PAYMENT = _entity(
    "customerPayment",
    "customerPayments",
    """id:g journalId:g* journalDisplayName:c10* lineNumber:i* customerId:g* customerNumber:c20* postingDate:D*
 documentNumber:c20* externalDocumentNumber:c35* amount:d* appliesToInvoiceId:g* appliesToInvoiceNumber:c20*
 description:t100* comment:t250* lastModifiedDateTime:T""",
)
ENTRY = _entity(
    "generalLedgerEntry",
    "generalLedgerEntries",
    """id:g entryNumber:i postingDate:D documentNumber:c20 documentType:e accountId:g accountNumber:c20
 description:t debitAmount:d creditAmount:d lastModifiedDateTime:T""",
)
AGED = _entity(
    "agedAccountsReceivable",
    "agedAccountsReceivables",
    """customerId:g customerNumber:c20 name:t currencyCode:c10 balanceDue:d currentAmount:d period1Label:t
 period1Amount:d period2Label:t period2Amount:d period3Label:t period3Amount:d agedAsOfDate:D periodLengthFilter:t""",
)
SUBSCRIPTION = _entity(
    "subscriptions",
    "subscriptions",
    """subscriptionId:t150 notificationUrl:t250* resource:t250* timestamp:i userId:g lastModifiedDateTime:T
 clientState:t2048* expirationDateTime:T""",
)
ALL = (
    COMPANY,
    CUSTOMER,
    FINANCIAL,
    ITEM,
    TERM,
    ORDER,
    ORDER_LINE,
    SHIPMENT,
    SHIPMENT_LINE,
    INVOICE,
    INVOICE_LINE,
    CREDIT_MEMO,
    CREDIT_MEMO_LINE,
    ACCOUNT,
    PAYMENT_JOURNAL,
    JOURNAL,
    PAYMENT,
    ENTRY,
    AGED,
    SUBSCRIPTION,
)


def metadata() -> bytes:
    """The metadata document (CSDL 4.0) of what is covered."""
    out = [
        '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" '
        'xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        '<Schema Namespace="Microsoft.NAV" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    ]
    for entity in ALL:
        key = next(iter(entity.fields))
        out.append(f'<EntityType Name="{entity.name}"><Key><PropertyRef Name="{key}"/></Key>')
        for field in entity.fields.values():
            size = f' MaxLength="{field.size}"' if field.size else ""
            out.append(f'<Property Name="{field.name}" Type="{field.edm}"{size}/>')
        out.append("</EntityType>")
    out.append('<EntityContainer Name="default">')
    out += [f'<EntitySet Name="{each.set}" EntityType="Microsoft.NAV.{each.name}"/>' for each in ALL]
    out.append("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>")
    return "".join(out).encode()
