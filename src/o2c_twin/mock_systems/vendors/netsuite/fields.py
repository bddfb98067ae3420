"""The properties each record type has: what strict name validation knows and the metadata catalogue shows.

Names: Oracle's REST API Browser, as listed in the fact sheet. Kept properties are stored and read back;
the others exist in NetSuite, are accepted, and are not kept (facts.md).
"""

from collections.abc import Mapping

import msgspec


class Properties(msgspec.Struct, frozen=True):
    """Of one record type: body fields with their JSON types, and the fields of its sublists' lines."""

    kept: Mapping[str, str]
    accepted: frozenset[str]
    sublists: Mapping[str, frozenset[str]] = {}

    def knows(self, name: str) -> bool:
        """Whether the record type has a property of that name."""
        return name in self.kept or name in self.accepted or name in self.sublists


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALL = {
    "id": "string",
    "externalId": "string",
    "lastModifiedDate": "date-time",
    "links": "array",
}
_POSTED = {
    **_ALL,
    "tranId": "string",
    "tranDate": "date",
    "createdDate": "date-time",
    "status": "object",
    "currency": "object",
    "subsidiary": "object",
    "total": "number",
    "memo": "string",
}
_FORM = _names(
    "account class customForm department discountItem discountRate email exchangeRate leadSource location"
    " message nexus partner postingPeriod salesEffectiveDate salesRep terms toBeEmailed toBePrinted refName"
    " billingAddress shippingAddress billAddress shipAddress billAddressList shipAddressList"
    " shipDate shipMethod shippingCost startDate endDate source orderType originator"
)
_LINE = _names(
    "amount class department description isClosed item line links location orderLine price quantity"
    " quantityAvailable quantityBackOrdered quantityBilled quantityCommitted quantityFulfilled rate taxCode"
    " taxRate1 units itemReceive costEstimateType commitInventory expectedShipDate refName"
)
_APPLY = _names(
    "amount apply applyDate currency disc discAmt discDate doc due job line links refNum total type createdFrom"
)
_PACKAGE = _names("packageDescr packageTrackingNumber packageWeight links")

PROPERTIES: dict[str, Properties] = {
    "customer": Properties(
        {
            **_ALL,
            "entityId": "string",
            "companyName": "string",
            "email": "string",
            "terms": "object",
            "currency": "object",
            "subsidiary": "object",
            "creditLimit": "number",
            "creditHoldOverride": "object",
            "shipComplete": "boolean",
            "isInactive": "boolean",
            "isPerson": "boolean",
            "dateCreated": "date-time",
            "balance": "number",
            "overdueBalance": "number",
            "unbilledOrders": "number",
            "depositBalance": "number",
            "daysOverdue": "integer",
        },
        _names(
            "firstName lastName phone altPhone fax url comments category salesRep entityStatus priceLevel"
            " receivablesAccount language emailPreference taxItem taxable resaleNumber defaultAddress"
            " accountNumber parent customForm refName aging aging1 aging2 aging3 aging4 stage"
            " addressBook currencyList itemPricing groupPricing contactRoles salesTeam"
        ),
    ),
    "inventoryItem": Properties(
        {
            **_ALL,
            "itemId": "string",
            "displayName": "string",
            "itemType": "object",
            "basePrice": "number",
            "cost": "number",
            "averageCost": "number",
            "totalQuantityOnHand": "number",
            "quantityAvailable": "number",
            "isInactive": "boolean",
            "createdDate": "date-time",
        },
        _names(
            "salesDescription purchaseDescription description upcCode cogsAccount incomeAccount assetAccount"
            " taxSchedule subsidiary includeChildren unitsType saleUnit stockUnit weight weightUnit customForm"
            " class department location preferredLocation costingMethod price locations refName"
        ),
    ),
    "salesOrder": Properties(
        {
            **_POSTED,
            "entity": "object",
            "orderStatus": "object",
            "otherRefNum": "string",
            "shipComplete": "boolean",
            "subtotal": "number",
            "discountTotal": "number",
            "taxTotal": "number",
            "balance": "number",
            "unbilledOrders": "number",
        },
        _FORM | {"manualCreditHold", "credHoldEntity", "credHoldOverride"},
        {"item": _LINE},
    ),
    "itemFulfillment": Properties(
        {**_POSTED, "entity": "object", "createdFrom": "object", "shipStatus": "object"},
        _FORM,
        {"item": _LINE, "package": _PACKAGE},
    ),
    "invoice": Properties(
        {
            **_POSTED,
            "entity": "object",
            "createdFrom": "object",
            "dueDate": "date",
            "otherRefNum": "string",
            "subtotal": "number",
            "discountTotal": "number",
            "taxTotal": "number",
            "amountPaid": "number",
            "amountRemaining": "number",
        },
        _FORM | {"billDate"},
        {"item": _LINE},
    ),
    "customerPayment": Properties(
        {
            **_POSTED,
            "customer": "object",
            "payment": "number",
            "applied": "number",
            "unapplied": "number",
            "checkNum": "string",
            "autoApply": "boolean",
        },
        _FORM | {"undepFunds", "aracct", "paymentOption", "paymentMethod"},
        {"apply": _APPLY},
    ),
    "advIntercompanyJournalEntry": Properties(
        {**_POSTED, "approved": "boolean"},
        _names("customForm exchangeRate postingPeriod reversalDate reversalDefer department class location refName"),
        {
            "line": _names(
                "account credit debit department class dueToFromSubsidiary eliminate entity line lineSubsidiary links"
                " location memo refName"
            )
        },
    ),
    "creditMemo": Properties(
        {
            **_POSTED,
            "entity": "object",
            "createdFrom": "object",
            "applied": "number",
            "unapplied": "number",
            "amountRemaining": "number",
        },
        _FORM | {"autoApply", "otherRefNum"},
        {"item": _LINE, "apply": _APPLY},
    ),
}
"""By record type."""

CUSTOM_PREFIXES = ("custbody", "custcol", "custentity", "custitem")
