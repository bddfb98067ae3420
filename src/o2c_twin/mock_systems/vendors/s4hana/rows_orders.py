"""Sales orders with items, schedule lines, pricing and document flow, as rows."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from o2c_twin.mock_systems.roles.erp import OrderLine, SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import order_value_minor
from o2c_twin.mock_systems.vendors.s4hana import services
from o2c_twin.mock_systems.vendors.s4hana.index import Index
from o2c_twin.mock_systems.vendors.s4hana.tables import (
    ETAG,
    Company,
    Key,
    Row,
    Table,
    changed_since,
    filler,
    first_of,
    item_number,
    number,
    stamped,
    user_of,
    wanted,
)
from o2c_twin.mock_systems.vendors.s4hana.values import amount, day, moment, terms_key
from o2c_twin.mock_systems.wire.odata import Predicate

_SETS = services.ORDERS.entities
MANUAL_PRICE = ("PMP0", "PPR0", "PR00")
"""Condition types a price may be sent with."""
_CREDIT = {"passed": "A", "hold": "B", "released": "D", "rejected": "B"}
UNIT = "PC"


def overall(statuses: Iterable[str]) -> str:
    """The status of a document from those of its items: A not started, B partly, C completely, blank not relevant."""
    found = dict.fromkeys(status for status in statuses if status)
    return next(iter(found)) if len(found) == 1 else "B" if found else ""


def progress(done: int, whole: int) -> str:
    """A, B or C."""
    return "A" if done == 0 else "C" if done >= whole else "B"


class OrderRows:
    """Rows of API_SALES_ORDER_SRV."""

    def __init__(self, company: Company, index: Index) -> None:
        self._core, self._config, self._books = company.core, company.config, company.books
        self._index = index
        self._fill = {name: filler(each) for name, each in _SETS.items()}

    def tables(self) -> list[Table]:
        """All sets of the service."""
        items = {
            "to_ScheduleLine": lambda row: [self.schedule_line(*self._line(row))],
            "to_PricingElement": lambda row: [self.price(*self._line(row))],
            "to_SalesOrder": lambda row: [self.order(self._core.state.orders[row["SalesOrder"]])],
        }
        heads = {
            "to_Item": lambda row: self.items(self._core.state.orders[row["SalesOrder"]]),
            "to_Partner": lambda row: self.partners(self._core.state.orders[row["SalesOrder"]]),
            "to_SubsequentProcFlowDoc": lambda row: self.flow(self._core.state.orders[row["SalesOrder"]]),
        }
        return [
            Table(_SETS["A_SalesOrder"], self._one, self._scan, heads),
            self._part("A_SalesOrderItem", self.items, items),
            self._part("A_SalesOrderScheduleLine", self._schedule),
            self._part("A_SalesOrderItemPrElement", self._prices),
            self._part("A_SalesOrderHeaderPartner", self.partners),
            self._part("A_SalesOrderSubsqntProcFlow", self.flow),
        ]

    def _one(self, key: Key) -> Row | None:
        order = self._core.state.orders.get(number(key["SalesOrder"]))
        return None if order is None else self.order(order)

    def _scan(self, predicate: Predicate | None) -> Iterator[Row]:
        return map(self.order, self._orders(predicate))

    def _orders(self, predicate: Predicate | None) -> Iterable[SalesOrder]:
        core = self._core
        orders = core.state.orders
        ids: Iterable[str] | None = wanted(predicate, "SalesOrder")
        if ids is None and (found := wanted(predicate, "ExternalDocumentID")) is not None and "" not in found:
            ids = [id_ for each in found for id_ in self._books.by_external.get(each, ())]
        if ids is None and (found := wanted(predicate, "PurchaseOrderByCustomer")) is not None and "" not in found:
            ids = [id_ for each in found for id_ in core.orders_by_po.get(each, ())]
        if ids is None and (found := wanted(predicate, "SoldToParty")) is not None:
            ids = [id_ for each in found for id_ in core.orders_of.get(each, ())]
        if ids is None:
            ids = changed_since(core, "order", predicate, "LastChangeDateTime")
        return orders.values() if ids is None else [orders[id_] for id_ in ids if id_ in orders]

    def _part(
        self,
        name: str,
        build: Callable[[SalesOrder], list[Row]],
        navs: dict[str, Callable[[Row], list[Row]]] | None = None,
    ) -> Table:
        entity = _SETS[name]

        def one(key: Key) -> Row | None:
            order = self._core.state.orders.get(number(key["SalesOrder"]))
            if order is None:
                return None
            exact = {each: key[each] for each in entity.keys if each != "SalesOrder"}
            for each in ("SalesOrderItem", "ScheduleLine"):
                if each in exact:
                    exact[each] = str(item_number(exact[each]))
            return first_of(build(order), exact)

        def scan(predicate: Predicate | None) -> Iterator[Row]:
            return (row for order in self._orders(predicate) for row in build(order))

        return Table(entity, one, scan, navs or {})

    def _line(self, row: Row) -> tuple[SalesOrder, OrderLine]:
        order = self._core.state.orders[row["SalesOrder"]]
        at = int(row["SalesOrderItem"]) // 10
        return order, next(line for line in order.lines if line.line == at)

    # --- statuses --------------------------------------------------------------------------------

    def _delivery_status(self, order: SalesOrder, line: OrderLine, planned: dict[int, int]) -> str:
        if line.closed or order.cancelled:
            # What was rejected is not relevant for delivery, unless some of it had left before.
            return "C" if line.shipped else ""
        return progress(line.shipped + planned.get(line.line, 0), line.quantity)

    def order(self, order: SalesOrder) -> Row:
        """A_SalesOrder."""
        own = self._books.extras.orders.get(order.id, {})
        customer = self._core.state.customers.get(order.customer_id)
        planned = self._books.planned(order.id)
        delivery = overall([self._delivery_status(order, line, planned) for line in order.lines])
        rejected = [order.cancelled or line.closed for line in order.lines]
        limited = order.credit != "passed" or (customer is not None and customer.credit_limit_minor is not None)
        blocked = order.credit in ("hold", "rejected") or bool(own.get("DeliveryBlockReason"))
        config = self._config
        return self._fill["A_SalesOrder"](
            {
                "SalesOrderType": "OR",
                "SalesOrganization": config.sales_organization_of(order.entity),
                "DistributionChannel": config.distribution_channel,
                "OrganizationDivision": config.division,
                **own,
                "SalesOrder": order.id,
                "SoldToParty": order.customer_id,
                "CreationDate": day(order.entered_at),
                "CreatedByUser": user_of(order.channel),
                "LastChangeDate": day(order.modified_at),
                "LastChangeDateTime": moment(order.modified_at),
                "PurchaseOrderByCustomer": order.po_number or "",
                "SalesOrderDate": day(order.entered_at),
                "PricingDate": day(order.entered_at),
                "RequestedDeliveryDate": day(order.entered_at),
                "TotalNetAmount": amount(order_value_minor(order)),
                "TransactionCurrency": order.currency,
                "CompleteDeliveryIsDefined": order.ship_complete,
                "CustomerPaymentTerms": terms_key(customer.terms_days if customer else 30),
                "OverallDeliveryStatus": delivery,
                "OverallTotalDeliveryStatus": delivery,
                "OverallSDProcessStatus": delivery,
                "TotalBlockStatus": "C" if blocked else "",
                "TotalCreditCheckStatus": _CREDIT[order.credit] if limited else "",
                "OverallSDDocumentRejectionSts": "C" if all(rejected) else "B" if any(rejected) else "A",
                ETAG: stamped(order.modified_at),
            }
        )

    def items(self, order: SalesOrder) -> list[Row]:
        """A_SalesOrderItem of an order."""
        planned = self._books.planned(order.id)
        return [self._item(order, line, planned) for line in order.lines]

    def _item(self, order: SalesOrder, line: OrderLine, planned: dict[int, int]) -> Row:
        own = self._books.extras.lines.get(f"{order.id}/{line.line}", {})
        item = self._core.state.items[line.item_id]
        status = self._delivery_status(order, line, planned)
        return self._fill["A_SalesOrderItem"](
            {
                "SalesOrderItemCategory": "TAN",
                **own,
                "SalesOrder": order.id,
                "SalesOrderItem": str(line.line * 10),
                "SalesOrderItemText": item.name,
                "PurchaseOrderByCustomer": order.po_number or "",
                "Material": item.sku,
                "RequestedQuantity": Decimal(line.quantity),
                "RequestedQuantityUnit": UNIT,
                "ConfdDelivQtyInOrderQtyUnit": Decimal(line.committed + line.shipped),
                "TransactionCurrency": order.currency,
                "NetAmount": amount(line.quantity * line.unit_price_minor),
                "TaxAmount": amount(0),
                "ProductionPlant": self._config.plant,
                "ShippingPoint": self._config.plant,
                "SalesDocumentRjcnReason": own.get("SalesDocumentRjcnReason", "00")
                if line.closed or order.cancelled
                else "",
                "SDProcessStatus": status,
                "DeliveryStatus": status,
                ETAG: stamped(order.modified_at),
            }
        )

    def _schedule(self, order: SalesOrder) -> list[Row]:
        return [self.schedule_line(order, line) for line in order.lines]

    def schedule_line(self, order: SalesOrder, line: OrderLine) -> Row:
        """A_SalesOrderScheduleLine: one an item; confirmed is what is reserved or has left."""
        confirmed = line.committed + line.shipped
        return self._fill["A_SalesOrderScheduleLine"](
            {
                "SalesOrder": order.id,
                "SalesOrderItem": str(line.line * 10),
                "ScheduleLine": "1",
                "RequestedDeliveryDate": day(order.entered_at),
                "ConfirmedDeliveryDate": day(order.entered_at) if confirmed else None,
                "OrderQuantityUnit": UNIT,
                "ScheduleLineOrderQuantity": Decimal(line.quantity),
                "ConfdOrderQtyByMatlAvailCheck": Decimal(confirmed),
                "DeliveredQtyInOrderQtyUnit": Decimal(line.shipped),
                "OpenConfdDelivQtyInOrdQtyUnit": Decimal(line.committed),
                "CorrectedQtyInOrderQtyUnit": Decimal(line.quantity),
                ETAG: stamped(order.modified_at),
            }
        )

    def _prices(self, order: SalesOrder) -> list[Row]:
        return [self.price(order, line) for line in order.lines]

    def price(self, order: SalesOrder, line: OrderLine) -> Row:
        """A_SalesOrderItemPrElement: the price, from the master (PPR0) or entered by hand (PMP0)."""
        listed = self._core.state.items[line.item_id].price_minor == line.unit_price_minor
        return self._fill["A_SalesOrderItemPrElement"](
            {
                "SalesOrder": order.id,
                "SalesOrderItem": str(line.line * 10),
                "PricingProcedureStep": "10",
                "PricingProcedureCounter": "1",
                "ConditionType": "PPR0" if listed else "PMP0",
                "ConditionRateValue": amount(line.unit_price_minor),
                "ConditionCurrency": order.currency,
                "ConditionQuantity": Decimal(1),
                "ConditionQuantityUnit": UNIT,
                "ConditionAmount": amount(line.quantity * line.unit_price_minor),
                "TransactionCurrency": order.currency,
                ETAG: stamped(order.modified_at),
            }
        )

    def partners(self, order: SalesOrder) -> list[Row]:
        """A_SalesOrderHeaderPartner: sold-to, ship-to, bill-to and payer are one."""
        rows = []
        for function in ("AG", "WE", "RE", "RG"):
            row = {"SalesOrder": order.id, "PartnerFunction": function, "Customer": order.customer_id}
            rows.append(self._fill["A_SalesOrderHeaderPartner"]({**row, ETAG: stamped(order.entered_at)}))
        return rows

    def flow(self, order: SalesOrder) -> list[Row]:
        """A_SalesOrderSubsqntProcFlow: deliveries (J) and billing documents (M) made from the order."""
        deliveries = [self._core.state.deliveries[id_] for id_ in self._index.deliveries_of(order.id)]
        drafts = [self._books.extras.drafts[id_] for id_ in self._books.drafts_of.get(order.id, ())]
        made = [(d.id, "J", "01", d.issued_at) for d in deliveries] + [(d.id, "J", "01", d.created_at) for d in drafts]
        for id_ in self._core.invoices_of.get(order.id, ()):
            made.append((id_, "M", "02", self._core.state.invoices[id_].issued_at))
        return [
            self._fill["A_SalesOrderSubsqntProcFlow"](
                {
                    "SalesOrder": order.id,
                    "DocRelationshipUUID": f"{int(order.id):016x}{int(id_):016x}",
                    "SubsequentDocument": id_,
                    "SubsequentDocumentCategory": category,
                    "ProcessFlowLevel": level,
                    "CreationDate": day(at),
                }
            )
            for id_, category, level, at in made
        ]
