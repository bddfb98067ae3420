"""The office where nothing is integrated: people re-key orders, invoices, cash and news between systems."""

from o2c_twin.mock_systems.roles.erp import SalesOrder
from o2c_twin.twin.world.billing_desk import BillingDesk
from o2c_twin.twin.world.cash_desk import CashDesk
from o2c_twin.twin.world.company import OFFICE, Company, Process
from o2c_twin.twin.world.currencies import as_entered, limit_of
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.population import Customer


class Office:
    """Order entry, billing and receivables clerks, with the delay, backlog and typing errors people have."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._masters: dict[str, str] = {}
        self.entry_errors: dict[str, str] = {}
        BillingDesk(company, self._news)
        CashDesk(company, self._news)

    # --- deal to order ---------------------------------------------------------------------------

    def deal_won(self, deal: Deal) -> None:
        """Sales hands the order paper to order entry; some papers get lost, some arrive twice."""
        company = self._company
        settings = company.settings
        if company.chance.uniform("office.misfiled.order", deal.deal_id) < settings.misfiled:
            company.record.add("sync", ("order", deal.deal_id, "crm", "erp", deal.won_at, None))
            return
        company.begin(self._key(deal, 0))
        if company.chance.uniform("office.twice", deal.deal_id) < settings.keyed_twice:
            company.begin(self._key(deal, 1))

    def _key(self, deal: Deal, copy: int) -> Process:
        company = self._company
        settings = company.settings
        if copy:
            yield company.until(OFFICE.next_morning(company.clock.now()))
        minutes = settings.minutes_order
        if deal.customer.customer_id not in self._masters:
            minutes += settings.minutes_customer
        yield from company.desk("order_entry").work("key order", deal.deal_id, minutes)
        customer_id = self._master(deal.customer)
        lines, error = self._typed(deal, copy)
        order = company.erp.enter_order(customer_id, lines, po_number=deal.po_number)
        if error is not None:
            self.entry_errors[order.number] = error
        company.tell_crm(deal.deal_id, company.news_of(order))
        company.record.add("sync", ("order", deal.deal_id, "crm", "erp", deal.won_at, company.clock.now()))
        company.diary.note("order entry", "order entered", "order", order.number, deal.deal_id)

    def _master(self, customer: Customer) -> str:
        known = self._masters.get(customer.customer_id)
        if known is None:
            currency, limit = limit_of(self._company, customer)
            known = self._masters[customer.customer_id] = self._company.erp.add_customer(
                customer.name,
                currency,
                number=customer.number,
                terms_days=customer.terms_days,
                credit_limit_minor=limit,
                entity=customer.entity,
            ).id
        return known

    def _typed(self, deal: Deal, copy: int) -> tuple[list[tuple[str, int, int]], str | None]:
        """The lines as the clerk types them: a wrong digit in a quantity or a price."""
        company, error = self._company, None
        lines = []
        for n, (sku, quantity, price) in enumerate(as_entered(company, deal).lines):
            draw = company.chance.uniform("office.quantity", deal.deal_id, n, copy)
            if draw < company.settings.field_error:
                quantity, error = quantity + company.chance.integer(1, 9, "office.digit", deal.deal_id, n), "quantity"
            draw = company.chance.uniform("office.price", deal.deal_id, n, copy)
            if draw < company.settings.field_error:
                share = 0.5 + company.chance.uniform("office.digits", deal.deal_id, n)
                price, error = max(1, round(price * share)), "price"
            lines.append((company.erp.items_by_sku[sku].id, quantity, price))
        return lines, error

    # --- news to sales ---------------------------------------------------------------------------

    def _news(self, order: SalesOrder, flow: str, object_id: str) -> Process:
        """Somebody types into the CRM what has become of an order."""
        company = self._company
        since = company.clock.now()
        deal = company.truth.deal_of_po(order.po_number)
        if deal is None:
            return
        yield from company.desk("order_entry").work("update CRM", deal.deal_id, company.settings.minutes_status)
        company.tell_crm(deal.deal_id, company.news_of(order))
        company.record.add("sync", (flow, object_id, "erp", "crm", since, company.clock.now()))
