"""The billing desk: clerks who type invoices from the day's delivery notes."""

from collections.abc import Callable

from o2c_twin.mock_systems.roles.erp import Delivery, SalesOrder
from o2c_twin.mock_systems.roles.records import Change, RuleError
from o2c_twin.twin.world.company import OFFICE, Company, Process


class BillingDesk:
    """Each delivery note comes over from the warehouse the next morning; some never arrive.

    ``tell`` is what somebody does when an invoice is typed (order, flow, document number); None where the
    engine carries the news.
    """

    def __init__(self, company: Company, tell: Callable[[SalesOrder, str, str], Process] | None = None) -> None:
        self._company = company
        self._tell = tell
        company.erp.listeners.append(self._erp_changed)

    def _erp_changed(self, change: Change) -> None:
        if change.kind == "delivery":
            delivery = self._company.erp.state.deliveries[change.id]
            if self._company.chance.uniform("office.misfiled.note", delivery.number) >= self._company.settings.misfiled:
                self._company.begin(self._bill(delivery))
            else:
                lost = ("invoice", delivery.number, "warehouse", "erp", delivery.issued_at, None)
                self._company.record.add("sync", lost)

    def _bill(self, delivery: Delivery) -> Process:
        company = self._company
        # The delivery notes of a day come over from the warehouse the next morning.
        yield company.until(OFFICE.next_morning(company.clock.now()))
        yield from company.desk("billing").work("key invoice", delivery.number, company.settings.minutes_invoice)
        try:
            company.erp.invoice_order(delivery.order_id)
        except RuleError:
            # A colleague billed it together with another delivery of the same order.
            return
        order = company.erp.state.orders[delivery.order_id]
        company.record.add(
            "sync", ("invoice", delivery.number, "warehouse", "erp", delivery.issued_at, company.clock.now())
        )
        if self._tell is not None:
            yield from self._tell(order, "invoice", delivery.number)
