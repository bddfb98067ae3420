"""The office where nothing is integrated: people re-key orders, invoices, cash and news between systems."""

from o2c_twin.mock_systems.roles.erp import Delivery, SalesOrder
from o2c_twin.mock_systems.roles.records import Change, RuleError
from o2c_twin.twin.world.company import OFFICE, Company, Process
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.population import Customer
from o2c_twin.twin.world.truth import Receipt


class Office:
    """Order entry, billing and receivables clerks, with the delay, backlog and typing errors people have."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._masters: dict[str, str] = {}
        self.entry_errors: dict[str, str] = {}
        company.erp.listeners.append(self._erp_changed)
        company.bank.listeners.append(self._bank_changed)

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
            known = self._masters[customer.customer_id] = self._company.erp.add_customer(
                customer.name,
                self._company.settings.currency,
                number=customer.number,
                terms_days=customer.terms_days,
                credit_limit_minor=customer.credit_limit_minor,
            ).id
        return known

    def _typed(self, deal: Deal, copy: int) -> tuple[list[tuple[str, int, int]], str | None]:
        """The lines as the clerk types them: a wrong digit in a quantity or a price."""
        company, error = self._company, None
        lines = []
        for n, line in enumerate(deal.lines):
            quantity, price = line.quantity, line.price_minor
            draw = company.chance.uniform("office.quantity", deal.deal_id, n, copy)
            if draw < company.settings.field_error:
                quantity, error = quantity + company.chance.integer(1, 9, "office.digit", deal.deal_id, n), "quantity"
            draw = company.chance.uniform("office.price", deal.deal_id, n, copy)
            if draw < company.settings.field_error:
                share = 0.5 + company.chance.uniform("office.digits", deal.deal_id, n)
                price, error = max(1, round(price * share)), "price"
            lines.append((company.erp.items_by_sku[line.sku].id, quantity, price))
        return lines, error

    # --- delivery to invoice ---------------------------------------------------------------------

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
        yield from self._news(order, "invoice", delivery.number)

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

    # --- bank to receivables ---------------------------------------------------------------------

    def _bank_changed(self, change: Change) -> None:
        if change.kind != "statement":
            return
        statement = self._company.bank.account(self._company.bank_account_id).statements[-1]
        for entry in statement.entries:
            receipt = self._company.truth.receipts[entry.reference]
            self._company.begin(self._apply(receipt, change.at))

    def _apply(self, receipt: Receipt, printed_at: int) -> Process:
        company = self._company
        yield company.until(OFFICE.next_morning(printed_at))
        yield from company.desk("receivables").work("apply cash", receipt.reference, company.settings.minutes_receipt)
        touched = post_receipt(company, receipt)
        company.record.add("sync", ("cash", receipt.reference, "bank", "erp", printed_at, company.clock.now()))
        for order in touched:
            yield from self._news(order, "payment", receipt.reference)


def post_receipt(company: Company, receipt: Receipt) -> list[SalesOrder]:
    """A clerk posts a receipt to the invoices it was meant for; gives the orders it pays.

    Where it has been posted on account already, only the application is missing.
    """
    erp = company.erp
    by_customer: dict[str, list[tuple[str, int]]] = {}
    orders = {}
    for number, amount in receipt.intended.items():
        invoice = erp.state.invoices[erp.by_number[number]]
        take = min(amount, invoice.open_minor)
        if take > 0:
            by_customer.setdefault(invoice.customer_id, []).append((invoice.id, take))
        orders[invoice.order_id] = erp.state.orders[invoice.order_id]
    posted = erp.payments_by_reference.get(receipt.reference)
    if posted is not None:
        payment = erp.state.payments[posted]
        rows, left = [], payment.unapplied_minor
        for invoice_id, amount in by_customer.get(payment.customer_id, []):
            take = min(amount, left)
            if take > 0:
                rows.append((invoice_id, take))
                left -= take
        if rows:
            erp.apply_payment(payment.id, rows)
        return list(orders.values())
    # Money for several masters of one customer is posted on the first and split by hand.
    first = next(iter(by_customer), None) or next(iter(orders.values())).customer_id
    erp.receive_payment(first, receipt.amount_minor, by_customer.get(first, []), reference=receipt.reference)
    return list(orders.values())
