"""The ERP's core: what its screens and its API can do, each whole or not at all."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from o2c_twin.mock_systems.roles.erp import rules
from o2c_twin.mock_systems.roles.erp.between import Between
from o2c_twin.mock_systems.roles.erp.entities import Entities, Entity
from o2c_twin.mock_systems.roles.erp.numbering import Numbering
from o2c_twin.mock_systems.roles.erp.records import (
    Customer,
    Delivery,
    DeliveryLine,
    Invoice,
    OrderLine,
    SalesOrder,
)
from o2c_twin.mock_systems.roles.records import RuleError

NewLine = tuple[str, int, int]
"""item id, quantity, unit price in minor units"""


class ErpCore(Between):
    """One company's ERP. ``now`` gives microseconds since the epoch.

    ``bill_on_delivery`` posts an invoice with each goods issue, as ERPs do that are set so; ``numbering`` says
    which kinds have number ranges of their own; ``entities`` are the company's legal entities, the home entity first,
    where it has several; all keep their books in one currency. ``exchange`` may be set to where the ERP has its rates
    from, ``early_payment`` to what its payment terms grant (see `Register`).
    """

    def __init__(
        self,
        now: Callable[[], int],
        bill_on_delivery: bool = False,
        numbering: Numbering | None = None,
        entities: Sequence[Entity] = (),
    ) -> None:
        super().__init__(now, numbering or Numbering(), Entities(entities))
        self.bill_on_delivery = bill_on_delivery

    # --- masters ---------------------------------------------------------------------------------

    def add_customer(self, name: str, currency: str, **fields: object) -> Customer:
        """Create a customer master; ``fields`` are those of `Customer`.

        Where there are several legal entities and none is given, it is the home entity's. Raises `RuleError` on a known
        external id or an unknown entity.
        """
        if self.entities:
            fields["entity"] = self.entities.known(fields.get("entity") or self.entities.home)
        external_id = fields.get("external_id")
        self._refuse_known_external_id("customer", external_id if isinstance(external_id, str) else None)
        now = self._now()
        id_ = self._new_id("customer")
        number = self._new_number("customer", "C", id_)
        base = {"id": id_, "number": number, "name": name, "currency": currency, "created_at": now}
        customer = msgspec.convert({**base, "modified_at": now, **fields}, Customer)
        self.state.customers[id_] = customer
        self._claim_external_id("customer", customer.external_id, id_)
        self._changed("customer", id_, "created", now)
        return customer

    def update_customer(self, customer_id: str, **fields: object) -> Customer:
        """Change master data; raising the limit or lifting a hold re-checks held orders.

        Raises `RuleError` on an external id another customer has, and on another entity once there are documents.
        """
        customer = self._customer(customer_id)
        if "entity" in fields and fields["entity"] != customer.entity:
            self.entities.known(fields["entity"])
            if self.orders_of.get(customer_id):
                raise RuleError("entity-fixed", f"customer {customer.number} has documents", "subsidiary")
        changed = msgspec.convert({**msgspec.structs.asdict(customer), **fields}, Customer)
        if changed.external_id != customer.external_id:
            self._refuse_known_external_id("customer", changed.external_id)
            if customer.external_id is not None:
                del self._ext["customer", customer.external_id]
            self._claim_external_id("customer", changed.external_id, customer_id)
        changed.modified_at = self._now()
        self.state.customers[customer_id] = changed
        self._changed("customer", customer_id, "updated", changed.modified_at)
        if "credit_limit_minor" in fields or "hold" in fields:
            self.recheck_credit(customer_id)
        return changed

    # --- sales orders ----------------------------------------------------------------------------

    def enter_order(
        self,
        customer_id: str,
        lines: Sequence[NewLine],
        *,
        external_id: str | None = None,
        po_number: str | None = None,
        memo: str | None = None,
        ship_complete: bool | None = None,
        channel: str = "manual",
        entity: str | None = None,
    ) -> SalesOrder:
        """Enter a sales order: credit is checked, stock reserved or back-ordered.

        Over the credit limit the order is accepted and held, as ERPs do that block and not refuse. ``entity`` sells,
        the customer's own unless said otherwise.
        Raises `RuleError` (unknown customer or item, no lines, known external id, an entity it is not assigned to).
        """
        customer = self._customer(customer_id)
        if customer.inactive:
            raise RuleError("customer-inactive", f"customer {customer.number} is inactive", "entity")
        if not lines:
            raise RuleError("no-lines", "an order needs at least one line", "item")
        for item_id, quantity, price in lines:
            self._item(item_id)
            if quantity <= 0 or price < 0:
                raise RuleError("bad-quantity", "quantity must be positive and price not negative", "quantity")
        self._refuse_known_external_id("order", external_id)
        entity = self.entities.of(customer, entity)
        now = self._now()
        id_ = self._new_id("order")
        order = SalesOrder(
            id_,
            self._new_number("order", "SO", id_, entity),
            customer_id,
            customer.currency,
            [OrderLine(i, item, quantity, price) for i, (item, quantity, price) in enumerate(lines, 1)],
            now,
            now,
            external_id=external_id,
            po_number=po_number,
            memo=memo,
            ship_complete=customer.ship_complete if ship_complete is None else ship_complete,
            channel=channel,
            entity=entity,
        )
        value = rules.order_value_minor(order)
        order.hold_reason = rules.credit_reason(customer, value)
        order.credit = "hold" if order.hold_reason else "passed"
        self.state.orders[order.id] = order
        customer.open_orders_minor += value
        self._claim_external_id("order", external_id, order.id)
        self._index_order(order)
        self._allocate(order)
        self._changed("order", order.id, "created", now)
        return order

    def update_order(self, order_id: str, *, memo: str | None = None, po_number: str | None = None) -> SalesOrder:
        """Change header texts of an order."""
        order = self._order(order_id)
        order.memo = memo if memo is not None else order.memo
        if po_number is not None and po_number != order.po_number:
            if order.po_number is not None:
                self.orders_by_po[order.po_number].remove(order_id)
            order.po_number = po_number
            self.orders_by_po.setdefault(po_number, []).append(order_id)
        self._touch_order(order)
        return order

    def cancel_order(self, order_id: str) -> SalesOrder:
        """Cancel an order of which nothing has shipped: reservations and exposure are freed."""
        order = self._order(order_id)
        if any(line.shipped for line in order.lines):
            raise RuleError("already-shipped", f"order {order.number} has shipped in part")
        if order.cancelled:
            raise RuleError("order-cancelled", f"order {order.number} is cancelled")
        for line in order.lines:
            self.state.items[line.item_id].committed -= line.committed
            line.committed = 0
        order.cancelled = True
        self._held.get(order.customer_id, {}).pop(order.id, None)
        self._customer(order.customer_id).open_orders_minor -= rules.unshipped_value_minor(order)
        self._touch_order(order)
        for line in order.lines:
            self._serve(line.item_id)
        self.recheck_credit(order.customer_id)
        return order

    # --- deliveries and invoices -----------------------------------------------------------------

    def deliver(
        self,
        order_id: str,
        quantities: Mapping[int, int] | None = None,
        *,
        external_id: str | None = None,
        tracking: str | None = None,
        id_: str | None = None,
    ) -> Delivery:
        """Goods issue of ``quantities`` by line, or of all that is reserved.

        ``id_`` is the id a delivery has already that was planned before (see `reserve_id`). Raises `RuleError`
        while on hold, beyond what is reserved, or with nothing to ship.
        """
        order = self._order(order_id)
        rules.may_ship(order)
        self._refuse_known_external_id("delivery", external_id)
        able = rules.shippable(order)
        if quantities is not None:
            reserved = {line.line: quantity for line, quantity in able}
            for number, quantity in quantities.items():
                if quantity < 0 or quantity > reserved.get(number, 0):
                    raise RuleError(
                        "over-delivery",
                        f"line {number}: {quantity} asked, {reserved.get(number, 0)} reserved",
                        "quantity",
                    )
            if order.ship_complete and any(quantities.get(number) != whole for number, whole in reserved.items()):
                raise RuleError("ship-complete", f"order {order.number} ships complete or not at all", "quantity")
            able = [(line, quantities[line.line]) for line, _ in able if quantities.get(line.line)]
        if not able:
            raise RuleError("nothing-to-ship", f"order {order.number} has nothing that may ship")
        now = self._now()
        customer = self.state.customers[order.customer_id]
        lines = []
        cost = 0
        for line, quantity in able:
            item = self.state.items[line.item_id]
            item.on_hand -= quantity
            item.committed -= quantity
            line.committed -= quantity
            line.shipped += quantity
            cost += quantity * item.cost_minor
            lines.append(DeliveryLine(line.line, line.item_id, quantity, line.unit_price_minor))
        value = sum(line.quantity * line.unit_price_minor for line in lines)
        customer.open_orders_minor -= value
        customer.unbilled_minor += value
        id_ = id_ or self._new_id("delivery")
        delivery = Delivery(
            id_,
            self._new_number("delivery", "IF", id_, order.entity),
            order.id,
            order.customer_id,
            order.currency,
            lines,
            now,
            now,
            external_id=external_id,
            tracking=tracking,
            entity=order.entity,
        )
        self.state.deliveries[delivery.id] = delivery
        self._unbilled.setdefault(order.id, []).append(delivery.id)
        self._claim_external_id("delivery", external_id, delivery.id)
        self._post(now, delivery.number, ("cost of sales", cost), ("inventory", -cost))
        self._changed("delivery", delivery.id, "created", now)
        self._touch_order(order)
        if self.bill_on_delivery:
            self.invoice_order(order.id)
        return delivery

    def invoice_order(
        self,
        order_id: str,
        quantities: Mapping[int, int] | None = None,
        *,
        external_id: str | None = None,
        channel: str = "manual",
        delivery_ids: Sequence[str] | None = None,
    ) -> Invoice:
        """Bill what was shipped and not yet billed, or ``quantities`` of it by line, or just these deliveries of it.

        Raises `RuleError` when more than that is asked, or nothing is there to bill.
        """
        order = self._order(order_id)
        if delivery_ids is not None:
            quantities = self._delivered(order_id, delivery_ids)
        self._refuse_known_external_id("invoice", external_id)
        billed: list[tuple[OrderLine, int]] = []
        whole = True
        known = {line.line for line in order.lines}
        for number in quantities or ():
            if number not in known:
                raise RuleError("unknown-line", f"order {order.number} has no line {number}", "line")
        for line in order.lines:
            billable = line.shipped - line.billed
            asked = billable if quantities is None else quantities.get(line.line, 0)
            if asked > billable or asked < 0:
                raise RuleError(
                    "over-billing", f"line {line.line}: {asked} asked, {billable} shipped and not billed", "quantity"
                )
            whole = whole and asked == billable
            if asked:
                billed.append((line, asked))
        if not billed:
            raise RuleError("nothing-to-bill", f"order {order.number} has nothing shipped that is not billed")
        now = self._now()
        customer = self.state.customers[order.customer_id]
        lines = []
        for line, quantity in billed:
            line.billed += quantity
            lines.append(DeliveryLine(line.line, line.item_id, quantity, line.unit_price_minor))
        total = sum(line.quantity * line.unit_price_minor for line in lines)
        deliveries = self._unbilled.pop(order.id, []) if whole else list(delivery_ids or ())
        if deliveries and not whole:
            self._unbilled[order.id] = [id_ for id_ in self._unbilled.get(order.id, []) if id_ not in deliveries]
        id_ = self._new_id("invoice")
        invoice = Invoice(
            id_,
            self._new_number("invoice", "INV", id_, order.entity),
            order.id,
            order.customer_id,
            order.currency,
            lines,
            total,
            total,
            now,
            rules.due_at(now, customer.terms_days),
            now,
            external_id=external_id,
            po_number=order.po_number,
            delivery_ids=deliveries,
            channel=channel,
            exchange_rate=self.exchange(order.currency, now),
            entity=order.entity,
            early=self.early_payment_of(customer.terms_days),
        )
        for delivery_id in deliveries:
            self.state.deliveries[delivery_id].invoice_id = invoice.id
        customer.unbilled_minor -= total
        customer.balance_minor += total
        self.state.invoices[invoice.id] = invoice
        self.by_number[invoice.number] = invoice.id
        self.invoices_of.setdefault(order.id, []).append(invoice.id)
        if total:
            self.open_invoices.setdefault(customer.id, {})[invoice.id] = invoice
        self._claim_external_id("invoice", external_id, invoice.id)
        self._post_document(now, invoice, invoice.currency, "receivables", "revenue", total)
        self._changed("invoice", invoice.id, "created", now)
        self._touch_order(order)
        return invoice

    def _delivered(self, order_id: str, delivery_ids: Sequence[str]) -> dict[int, int]:
        """Quantity by line of unbilled deliveries of an order."""
        quantities: dict[int, int] = {}
        for id_ in dict.fromkeys(delivery_ids):
            delivery = self.state.deliveries.get(id_)
            if delivery is None or delivery.order_id != order_id:
                raise RuleError("unknown-delivery", f"order {order_id} has no delivery {id_}", "id")
            if delivery.invoice_id is not None:
                raise RuleError("nothing-to-bill", f"delivery {delivery.number} is billed already")
            for line in delivery.lines:
                quantities[line.line] = quantities.get(line.line, 0) + line.quantity
        return quantities
