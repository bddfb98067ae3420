"""Sales: a deal is won, and sales says so in the CRM."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from o2c_twin.twin.world.company import Company, Process
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.population import Item

# Terms sales has on offer, and by how much it raises a limit; up to a multiple of what the customer came with
# (modelling assumptions).
_OFFERS = (30, 45, 60, 90)
_RAISE, _MOST = Decimal("1.25"), 3


class Sales:
    """The sales people and what they type into the CRM."""

    def __init__(self, company: Company, goods: tuple[Item, ...]) -> None:
        self._company = company
        self._accounts: dict[tuple[str, int], str] = {}
        self.on_won: Callable[[Deal], None] = lambda deal: None
        """Who is told of a win besides the CRM: order entry, where nothing is integrated; or the button's engine."""
        self._products = {
            item.sku: company.crm.create(
                "product", {"code": item.sku, "name": item.name, "price_minor": item.price_minor}
            ).id
            for item in goods
        }

    def _account(self, deal: Deal, alias: int) -> str:
        customer = deal.customer
        known = self._accounts.get((customer.customer_id, alias))
        if known is not None:
            self._sweeten(known, deal)
            return known
        company = self._company
        name = customer.name if alias == 0 else customer.aliases[alias - 1]
        custom = {
            company.fields.customer_number: customer.number,
            company.fields.terms_days: customer.terms_days,
            company.fields.credit_limit: customer.credit_limit_minor // 100,
        }
        if customer.entity is not None:
            custom[company.fields.entity] = customer.entity
        known_of = {"name": name, "city": customer.city, "currency": customer.currency}
        account = company.crm.create("account", known_of, custom)
        self._accounts[customer.customer_id, alias] = account.id
        company.truth.accounts[account.id] = customer.customer_id
        company.diary.note("sales", "account entered", "customer", customer.customer_id, None, name=name)
        return str(account.id)

    def _sweeten(self, account_id: str, deal: Deal) -> None:
        """To win a deal, sales writes better terms and a higher limit on the account than it reads there."""
        company, fields = self._company, self._company.fields
        generous = company.settings.generous_sales
        if not generous or company.chance.uniform("sales.generous", deal.deal_id) >= generous:
            return
        custom = company.crm.state.accounts[account_id].custom
        terms, limit = _read(custom.get(fields.terms_days)), _read(custom.get(fields.credit_limit))
        most = deal.customer.credit_limit_minor // 100 * _MOST
        better = {
            fields.terms_days: next((days for days in _OFFERS if days > terms), int(terms)),
            fields.credit_limit: min(int(limit * _RAISE), max(most, int(limit))),
        }
        company.crm.update("account", account_id, {}, better)
        company.diary.note("sales", "terms improved", "customer", deal.customer.customer_id, deal.deal_id)

    def _alias(self, deal: Deal) -> int:
        # Sales finds the account, or enters the customer again under the name on the order.
        chance = self._company.chance
        if chance.uniform("sales.duplicate", deal.deal_id) >= self._company.settings.duplicate_accounts:
            return 0
        return chance.integer(1, len(deal.customer.aliases), "sales.alias", deal.deal_id)

    def win(self, deals: list[Deal]) -> Process:
        """Win the deals of the run, one after the other."""
        company = self._company
        crm, fields = company.crm, company.fields
        for deal in deals:
            yield company.until(deal.won_at)
            account = self._account(deal, self._alias(deal))
            day = datetime.fromtimestamp(deal.won_at // 1_000_000, UTC).date().isoformat()
            opportunity = crm.create(
                "opportunity",
                {
                    "name": f"{deal.deal_id} {deal.customer.name}",
                    "stage": "Negotiation/Review",
                    "close_date": day,
                    "account_id": account,
                    "currency": deal.currency,
                },
                {fields.po_number: deal.po_number, fields.deal_ref: deal.deal_id},
            )
            company.truth.won(deal, opportunity.id)
            for line in deal.lines:
                crm.create(
                    "line",
                    {
                        "opportunity_id": opportunity.id,
                        "product_id": self._products[line.sku],
                        "quantity": line.quantity,
                        "unit_price_minor": line.price_minor,
                    },
                )
            crm.update("opportunity", opportunity.id, {"stage": "Closed Won"})
            company.record.add(
                "deals",
                (
                    deal.deal_id,
                    deal.customer.customer_id,
                    deal.won_at,
                    deal.amount_minor,
                    deal.currency,
                    len(deal.lines),
                ),
            )
            company.diary.note("sales", "deal won", "deal", deal.deal_id, deal.deal_id, amount_minor=deal.amount_minor)
            self.on_won(deal)


def _read(value: object) -> Decimal:
    """A number as the CRM shows it, whoever wrote it there."""
    return Decimal(str(value or 0))
