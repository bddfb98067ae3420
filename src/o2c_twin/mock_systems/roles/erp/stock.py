"""Stock in the ERP: goods come in or back, are reserved for orders, and orders wait for them."""

from o2c_twin.mock_systems.roles.erp.credit import CreditControl
from o2c_twin.mock_systems.roles.erp.records import Item, SalesOrder
from o2c_twin.mock_systems.roles.records import RuleError


class Stock(CreditControl):
    """The part of an ERP core that keeps goods; `ErpCore` completes it."""

    def add_item(self, sku: str, name: str, price_minor: int, cost_minor: int, currency: str, on_hand: int) -> Item:
        """Create a stock item. Raises `RuleError` when the SKU exists."""
        if sku in self.items_by_sku:
            raise RuleError("duplicate-item", f"item {sku} already exists", "itemId")
        now = self._now()
        item = Item(self._new_id("item"), sku, name, price_minor, cost_minor, currency, on_hand)
        item.modified_at = now
        self.state.items[item.id] = item
        self.items_by_sku[sku] = item
        if on_hand:
            self._post(now, f"STOCK-{sku}", ("inventory", on_hand * cost_minor), ("equity", -on_hand * cost_minor))
        self._changed("item", item.id, "created", now)
        return item

    def receive_stock(self, item_id: str, quantity: int) -> None:
        """Goods receipt; waiting orders are served in the order they were entered."""
        item = self._item(item_id)
        if quantity <= 0:
            raise RuleError("bad-quantity", "quantity received must be positive", "quantity")
        now = self._now()
        item.on_hand += quantity
        item.modified_at = now
        self._post(
            now,
            f"RCPT-{item.sku}",
            ("inventory", quantity * item.cost_minor),
            ("payables", -quantity * item.cost_minor),
        )
        self._changed("item", item_id, "updated", now)
        self._serve(item_id)

    def return_goods(self, invoice_id: str) -> None:
        """Take back all goods of an invoice into stock (the credit memo is posted apart).

        Raises `RuleError` when they came back before.
        """
        invoice = self._invoice(invoice_id)
        if invoice.returned:
            raise RuleError("already-returned", f"the goods of invoice {invoice.number} came back before")
        now = self._now()
        invoice.returned = True
        cost = 0
        for line in invoice.lines:
            item = self.state.items[line.item_id]
            item.on_hand += line.quantity
            item.modified_at = now
            cost += line.quantity * item.cost_minor
            self._changed("item", item.id, "updated", now)
        self._post(now, f"RET-{invoice.number}", ("inventory", cost), ("cost of sales", -cost))
        for line in invoice.lines:
            self._serve(line.item_id)

    def backlog(self, item_id: str) -> int:
        """Quantity of an item that orders wait for."""
        short = 0
        for order, lines in self._waiting[item_id].values() if item_id in self._waiting else ():
            if not order.cancelled:
                for line in lines.values():
                    if not line.closed:
                        short += line.quantity - line.shipped - line.committed
        return short

    def _allocate(self, order: SalesOrder) -> bool:
        """Reserve what stock allows; True when something was reserved."""
        reserved = False
        for line in order.lines:
            want = line.quantity - line.shipped - line.committed
            if want <= 0 or line.closed:
                continue
            item = self.state.items[line.item_id]
            take = min(want, item.on_hand - item.committed)
            if take > 0:
                line.committed += take
                item.committed += take
                reserved = True
            if take < want:
                self._wait(order, line)
        return reserved

    def _serve(self, item_id: str) -> None:
        """Reserve free stock of an item for the orders that wait for it, first come first served."""
        for order_id in self._waiting.pop(item_id, {}):
            order = self.state.orders[order_id]
            if not order.cancelled and self._allocate(order):
                self._touch_order(order)
