"""What people do with the cases an engine opens: when they hear of them, whose desk they go over, who settles them."""

from collections.abc import Callable
from dataclasses import dataclass

from o2c_twin.integration.flows.between import BETWEEN_KEY, charged
from o2c_twin.integration.flows.order import adopt
from o2c_twin.integration.flows.same_customer import ANOTHER, suggestion_of
from o2c_twin.integration.group import transfer_minor
from o2c_twin.integration.runtime.contract import shape_of
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import Case
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.twin.world.cash_desk import post_receipt
from o2c_twin.twin.world.company import Company, Process
from o2c_twin.twin.world.currencies import as_entered, limit_of
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.views import orders_of_deal

_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_LOOK_HOUR = 9.0
_MONDAY, _FRIDAY = 0, 4
# The desk of each role a case may be with.
_DESKS = {
    "sales": "order_entry",
    "credit": "credit",
    "finance": "receivables",
    "operations": "support",
    "controller": "credit",
}


@dataclass(frozen=True, slots=True)
class _Hands:
    """Who settles a case: the desk, as whom, and the desk of the second person where one is needed."""

    desk: str
    by: str
    second: str | None = None


class Exceptions:
    """Clerks who settle dead letters by hand, each in the system it is about.

    ``mend`` is called when somebody has taught the mapping a record that changed.
    """

    def __init__(self, company: Company, engine: Engine, mend: Callable[[], None]) -> None:
        self._company = company
        self._mend = mend
        self._engine = engine
        self._monitoring = engine.profile.monitoring
        self._taken: dict[str, None] = {}
        self._alike: dict[str, int] = {}
        """How many cases of one changed shape were settled by hand."""
        if self._monitoring in ("off", "log"):
            company.begin(company.each_day(_LOOK_HOUR, self._look))

    # --- who hears when --------------------------------------------------------------------------

    def settle(self, case_id: str, flow: str, object_id: str) -> None:
        """The engine tells of a case: where somebody is alerted, it is put on a desk at once."""
        if self._monitoring in ("off", "log"):
            return
        self._company.begin(self._settle(case_id, flow, object_id))
        if self._monitoring == "escalate":
            self._company.begin(self._climb(case_id))

    def _look(self, midnight: int) -> None:
        """Somebody opens the list of cases: each working day, or in the review on Monday."""
        # 1970-01-01 was a Thursday.
        weekday = (midnight // _DAY + 3) % 7
        if weekday > (_MONDAY if self._monitoring == "off" else _FRIDAY):
            return
        for case in self._engine.journal.cases("open"):
            if case.case_id not in self._taken:
                self._taken[case.case_id] = None
                self._company.begin(self._settle(case.case_id, case.flow, case.object_id))

    def _climb(self, case_id: str) -> Process:
        """When the engine has moved a case up the ladder, it is on the next desk as well."""
        level = 0
        while (case := self._open(case_id)) is not None:
            if case.level > level:
                level = case.level
                self._company.begin(self._settle(case_id, case.flow, case.object_id, _DESKS[case.owner]))
            # Whoever has it at the top keeps it.
            if level >= 3:
                return
            yield self._company.until(max(case.due_at, self._company.clock.now()) + _HOUR)

    def _open(self, case_id: str) -> Case | None:
        case = self._engine.journal.case(case_id)
        return case if case is not None and case.state == "open" else None

    # --- settling --------------------------------------------------------------------------------

    def _settle(self, case_id: str, flow: str, object_id: str, desk: str | None = None) -> Process:
        company, hands = self._company, self._hands(case_id, flow, desk)
        if self._monitoring == "escalate":
            # It lies on several desks in the end: whoever is free first takes it from all of them.
            while (free_at := company.desk(hands.desk).free_at()) > company.clock.now():
                yield company.until(free_at)
            if case_id in self._taken:
                return
            self._taken[case_id] = None
        for role in (hands.desk, hands.second):
            if role is not None:
                yield from company.desk(role).work(f"settle {flow} case", object_id, company.settings.minutes_case)
        case = self._open(case_id)
        if case is None:
            return
        if case.kind == "drift":
            yield company.env.sleep(company.settings.mend_days * 86_400)
            if self._open(case_id) is not None:
                self._accept_shape(case, hands)
            return
        if flow == "cash":
            receipt = company.truth.receipts.get(object_id)
            if receipt is not None:
                post_receipt(company, receipt)
        elif flow == "order":
            adopt(self._engine, object_id, self._order(object_id))
        elif flow in ("delivery", "billing"):
            self._bill(object_id)
        else:
            if (case.effect_key or "").startswith(BETWEEN_KEY):
                self._charge(object_id)
            self._news(flow, object_id)
        self._close(case, hands, "settled by hand", self._answer(case))
        yield from self._notice(case)

    def _hands(self, case_id: str, flow: str, desk: str | None) -> _Hands:
        controls = self._engine.profile.controls
        case = self._engine.journal.case(case_id)
        if controls == "roles" and case is not None:
            return _Hands(desk or _DESKS[case.owner], case.owner)
        first = desk or ("receivables" if flow == "cash" else "support")
        second = "support" if first == "receivables" else "receivables"
        return _Hands(first, first, second if controls == "four-eyes" else None)

    def _close(self, case: Case, hands: _Hands, note: str, result: str | None = None) -> None:
        by = case.owner if self._engine.profile.controls == "roles" else hands.by
        self._engine.close_case(case.case_id, by=by, note=note, result=result, approved_by=hands.second)

    def _accept_shape(self, case: Case, hands: _Hands) -> None:
        """Somebody has taught the mapping the new shape; a flow that was stopped goes on."""
        self._mend()
        self._close(case, hands, "mapping mended")
        if case.flow in self._engine.paused:
            self._engine.resume(case.flow)

    def _notice(self, case: Case) -> Process:
        """After some cases that are all alike somebody sees that it is the mapping, which is mended then."""
        shape = shape_of(case.reason)
        if shape is None:
            return
        self._alike[shape] = self._alike.get(shape, 0) + 1
        if self._alike[shape] == self._company.settings.mend_cases:
            yield self._company.env.sleep(self._company.settings.mend_days * 86_400)
            # What changes after that in the same way is another change.
            self._alike[shape] = 0
            self._mend()

    def _answer(self, case: Case) -> str | None:
        """What a person says to the question whether two accounts are one customer; None where nothing is asked."""
        asked = suggestion_of(self._engine, case.effect_key or "")
        if asked is None:
            return None
        other, erp_id = asked
        accounts, number = self._company.crm.state.accounts, self._company.fields.customer_number
        same = accounts[case.object_id].custom[number] == accounts[other].custom[number]
        return erp_id if same else ANOTHER

    def _order(self, crm_id: str) -> str:
        company = self._company
        deal = next(d for d in company.truth.deals.values() if company.truth.crm_ids[d.deal_id] == crm_id)
        return enter_order(company, deal)

    def _bill(self, delivery_id: str) -> None:
        delivery = self._company.erp.state.deliveries[self._company.erp_names.id_of("shipment", delivery_id)]
        try:
            self._company.erp.invoice_order(delivery.order_id)
        except RuleError as nothing:
            # It was billed after all; the engine only never heard so.
            self._company.diary.note("support", "case without cause", "delivery", delivery.number, why=nothing.code)

    def _charge(self, invoice_id: str) -> None:
        """Post by hand what the home entity charges the one that billed an invoice, if nobody has."""
        company = self._company
        erp, settings = company.erp, company.settings
        invoice = erp.state.invoices[company.erp_names.id_of("invoice", invoice_id)]
        known = any(entry.reference == invoice.number for entry in erp.state.intercompany.values())
        if invoice.entity is not None and not known:
            amount = transfer_minor(invoice.total_minor, settings.transfer_price)
            made = erp.charge_between(settings.home_entity, invoice.entity, amount, invoice.currency, invoice.number)
            charged(self._engine, invoice_id, made.id)

    def _news(self, flow: str, object_id: str) -> None:
        erp, names = self._company.erp, self._company.erp_names
        if flow == "invoice":
            order_id = erp.state.invoices[names.id_of("invoice", object_id)].order_id
        else:
            order_id = names.id_of("order", object_id)
        order = erp.state.orders.get(order_id)
        deal = self._company.truth.deal_of_po(order.po_number) if order is not None else None
        if order is not None and deal is not None:
            self._company.tell_crm(deal.deal_id, self._company.news_of(order))


def enter_order(company: Company, deal: Deal) -> str:
    """Enter the order of a deal, if nobody has, and tell sales; gives its id at the ERP's interface."""
    known = orders_of_deal(company.erp, deal.po_number)
    if known:
        order = known[0]
    else:
        number = deal.customer.number
        customers = company.erp.state.customers.values()
        master = next((c.id for c in customers if c.number == number), None)
        if master is None:
            currency, limit = limit_of(company, deal.customer)
            master = company.erp.add_customer(
                deal.customer.name,
                currency,
                number=number,
                terms_days=deal.customer.terms_days,
                credit_limit_minor=limit,
                entity=deal.customer.entity,
            ).id
        if deal.customer.entity is not None:
            company.erp.assign_customer(master, deal.customer.entity)
        lines = [(company.erp.items_by_sku[sku].id, n, price) for sku, n, price in as_entered(company, deal).lines]
        order = company.erp.enter_order(master, lines, po_number=deal.po_number, entity=deal.customer.entity)
    company.tell_crm(deal.deal_id, company.news_of(order))
    return company.erp_names.name_of("order", order.id)
