"""The warehouse: what is reserved and free of holds is picked and leaves; stock is replenished."""

from collections.abc import Callable
from math import sqrt

from o2c_twin.mock_systems.roles.erp import Delivery, SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import shippable
from o2c_twin.mock_systems.roles.records import Change, RuleError
from o2c_twin.twin.world.company import Company, Process
from o2c_twin.twin.world.population import Item

MEAN_QUANTITY = 8.5
MEAN_LINES = 1.9


class Warehouse:
    """Pickers and buyers, working from the ERP's screens."""

    def __init__(self, company: Company, goods: tuple[Item, ...]) -> None:
        self._company = company
        self._goods = goods
        self._sku_of: dict[str, str] = {}
        self._picking: set[str] = set()
        self.stopped: list[Callable[[SalesOrder], None]] = []
        """Who is called when a picker finds an order held at the shelf."""
        self._on_order: dict[str, int] = {}
        settings = company.settings
        per_day = settings.orders / settings.days * MEAN_LINES * MEAN_QUANTITY
        daily = {item.sku: per_day * item.popularity for item in goods}
        self._reorder_points = {sku: self._reorder_point(demand) for sku, demand in daily.items()}
        self._lots = {sku: max(int(demand * 20), 12) for sku, demand in daily.items()}
        for item in goods:
            level = self._reorder_points[item.sku] + self._lots[item.sku]
            record = company.erp.add_item(
                item.sku, item.name, item.price_minor, item.cost_minor, settings.currency, level
            )
            self._sku_of[record.id] = item.sku
        company.erp.listeners.append(self._changed)

    def _reorder_point(self, daily: float) -> int:
        """Demand of lead time and cover, with a safety stock of the demand's own spread."""
        settings = self._company.settings
        days = settings.lead_days + settings.stock_cover_days
        spread = 2.0 * sqrt(daily * settings.lead_days * 2 * MEAN_QUANTITY) if settings.stock_cover_days else 0.0
        return max(int(daily * days + spread), 1)

    def _changed(self, change: Change) -> None:
        if change.kind == "order":
            self._consider(self._company.erp.state.orders[change.id])

    def _consider(self, order: SalesOrder) -> None:
        if order.id in self._picking or order.cancelled or order.credit in ("hold", "rejected"):
            return
        if shippable(order):
            self._picking.add(order.id)
            self._company.begin(self._pick(order))

    def _pick(self, order: SalesOrder) -> Process:
        company = self._company
        if company.settings.credit_check_at_delivery:
            # The check is made when somebody begins to pick, and not at whatever hour the goods came.
            yield company.until(company.desk("warehouse").free_at())
            company.erp.recheck_order(order.id, company.settings.release_days)
            if order.credit == "hold":
                for call in self.stopped:
                    call(order)
        if order.credit != "hold":
            yield from company.desk("warehouse").work("pick", order.number, company.settings.minutes_pick)
        self._picking.discard(order.id)
        try:
            delivery = company.erp.deliver(order.id)
        except RuleError as refused:
            company.diary.note("warehouse", "pick stopped", "order", order.number, None, why=refused.code)
            return
        self._left(order, delivery)

    def _left(self, order: SalesOrder, delivery: Delivery) -> None:
        company = self._company
        deal = company.truth.deal_of_po(order.po_number)
        agreed = {line.sku: line.price_minor for line in deal.lines} if deal else {}
        value = 0
        for line in delivery.lines:
            sku = self._sku_of[line.item_id]
            value += line.quantity * agreed.get(sku, line.unit_price_minor)
            if deal is not None:
                company.truth.left_the_house(deal.deal_id, sku, line.quantity)
        if order.credit in ("hold", "rejected"):
            company.truth.issued_on_hold.append(delivery.number)
        deal_id, currency = (deal.deal_id, deal.currency) if deal else (None, order.currency)
        company.record.add(
            "deliveries",
            (delivery.number, order.number, deal_id, delivery.issued_at, value, currency),
        )
        company.diary.note("warehouse", "goods issued", "delivery", delivery.number, deal_id, order=order.number)

    def replenish(self, midnight: int) -> None:
        """Each morning: what has fallen to its reorder point is bought."""
        company = self._company
        erp, on_order = company.erp, self._on_order
        day = midnight // 86_400_000_000
        for item in self._goods:
            sku = item.sku
            record, point = erp.items_by_sku[sku], self._reorder_points[sku]
            free = record.on_hand - record.committed - erp.backlog(record.id) + on_order.get(sku, 0)
            if free <= point:
                lot = self._lots[sku] + point - free
                on_order[sku] = on_order.get(sku, 0) + lot
                lead = company.settings.lead_days * company.chance.lognormal(1.0, 0.35, "supplier.lead", sku, day)
                company.begin(self._arrive(sku, record.id, lot, lead))

    def _arrive(self, sku: str, item_id: str, lot: int, lead_days: float) -> Process:
        yield self._company.env.sleep(lead_days * 86_400)
        self._on_order[sku] -= lot
        self._company.erp.receive_stock(item_id, lot)
