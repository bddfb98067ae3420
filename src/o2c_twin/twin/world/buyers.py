"""The customers' side of an invoice: they check it, dispute what is wrong, and pay when they do."""

from collections.abc import Callable
from datetime import UTC, datetime

from o2c_twin.mock_systems.roles.erp import Invoice
from o2c_twin.mock_systems.roles.records import Change, RuleError
from o2c_twin.twin.world.company import Company, Process
from o2c_twin.twin.world.currencies import NOT_QUITE
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.early_payers import kept, pays_early_on, takes_discount
from o2c_twin.twin.world.payers import days_from_due
from o2c_twin.twin.world.population import Customer
from o2c_twin.twin.world.remainders import clear_remainder, is_earned
from o2c_twin.twin.world.remittances import Reason, Shortfall, less, mangled, shortfall
from o2c_twin.twin.world.truth import WRONG_ENTITY, Dispute, Receipt

_DAY = 86_400_000_000
_PAY_HOUR = 10 * 3_600_000_000
# Dispute settlement: lognormal, median 12 days, p90 30 days (domain sheet 3.8).
_SETTLE_MEDIAN_DAYS, _SETTLE_SIGMA = 12.0, 0.715
# From receipt of an invoice to the customer's clerk looking at it: 3.1 days (domain sheet 3.8, leaders).
_CHECK_DAYS = 3.1


class Buyers:
    """All customers' accounts-payable desks."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._sku_of = {item.id: item.sku for item in company.erp.state.items.values()}
        self._billed: dict[tuple[str, str], int] = {}
        self._deliveries: dict[str, int] = {}
        self._nth: dict[str, int] = {}
        self._keepers: dict[str, None] = {}
        """Invoices of whose amount a discount is kept."""
        self._runs: dict[tuple[str, int], list[tuple[str, int]]] = {}
        self.on_receipt: Callable[[Receipt], None] = lambda receipt: None
        company.erp.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        if change.kind == "invoice" and change.what == "created":
            invoice = self._company.erp.state.invoices[change.id]
            deal = self._company.truth.deal_of_po(invoice.po_number)
            if deal is not None:
                nth = self._nth[invoice.id] = self._place(invoice, deal)
                self._company.diary.note("erp", "invoice posted", "invoice", invoice.number, deal.deal_id)
                self._check(invoice, deal, nth)

    def _place(self, invoice: Invoice, deal: Deal) -> int:
        """The which of its deal an invoice is; one that was billed again keeps the place of the first, and its dice."""
        if invoice.replaces is not None:
            return self._nth[invoice.replaces]
        nth = self._deliveries[deal.deal_id] = self._deliveries.get(deal.deal_id, 0) + 1
        return nth

    def _check(self, invoice: Invoice, deal: Deal, nth: int) -> None:
        reason, wrong = self._objection(invoice, deal)
        if reason is not None:
            self._company.begin(self._dispute(invoice, deal, nth, reason, wrong))
        else:
            self._plan(invoice, deal, nth, invoice.total_minor, self._company.clock.now())

    def _objection(self, invoice: Invoice, deal: Deal) -> tuple[str | None, int]:
        """What is billed beyond the agreement, or by whom nothing was bought: reason and amount.

        Nobody complains of too little. An invoice in another currency than the order is held against the order at the
        rate of its day; one of the wrong legal entity is refused as a whole, whatever else is wrong with it.
        """
        if invoice.entity != deal.customer.entity:
            return WRONG_ENTITY, invoice.total_minor
        price = {line.sku: line.price_minor for line in deal.lines}
        if invoice.currency != deal.currency:
            price = {sku: self._tolerable(each, deal, invoice) for sku, each in price.items()}
        ordered = {line.sku: line.quantity for line in deal.lines}
        too_much = too_dear = 0
        for line in invoice.lines:
            sku = self._sku_of[line.item_id]
            before = self._billed.get((deal.deal_id, sku), 0)
            self._billed[deal.deal_id, sku] = before + line.quantity
            extra = min(line.quantity, max(0, before + line.quantity - ordered.get(sku, 0)))
            too_much += extra * line.unit_price_minor
            too_dear += (line.quantity - extra) * max(0, line.unit_price_minor - price.get(sku, 0))
        if too_much == invoice.total_minor:
            return "duplicate", too_much
        if too_much:
            return "quantity", too_much + too_dear
        if not too_dear:
            return None, 0
        if invoice.currency == deal.currency:
            return "price", too_dear
        return "currency", self._beyond(invoice, deal)

    def _tolerable(self, price: int, deal: Deal, invoice: Invoice) -> int:
        """The most a unit may cost in an invoice's currency before its buyer objects."""
        rates = self._company.rates
        return int(rates.exchanged(price, deal.currency, invoice.currency, invoice.issued_at) * (1 + NOT_QUITE))

    def _beyond(self, invoice: Invoice, deal: Deal) -> int:
        """What an invoice in another currency is above the order, once somebody objects: all of it, to the cent."""
        rates, ordered = self._company.rates, self._ordered(invoice, deal)
        agreed = rates.exchanged(ordered, deal.currency, invoice.currency, invoice.issued_at)
        return max(1, invoice.total_minor - agreed)

    def _ordered(self, invoice: Invoice, deal: Deal) -> int:
        """What the goods on an invoice cost as they were ordered, in the order's currency."""
        price = {line.sku: line.price_minor for line in deal.lines}
        return sum(line.quantity * price.get(self._sku_of[line.item_id], 0) for line in invoice.lines)

    def _sends(self, invoice: Invoice, deal: Deal, due: int) -> int:
        """What a customer sends for an amount due, in the order's currency.

        Billed in another one: what was ordered; or what is billed, where that is much less.
        """
        if invoice.currency == deal.currency:
            return due
        rates, ordered = self._company.rates, self._ordered(invoice, deal)
        billed = rates.exchanged(due, invoice.currency, deal.currency, invoice.issued_at)
        if billed >= ordered * (1 - NOT_QUITE):
            return ordered
        return rates.exchanged(due, invoice.currency, deal.currency, self._company.clock.now())

    def _dispute(self, invoice: Invoice, deal: Deal, nth: int, reason: str, wrong: int) -> Process:
        company = self._company
        chance = company.chance
        key = (deal.deal_id, nth)
        yield company.env.sleep(_CHECK_DAYS * 86_400)
        opened = company.clock.now()
        company.diary.note("customer", "dispute opened", "invoice", invoice.number, deal.deal_id, reason=reason)
        days = chance.lognormal(_SETTLE_MEDIAN_DAYS, _SETTLE_SIGMA, "dispute.days", *key)
        number = len(company.truth.disputes)
        dispute = Dispute(f"DSP-{number + 1:05d}", invoice.number, opened, None, reason, wrong, invoice.currency)
        company.truth.disputes.append(dispute)
        yield company.env.sleep(days * 86_400)
        yield from company.desk("support").work("settle dispute", invoice.number, company.settings.minutes_dispute)
        memo = company.erp.issue_credit_memo(invoice.id, wrong, reason)
        if reason == "duplicate":
            company.erp.return_goods(invoice.id)
        if reason == WRONG_ENTITY:
            yield from self._bill_again(invoice, deal)
        company.truth.disputes[number] = Dispute(
            dispute.dispute_id, invoice.number, opened, company.clock.now(), reason, wrong, invoice.currency
        )
        company.diary.note("support", "credit memo issued", "credit_memo", memo.number, deal.deal_id, reason=reason)
        if invoice.open_minor > 0:
            self._plan(invoice, deal, nth, invoice.open_minor, company.clock.now() + 3 * _DAY)

    def _bill_again(self, invoice: Invoice, deal: Deal) -> Process:
        """Billing writes the invoice once more, for the legal entity that serves the customer."""
        company, entity = self._company, deal.customer.entity
        yield from company.desk("billing").work("bill again", invoice.number, company.settings.minutes_invoice)
        if entity is not None:
            company.erp.assign_customer(invoice.customer_id, entity)
            company.erp.bill_again(invoice.id, entity)

    def _plan(self, invoice: Invoice, deal: Deal, nth: int, amount: int, earliest: int) -> None:
        """Put the invoice into the customer's payment run."""
        company, customer = self._company, deal.customer
        late = days_from_due(company.chance, customer.punctuality, customer.terms_days, deal.deal_id, nth)
        day = max(invoice.due_at // _DAY + late, earliest // _DAY + 1)
        if self._keeps(invoice, deal):
            early = pays_early_on(company.settings, company.chance, invoice, deal.deal_id, nth)
            if early is None:
                self._keepers[invoice.id] = None
            elif early > earliest // _DAY:
                self._keepers[invoice.id], day = None, early
        run = _payment_day(day, customer.payment_weekday)
        if (run * _DAY + _PAY_HOUR) <= company.clock.now():
            run = company.clock.now() // _DAY + 1
        collector = company.collector
        if collector is not None:
            if not collector.debits:
                company.begin(self._pay_provider(customer, run, invoice, amount))
            return
        batch = self._runs.get((customer.customer_id, run))
        if batch is None:
            batch = self._runs[customer.customer_id, run] = []
            company.begin(self._pay(customer, run))
        batch.append((invoice.id, amount))

    def _keeps(self, invoice: Invoice, deal: Deal) -> bool:
        """Whether a customer thinks of the discount of an invoice: a provider asks for all of it, and nobody reckons a
        discount on what is billed in another currency than was agreed."""
        company = self._company
        if company.collector is not None or invoice.early is None or invoice.currency != deal.currency:
            return False
        return takes_discount(company.settings, company.chance, deal.customer.customer_id)

    def _pay_provider(self, customer: Customer, run: int, invoice: Invoice, amount: int) -> Process:
        """Pay what the provider asks for; while it asks for nothing, look again tomorrow."""
        company = self._company
        yield company.until(run * _DAY + _PAY_HOUR)
        while company.clock.now() < company.end_us:
            due = min(amount, invoice.total_minor - invoice.credited_minor)
            if due <= 0 or (company.collector is not None and company.collector.pay(invoice.number, due)):
                return
            yield company.env.sleep(86_400)

    def received_by_provider(self, payment_id: str, invoice_number: str, amount_minor: int) -> None:
        """A provider has a customer's money."""
        company = self._company
        invoice = company.erp.state.invoices[company.erp.by_number[invoice_number]]
        deal = company.truth.deal_of_po(invoice.po_number)
        customer_id = "" if deal is None else deal.customer.customer_id
        now = company.clock.now()
        paid, currency = {invoice_number: amount_minor}, invoice.currency
        receipt = Receipt(payment_id, customer_id, now, now, currency, amount_minor, paid)
        company.truth.provider_receipts[payment_id] = receipt
        company.record.add("receipts", (payment_id, customer_id, now, amount_minor, currency))
        company.diary.note("customer", "payment sent", "receipt", payment_id, None, amount_minor=amount_minor)

    def _pay(self, customer: Customer, run: int) -> Process:
        company = self._company
        yield company.until(run * _DAY + _PAY_HOUR)
        intended: dict[str, int] = {}
        discounts: dict[str, int] = {}
        billed_otherwise = 0
        for invoice_id, amount in self._runs.pop((customer.customer_id, run)):
            invoice = company.erp.state.invoices[invoice_id]
            due = min(amount, invoice.total_minor - invoice.credited_minor)
            deal = company.truth.deal_of_po(invoice.po_number)
            if due > 0 and deal is not None:
                intended[invoice.number] = intended.get(invoice.number, 0) + self._sends(invoice, deal, due)
                if invoice.id in self._keepers:
                    discounts[invoice.number] = kept(invoice, due)
                billed_otherwise += due if invoice.currency != deal.currency else 0
        if not intended:
            return
        due_minor = sum(intended.values())
        if discounts:
            # Who reckons a discount sees to it that nothing else is missing.
            short, intended = None, {number: due - discounts.get(number, 0) for number, due in intended.items()}
        else:
            short = shortfall(company.settings, company.chance, customer.customer_id, run, intended)
        if short is not None:
            intended = less(intended, short.amount_minor)
        if billed_otherwise:
            # What the customer thought right, and what the rate has moved since; with whatever else is missing.
            missing = (
                0
                if short is None
                else company.rates.into_books(short.amount_minor, customer.currency, company.clock.now())
            )
            most = missing + int(billed_otherwise * 2 * NOT_QUITE)
            short = Shortfall("exchange difference", most, billed_otherwise, tuple(intended))
        total = sum(intended.values())
        text, end_to_end_id = self._remittance(customer, run, list(intended))
        try:
            entry = company.bank.credit(
                company.bank_accounts[customer.currency],
                total,
                end_to_end_id=end_to_end_id,
                remittance=tuple(text[i : i + 140] for i in range(0, len(text), 140)),
                counterparty=customer.name,
                counterparty_iban=customer.iban,
            )
        except RuleError as impossible:
            raise AssertionError(f"the bank refused {total} from {customer.customer_id}") from impossible
        value_at = int(datetime.fromisoformat(entry.value_on).replace(tzinfo=UTC).timestamp()) * 1_000_000
        if discounts:
            company.truth.discounts[entry.reference] = discounts
            invoices = [company.erp.state.invoices[company.erp.by_number[number]] for number in discounts]
            reason: Reason = "early payment" if all(is_earned(i, value_at) for i in invoices) else "unearned discount"
            short = Shortfall(reason, sum(discounts.values()), due_minor, tuple(intended))
        now, currency = company.clock.now(), customer.currency
        receipt = Receipt(entry.reference, customer.customer_id, now, value_at, currency, total, intended)
        company.truth.receipts[entry.reference] = receipt
        company.record.add(
            "receipts",
            (
                entry.reference,
                customer.customer_id,
                value_at,
                total,
                currency,
            ),
        )
        company.diary.note("customer", "payment sent", "receipt", entry.reference, None, amount_minor=total)
        if short is not None:
            company.truth.shortfalls[entry.reference] = short
            company.begin(clear_remainder(company, entry.reference, short))
        self.on_receipt(receipt)

    def _remittance(self, customer: Customer, run: int, numbers: list[str]) -> tuple[str, str | None]:
        """What a payment says it is for: its text, and its end-to-end reference."""
        chance, settings, payer = self._company.chance, self._company.settings, customer.customer_id
        if chance.uniform("payer.reference", payer, run) < settings.no_reference:
            return f"PAYMENT {customer.name.upper()}"[:140], None
        if settings.mangled_references and chance.uniform("payer.mangles", payer, run) < settings.mangled_references:
            return " ".join(mangled(n, chance.uniform("payer.mangled", payer, run, n)) for n in numbers), None
        return " ".join(numbers), numbers[0]


def _payment_day(day: int, weekday: int | None) -> int:
    """The day of the payment run nearest to ``day`` (days since the epoch): weekly, or any working day."""
    # 1970-01-01 was a Thursday: weekday() of day n is (n + 3) % 7.
    if weekday is not None:
        ahead = (weekday - (day + 3)) % 7
        return day + ahead if ahead <= 3 else day + ahead - 7
    at = (day + 3) % 7
    return day if at < 5 else day + 7 - at
