"""The business: everybody put in place and set to work."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.run_record import RunRecordWriter
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import Estate
from o2c_twin.twin.time import TwinClock, TwinEnvironment
from o2c_twin.twin.trace import Trace
from o2c_twin.twin.world import demand, population
from o2c_twin.twin.world.billing_desk import BillingDesk
from o2c_twin.twin.world.button import Button
from o2c_twin.twin.world.buyers import Buyers
from o2c_twin.twin.world.cash_desk import CashDesk
from o2c_twin.twin.world.company import YARD, Company
from o2c_twin.twin.world.credit_desk import CreditDesk
from o2c_twin.twin.world.credit_reviews import CreditReviews
from o2c_twin.twin.world.early_payers import early_payment
from o2c_twin.twin.world.office import Office
from o2c_twin.twin.world.rates import Market
from o2c_twin.twin.world.sales import Sales
from o2c_twin.twin.world.settings import WorldSettings
from o2c_twin.twin.world.warehouse import Warehouse

_DAY = 86_400_000_000
_WORKING_SHARE = 5 / 7


class Business:
    """One company, its customers and its bank, ready to begin.

    ``design`` says what clerks still do where systems are integrated; None: nothing but settle cases.
    """

    def __init__(
        self,
        settings: WorldSettings,
        env: TwinEnvironment,
        clock: TwinClock,
        chance: Chance,
        estate: Estate,
        record: RunRecordWriter,
        trace: Trace,
        integrated: bool,
        rates: Market,
        design: DesignProfile | None = None,
    ) -> None:
        company = self.company = Company(
            env,
            clock,
            chance,
            settings,
            estate.crm,
            estate.erp,
            estate.bank,
            estate.crm_fields,
            estate.erp_stand.names,
            estate.bank_accounts,
            record,
            trace,
            integrated,
            rates,
            design.currencies if integrated and design is not None else "document",
            estate.payments_stand if integrated else None,
        )
        if settings.foreign:
            estate.erp.exchange = _rates_for(company)
        estate.erp.early_payment = early_payment(settings)
        start = clock.now()
        company.end_us = start + (settings.days + settings.drain_days) * _DAY
        goods = population.items(settings, chance)
        buyers = population.customers(settings, chance, rates, start)
        self._deals = demand.deals(settings, chance, start, buyers, goods, rates)
        self._hire(company)
        self._warehouse = Warehouse(company, goods)
        self._sales = Sales(company, goods)
        self._warehouse.stopped.append(CreditDesk(company).called)
        if settings.credit_review_days:
            CreditReviews(company, buyers)
        if not integrated:
            self._sales.on_won = Office(company).deal_won
        elif design is not None:
            if design.invoice_trigger == "manual":
                BillingDesk(company)
            if design.topology == "native-connector":
                CashDesk(company)
        customers = Buyers(company)
        if integrated and estate.payments_stand is not None:
            estate.payments_stand.on_paid(customers.received_by_provider)
            estate.payments_stand.on_payout(self._paid_out)
        for buyer in buyers:
            record.add(
                "customers",
                (
                    buyer.customer_id,
                    buyer.name,
                    buyer.payer_class,
                    buyer.terms_days,
                    buyer.credit_limit_minor,
                    buyer.currency,
                    buyer.entity,
                ),
            )

    @staticmethod
    def _hire(company: Company) -> None:
        settings = company.settings
        daily = settings.orders / settings.days / _WORKING_SHARE
        entry = settings.minutes_order + 2 * settings.minutes_status
        company.staff("order_entry", daily, entry)
        company.staff("billing", daily * 1.1, settings.minutes_invoice)
        company.staff("receivables", daily, settings.minutes_receipt)
        company.staff("credit", daily * 0.1, settings.minutes_credit)
        company.staff("support", daily * 0.05, settings.minutes_dispute)
        company.staff("warehouse", daily * 1.1, settings.minutes_pick, YARD)

    def give_button(self, engine: Engine) -> None:
        """Let sales press a button for each deal won, and wait for the engine."""
        self._sales.on_won = Button(self.company, engine).won

    def begin(self) -> None:
        """Open the doors."""
        company = self.company
        company.begin(self._sales.win(self._deals))
        company.begin(company.each_day(6.0, self._warehouse.replenish))
        company.begin(company.each_day(20.0, self._close_bank_day))

    def _paid_out(self, amount_minor: int, reference: str) -> None:
        """A payment provider sends a sum to the company's account."""
        company = self.company
        company.bank.credit(
            company.bank_account_id,
            amount_minor,
            end_to_end_id=reference,
            remittance=(reference,),
            counterparty="PAYMENT PROVIDER",
            counterparty_iban=None,
        )
        company.truth.payouts[reference] = amount_minor

    def _close_bank_day(self, midnight: int) -> None:
        self.company.bank.close_day(datetime.fromtimestamp(midnight // 1_000_000, UTC).date())


def _rates_for(company: Company) -> Callable[[str, int], Decimal | None]:
    """The rates as the company's ERP gets them each day; none for the currency of its books."""
    rates = company.rates
    return lambda currency, at: None if currency == rates.books else rates.rate(currency, at)
