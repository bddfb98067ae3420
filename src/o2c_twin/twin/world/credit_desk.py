"""The credit desk: held orders are looked at when somebody sees them, and released or left waiting."""

from o2c_twin.mock_systems.roles.erp import SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import exposure_minor
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.twin.world.company import OFFICE, Company, Process

_DAY = 86_400_000_000
_PATIENCE = 3


class CreditDesk:
    """Credit controllers.

    Where the hold is written to the CRM as it happens, sales calls the controller at once; else it
    is found on the list the controller prints each working morning.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self._known: set[str] = set()
        self._looks: dict[str, int] = {}
        company.erp.listeners.append(self._order_changed)
        if company.integrated:
            company.crm.listeners.append(self._crm_changed)
            self._order_of_deal: dict[str, str] = {}

    def _order_changed(self, change: Change) -> None:
        if change.kind != "order":
            return
        order = self._company.erp.state.orders[change.id]
        if order.credit == "hold" and not order.cancelled and order.id not in self._known:
            self._known.add(order.id)
            deal = self._company.truth.deal_of_po(order.po_number)
            self._company.diary.note(
                "erp", "credit hold", "order", order.number, deal.deal_id if deal else None, why=order.hold_reason
            )
            self._company.begin(self._review(order, OFFICE.next_morning(self._company.clock.now())))
        elif order.credit != "hold" and order.id in self._known:
            self._known.discard(order.id)
            deal = self._company.truth.deal_of_po(order.po_number)
            self._company.diary.note(
                "erp", "credit released", "order", order.number, deal.deal_id if deal else None, how=order.credit
            )

    def _crm_changed(self, change: Change) -> None:
        if change.kind != "opportunity" or change.what != "updated":
            return
        custom = self._company.crm.state.opportunities[change.id].custom
        if custom.get(self._company.fields.credit) != "on hold":
            return
        order = self._company.erp.state.orders.get(custom.get(self._company.fields.erp_order_id) or "")
        if order is not None and order.id in self._known and order.id not in self._looks:
            self._looks[order.id] = 0
            self._company.begin(self._review(order, self._company.clock.now()))

    def _review(self, order: SalesOrder, when: int) -> Process:
        company = self._company
        yield company.until(when)
        while _held(order):
            looks = self._looks[order.id] = self._looks.get(order.id, 0) + 1
            yield from company.desk("credit").work("credit review", order.number, company.settings.minutes_credit)
            if not _held(order):
                break
            if self._may_release(order) or looks > _PATIENCE:
                company.erp.release_credit(order.id)
                break
            # Not today: wait for money, look again in two working days.
            yield company.until(OFFICE.next_morning(OFFICE.next_morning(company.clock.now())))
        self._looks.pop(order.id, None)

    def _may_release(self, order: SalesOrder) -> bool:
        customer = self._company.erp.state.customers[order.customer_id]
        limit = customer.credit_limit_minor or 0
        return exposure_minor(customer) <= limit * 1.25


def _held(order: SalesOrder) -> bool:
    return order.credit == "hold" and not order.cancelled
