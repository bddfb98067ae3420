"""Customers, items and payment terms as the API shows them, without their ETags."""

from decimal import Decimal
from typing import Any

from o2c_twin.mock_systems.roles.erp import Customer, ErpCore, Item
from o2c_twin.mock_systems.vendors.business_central.config import BusinessCentralConfig
from o2c_twin.mock_systems.vendors.business_central.index import Index
from o2c_twin.mock_systems.vendors.business_central.state import BcState
from o2c_twin.mock_systems.vendors.business_central.values import DAY_US, NO_GUID, Guids, day_of, instant_of, money

Shape = dict[str, Any]


class MasterShapes:
    """Writes the master records of one environment; `Shapes` writes its documents too."""

    state: BcState

    def __init__(self, config: BusinessCentralConfig, core: ErpCore, guids: Guids, index: Index) -> None:
        self._config = config
        self._core = core
        self._guids = guids
        self._index = index
        self._gone = config.oddities.order_deleted_when_invoiced

    def customer(self, customer: Customer, now: int) -> Shape:
        """A customer master. A credit limit of 0 is none."""
        kept = self.state.kept.get(f"customer/{customer.id}", {})
        text = kept.get
        blocked = text("blocked", " ")
        return {
            "id": self._guids.of("customer", customer.id),
            "number": customer.number,
            "displayName": customer.name,
            "additionalName": text("additionalName", ""),
            "type": text("type", "Company"),
            "addressLine1": text("addressLine1", ""),
            "addressLine2": text("addressLine2", ""),
            "city": text("city", ""),
            "state": text("state", ""),
            "country": text("country", ""),
            "postalCode": text("postalCode", ""),
            "phoneNumber": text("phoneNumber", ""),
            "email": customer.email or "",
            "website": text("website", ""),
            "salespersonCode": text("salespersonCode", ""),
            "balanceDue": money(customer.balance_minor - customer.unapplied_minor),
            "creditLimit": money(customer.credit_limit_minor or 0),
            "taxLiable": text("taxLiable", False),
            "taxAreaId": text("taxAreaId", NO_GUID),
            "taxAreaDisplayName": "",
            "taxRegistrationNumber": text("taxRegistrationNumber", ""),
            "currencyId": NO_GUID,
            "currencyCode": customer.currency,
            "paymentTermsId": self.term_id(customer.terms_days),
            "shipmentMethodId": text("shipmentMethodId", NO_GUID),
            "paymentMethodId": text("paymentMethodId", NO_GUID),
            "blocked": "All" if customer.inactive else blocked,
            "lastModifiedDateTime": instant_of(customer.modified_at),
        }

    def financial(self, customer: Customer, now: int) -> Shape:
        """What a customer owes and has bought."""
        owed = self._core.open_invoices.get(customer.id, {}).values()
        bought = sum(i.total_minor - i.credited_minor for i in self._index.invoices_of_customer(customer.id))
        return {
            "id": self._guids.of("customer", customer.id),
            "number": customer.number,
            "balance": money(customer.balance_minor - customer.unapplied_minor),
            "totalSalesExcludingTax": money(bought),
            "overdueAmount": money(sum(i.open_minor for i in owed if i.due_at < now)),
        }

    def aged(self, customer: Customer, now: int) -> Shape:
        """Open items by age: not due, and three periods of thirty days."""
        buckets = [0, 0, 0, 0]
        for invoice in self._core.open_invoices.get(customer.id, {}).values():
            late = (now - invoice.due_at) // DAY_US
            buckets[0 if late <= 0 else min(3, 1 + (late - 1) // 30)] += invoice.open_minor
        shape: Shape = {
            "customerId": self._guids.of("customer", customer.id),
            "customerNumber": customer.number,
            "name": customer.name,
            "currencyCode": customer.currency,
            "balanceDue": money(sum(buckets)),
            "currentAmount": money(buckets[0]),
        }
        for n, label in enumerate(("1 - 30 Days", "31 - 60 Days", "Over 60 Days"), 1):
            shape[f"period{n}Label"] = label
            shape[f"period{n}Amount"] = money(buckets[n])
        shape["agedAsOfDate"] = day_of(now)
        shape["periodLengthFilter"] = "30D"
        return shape

    def item(self, item: Item, now: int) -> Shape:
        """An item; what is on hand, whoever it is reserved for."""
        text = self.state.kept.get(f"item/{item.id}", {}).get
        return {
            "id": self._guids.of("item", item.id),
            "number": item.sku,
            "displayName": item.name,
            "displayName2": text("displayName2", ""),
            "type": "Inventory",
            "itemCategoryId": NO_GUID,
            "itemCategoryCode": "",
            "blocked": False,
            "gtin": text("gtin", ""),
            "inventory": item.on_hand,
            "unitPrice": money(item.price_minor),
            "priceIncludesTax": False,
            "unitCost": money(item.cost_minor),
            "taxGroupId": NO_GUID,
            "taxGroupCode": "",
            "baseUnitOfMeasureId": NO_GUID,
            "baseUnitOfMeasureCode": "PCS",
            "generalProductPostingGroupCode": "RETAIL",
            "inventoryPostingGroupCode": "RESALE",
            "lastModifiedDateTime": instant_of(item.modified_at),
        }

    def term_id(self, days: int) -> str:
        """The id of the payment terms of so many days net."""
        return self._guids.of("term", str(days + 1))

    def term(self, days: int, now: int) -> Shape:
        """Payment terms."""
        early = self._core.early_payment_of(days)
        code, name = self.state.terms.get(days) or (f"{days} DAYS", f"Net {days} days")
        return {
            "id": self.term_id(days),
            "code": code,
            "displayName": name,
            "dueDateCalculation": f"{days}D",
            "discountDateCalculation": "" if early is None else f"{early.days}D",
            "discountPercent": 0 if early is None else Decimal(early.share_bp) / 100,
            "calculateDiscountOnCreditMemos": False,
            "lastModifiedDateTime": "2020-01-01T00:00:00Z",
        }
