"""The credit desk: held orders are looked at when somebody sees them, and released or left waiting."""

from dataclasses import dataclass

from o2c_twin.mock_systems.roles.erp import SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import exposure_minor
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.twin.world.company import OFFICE, Company, Process

_DAY = 86_400_000_000
_ON_SIGHT = 1.25
"""Up to which multiple of the limit a controller releases without waiting (a modelling assumption)."""


class CreditDesk:
    """Credit controllers.

    Where the hold is written to the CRM as it happens, sales calls the controller at once; so does a picker whom it
    stops at the shelf (domain sheet 3.2: picking forbidden, a credit case opened), which no status tells of where part
    has left. Else it is found on the list the controller prints each working morning. Whichever comes first.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self._holds: dict[str, _Hold] = {}
        company.erp.listeners.append(self._order_changed)
        if company.integrated:
            company.crm.listeners.append(self._crm_changed)

    def _order_changed(self, change: Change) -> None:
        if change.kind != "order":
            return
        order = self._company.erp.state.orders[change.id]
        if order.credit == "hold" and not order.cancelled and order.id not in self._holds:
            hold = self._holds[order.id] = _Hold()
            deal = self._company.truth.deal_of_po(order.po_number)
            self._company.diary.note(
                "erp", "credit hold", "order", order.number, deal.deal_id if deal else None, why=order.hold_reason
            )
            self._company.begin(self._review(order, hold, next_list(self._company.clock.now())))
        elif order.credit != "hold" and order.id in self._holds:
            del self._holds[order.id]
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
        if order is not None:
            self.called(order)

    def called(self, order: SalesOrder) -> None:
        """Somebody asks a controller to look at an order that is held."""
        hold = self._holds.get(order.id)
        if hold is not None and not hold.taken:
            self._company.begin(self._review(order, hold, self._company.clock.now()))

    def _review(self, order: SalesOrder, hold: "_Hold", when: int) -> Process:
        company = self._company
        yield company.until(when)
        if hold.taken:
            return
        hold.taken = True
        looks = 0
        while self._is_on(order, hold):
            looks += 1
            yield from company.desk("credit").work("credit review", order.number, company.settings.minutes_credit)
            if not self._is_on(order, hold):
                return
            if self._may_release(order) or looks > company.settings.credit_waits:
                company.erp.release_credit(order.id)
                return
            # Not today: wait for money, look again in two working days.
            yield company.until(OFFICE.next_morning(OFFICE.next_morning(company.clock.now())))

    def _is_on(self, order: SalesOrder, hold: "_Hold") -> bool:
        # An order released and held again in between has another hold, with a review of its own.
        return self._holds.get(order.id) is hold and not order.cancelled

    def _may_release(self, order: SalesOrder) -> bool:
        customer = self._company.erp.state.customers[order.customer_id]
        limit = customer.credit_limit_minor or 0
        return exposure_minor(customer) <= limit * _ON_SIGHT


@dataclass(slots=True)
class _Hold:
    """One hold of one order; ``taken`` once a controller has it on the desk."""

    taken: bool = False


def next_list(now_us: int) -> int:
    """When the next list of held orders is printed: nine o'clock of a working day, today's when it is still to come."""
    today = OFFICE.next_morning(now_us - _DAY)
    return today if today > now_us else OFFICE.next_morning(now_us)
