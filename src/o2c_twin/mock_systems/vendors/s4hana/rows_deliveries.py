"""Outbound deliveries, planned and issued, as rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from o2c_twin.mock_systems.roles.erp import Delivery
from o2c_twin.mock_systems.vendors.s4hana import services
from o2c_twin.mock_systems.vendors.s4hana.index import Index
from o2c_twin.mock_systems.vendors.s4hana.rows_orders import UNIT
from o2c_twin.mock_systems.vendors.s4hana.state import Draft
from o2c_twin.mock_systems.vendors.s4hana.tables import (
    DIALOG_USER,
    ETAG,
    Company,
    Key,
    Row,
    Table,
    filler,
    item_number,
    number,
    stamped,
    wanted,
)
from o2c_twin.mock_systems.vendors.s4hana.values import clock, day, microseconds
from o2c_twin.mock_systems.wire.odata import Predicate

_SETS = services.DELIVERIES.entities


@dataclass(frozen=True, slots=True)
class _Line:
    order_line: int
    item_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A delivery before or after goods issue."""

    id: str
    order_id: str
    customer_id: str
    currency: str
    lines: tuple[_Line, ...]
    created_at: int
    modified_at: int
    created_by: str
    picked: bool
    issued_at: int | None
    billed: bool


class DeliveryRows:
    """Rows of API_OUTBOUND_DELIVERY_SRV."""

    def __init__(self, company: Company, index: Index) -> None:
        self._core, self._config, self._books = company.core, company.config, company.books
        self._index = index
        self._fill = {name: filler(each) for name, each in _SETS.items()}

    def tables(self) -> list[Table]:
        """Both sets of the service."""
        navs = {"to_DeliveryDocumentItem": lambda row: self._items_of(row["DeliveryDocument"])}
        return [
            Table(_SETS["A_OutbDeliveryHeader"], self._one, self._scan, navs),
            Table(_SETS["A_OutbDeliveryItem"], self._one_item, self._scan_items),
        ]

    def _find(self, id_: str) -> _Delivery | None:
        draft = self._books.extras.drafts.get(id_)
        if draft is not None:
            return self._planned(draft)
        issued = self._core.state.deliveries.get(id_)
        return None if issued is None else self._issued(issued)

    def _planned(self, draft: Draft) -> _Delivery:
        order = self._core.state.orders[draft.order_id]
        by_line = {line.line: line.item_id for line in order.lines}
        lines = tuple([_Line(line, by_line[line], quantity) for line, quantity in draft.quantities.items()])
        return _Delivery(
            draft.id,
            order.id,
            draft.customer_id,
            order.currency,
            lines,
            draft.created_at,
            draft.modified_at,
            draft.created_by,
            draft.picked,
            None,
            False,
        )

    def _issued(self, delivery: Delivery) -> _Delivery:
        own = self._books.extras.deliveries.get(delivery.id, {})
        invoice = delivery.invoice_id
        modified = delivery.modified_at
        if invoice is not None:
            modified = max(modified, self._core.state.invoices[invoice].issued_at)
        return _Delivery(
            delivery.id,
            delivery.order_id,
            delivery.customer_id,
            delivery.currency,
            tuple([_Line(line.line, line.item_id, line.quantity) for line in delivery.lines]),
            int(own.get("CreatedAt", delivery.issued_at)),
            modified,
            own.get("CreatedByUser", DIALOG_USER),
            True,
            delivery.issued_at,
            invoice is not None,
        )

    def _one(self, key: Key) -> Row | None:
        found = self._find(number(key["DeliveryDocument"]))
        return None if found is None else self._header(found)

    def _all(self, predicate: Predicate | None) -> Iterable[_Delivery]:
        ids = wanted(predicate, "DeliveryDocument")
        if ids is None and (orders := wanted(predicate, "ReferenceSDDocument")) is not None:
            ids = [
                id_
                for order in orders
                for id_ in (*self._index.deliveries_of(order), *self._books.drafts_of.get(order, ()))
            ]
        if ids is not None:
            return [found for id_ in ids if (found := self._find(id_)) is not None]
        deliveries: Iterable[Delivery] = self._core.state.deliveries.values()
        drafts: Iterable[Draft] = self._books.extras.drafts.values()
        since = self._issued_since(predicate)
        if since is not None:
            # Goods issues come in the order they happened, so those since a day are the last ones.
            recent = []
            for delivery in reversed(self._core.state.deliveries.values()):
                if delivery.issued_at < since:
                    break
                recent.append(delivery)
            deliveries, drafts = recent[::-1], ()
        return [*map(self._issued, deliveries), *map(self._planned, drafts)]

    @staticmethod
    def _issued_since(predicate: Predicate | None) -> int | None:
        bound = None if predicate is None else predicate.lower_bounds.get("ActualGoodsMovementDate")
        if bound is None or not isinstance(bound[0], datetime):
            return None
        # The property has the day only: the bound's day is looked at whole.
        return microseconds(bound[0].replace(hour=0, minute=0, second=0, microsecond=0))

    def _scan(self, predicate: Predicate | None) -> Iterator[Row]:
        return map(self._header, self._all(predicate))

    def _scan_items(self, predicate: Predicate | None) -> Iterator[Row]:
        return (row for found in self._all(predicate) for row in self._items(found))

    def _one_item(self, key: Key) -> Row | None:
        found = self._find(number(key["DeliveryDocument"]))
        if found is None:
            return None
        at = item_number(key["DeliveryDocumentItem"])
        return next((row for row in self._items(found) if int(row["DeliveryDocumentItem"]) == at), None)

    def _items_of(self, id_: str) -> list[Row]:
        found = self._find(id_)
        return [] if found is None else self._items(found)

    def _header(self, found: _Delivery) -> Row:
        order = self._core.state.orders.get(found.order_id)
        issued = found.issued_at
        config = self._config
        return self._fill["A_OutbDeliveryHeader"](
            {
                "DeliveryDocument": found.id,
                "DeliveryDocumentType": "LF",
                "SDDocumentCategory": "J",
                "ShippingPoint": config.plant,
                "SoldToParty": found.customer_id,
                "ShipToParty": found.customer_id,
                "SalesOrganization": config.sales_organization_of(None if order is None else order.entity),
                "CreatedByUser": found.created_by,
                "CreationDate": day(found.created_at),
                "CreationTime": clock(found.created_at),
                "LastChangeDate": day(found.modified_at),
                "DocumentDate": day(found.created_at),
                "DeliveryDate": day(found.created_at),
                "PlannedGoodsIssueDate": day(found.created_at),
                "ActualGoodsMovementDate": None if issued is None else day(issued),
                "ActualGoodsMovementTime": None if issued is None else clock(issued),
                "OverallGoodsMovementStatus": "A" if issued is None else "C",
                "OverallPickingStatus": "C" if found.picked else "A",
                "OverallDelivReltdBillgStatus": "C" if found.billed else "A",
                "OverallSDProcessStatus": "C" if found.billed else "A" if issued is None else "B",
                "TotalCreditCheckStatus": "B" if order is not None and order.credit in ("hold", "rejected") else "",
                "CompleteDeliveryIsDefined": order is not None and order.ship_complete,
                "TransactionCurrency": found.currency,
                ETAG: stamped(found.modified_at),
            }
        )

    def _items(self, found: _Delivery) -> list[Row]:
        padded = self._config.padded_reference_items
        rows = []
        for at, line in enumerate(found.lines, 1):
            item = self._core.state.items[line.item_id]
            reference = str(line.order_line * 10)
            rows.append(
                self._fill["A_OutbDeliveryItem"](
                    {
                        "DeliveryDocument": found.id,
                        "DeliveryDocumentItem": str(at * 10),
                        "DeliveryDocumentItemText": item.name,
                        "Material": item.sku,
                        "ActualDeliveryQuantity": Decimal(line.quantity),
                        "OriginalDeliveryQuantity": Decimal(line.quantity),
                        "DeliveryQuantityUnit": UNIT,
                        "ReferenceSDDocument": found.order_id,
                        "ReferenceSDDocumentItem": reference.zfill(6) if padded else reference,
                        "ReferenceSDDocumentCategory": "C",
                        "Plant": self._config.plant,
                        "GoodsMovementStatus": "A" if found.issued_at is None else "C",
                        "PickingStatus": "C" if found.picked else "A",
                        "DeliveryRelatedBillingStatus": "C" if found.billed else "A",
                        "SDProcessStatus": "C" if found.billed else "A" if found.issued_at is None else "B",
                        ETAG: stamped(found.modified_at),
                    }
                )
            )
        return rows
