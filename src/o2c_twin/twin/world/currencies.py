"""Deals in another currency than the books': what the company enters for them, and what was really agreed.

People who enter an order, or settle a case, do it as the company's design does (the axis ``currencies``).
"""

from dataclasses import dataclass

from o2c_twin.mock_systems.roles.erp import SalesOrder
from o2c_twin.twin.world.company import Company
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.population import Customer

NOT_QUITE = 0.05
"""Up to which share a customer takes an amount in another currency for the rate's doing (a modelling assumption)."""

Lines = list[tuple[str, int, int]]
"""SKU, quantity, unit price in minor units."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A deal as the company enters it."""

    currency: str
    lines: Lines


def as_entered(company: Company, deal: Deal) -> Entered:
    """What the company's design makes of a deal's figures."""
    lines = [(line.sku, line.quantity, line.price_minor) for line in deal.lines]
    if company.currencies == "document" or deal.currency == company.settings.currency:
        return Entered(deal.currency, lines)
    if company.currencies == "converted":
        return Entered(company.settings.currency, _in_books(company, deal, lines))
    return Entered(company.settings.currency, lines)


def limit_of(company: Company, customer: Customer) -> tuple[str, int]:
    """Currency and credit limit of a customer master as the company's design enters it."""
    books, limit = company.settings.currency, customer.credit_limit_minor
    if company.currencies == "document":
        return customer.currency, limit
    if company.currencies == "converted":
        return books, company.rates.into_books(limit, customer.currency, company.clock.now())
    return books, limit


def lines_agreed(company: Company, deal: Deal, currency: str) -> Lines:
    """What was agreed, as an order in that currency must have it: in the books', at the rate of the day it was won."""
    lines = [(line.sku, line.quantity, line.price_minor) for line in deal.lines]
    return lines if currency == deal.currency else _in_books(company, deal, lines)


def lines_of(company: Company, order: SalesOrder) -> Lines:
    """An order's lines."""
    items = company.erp.state.items
    return [(items[line.item_id].sku, line.quantity, line.unit_price_minor) for line in order.lines]


def _in_books(company: Company, deal: Deal, lines: Lines) -> Lines:
    rates = company.rates
    return [(sku, n, rates.into_books(price, deal.currency, deal.won_at)) for sku, n, price in lines]
