"""The button in the CRM where the topology is api-first: sales presses it and waits for the order's number."""

from o2c_twin.integration.flows.order import adopt
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import ON_CALL, Engine
from o2c_twin.twin.world.company import OFFICE, Company, Process
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.exceptions import enter_order

_MINUTE = 60_000_000
_PRESSES = 6
"""Then sales gives up and hands order entry the paper; each wait is twice the one before (modelling assumptions)."""


class Button:
    """Whoever wins a deal presses, reads what comes back, and presses again when it failed."""

    def __init__(self, company: Company, engine: Engine) -> None:
        self._company = company
        self._engine = engine

    def won(self, deal: Deal) -> None:
        """A deal was won: the button is pressed."""
        self._company.begin(self._press(deal))

    def _press(self, deal: Deal) -> Process:
        company, engine = self._company, self._engine
        crm_id = company.truth.crm_ids[deal.deal_id]
        for press in range(_PRESSES):
            name = f"button:{crm_id}:{press}"
            event = Inbound(name, ON_CALL, crm_id, f"button:{crm_id}", deal.won_at)
            done = yield company.env.coro(engine.call(event), name)
            if done:
                return
            company.diary.note("sales", "button failed", "deal", deal.deal_id, deal.deal_id, press=press + 1)
            yield company.until(OFFICE.opening(company.clock.now() + 10 * _MINUTE * 2**press))
        yield from company.desk("order_entry").work("key order", deal.deal_id, company.settings.minutes_order)
        adopt(engine, crm_id, enter_order(company, deal))
