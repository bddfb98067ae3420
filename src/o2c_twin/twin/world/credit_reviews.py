"""Credit reviews: what a customer is granted is looked at in the ERP, when it is new and then again and again."""

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.twin.world.company import Company, Process
from o2c_twin.twin.world.credit_desk import next_list
from o2c_twin.twin.world.population import Customer
from o2c_twin.twin.world.truth import Agreement

_DAY = 86_400_000_000
_STEP_MINOR = 50_000
# What the first look at a customer's record of payment takes: the share of the limit that stays, and the longest terms
# (modelling assumptions).
_CUT: dict[str, tuple[float, int]] = {"prompt": (1.0, 60), "slow": (0.75, 30), "chronic": (0.5, 14)}


def granted(customer: Customer, looks: int) -> Agreement:
    """What credit agrees to: what the customer came with, and from the second of ``looks`` on what its payments say."""
    if looks < 2:
        return Agreement(customer.terms_days, customer.credit_limit_minor)
    share, longest = _CUT[customer.payer_class]
    limit = round(customer.credit_limit_minor * share / _STEP_MINOR) * _STEP_MINOR
    return Agreement(min(customer.terms_days, longest), max(limit, _STEP_MINOR))


class CreditReviews:
    """Credit controllers who set terms and limits in the ERP, whatever stands there."""

    def __init__(self, company: Company, buyers: tuple[Customer, ...]) -> None:
        self._company = company
        self._looks: dict[str, int] = {}
        self._until = company.clock.now() + company.settings.days * _DAY
        for buyer in buyers:
            company.truth.agreed[buyer.customer_id] = granted(buyer, 0)
        company.erp.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        if change.kind == "customer" and change.what == "created":
            self._company.begin(self._reviews(change.id))

    def _reviews(self, erp_id: str) -> Process:
        company = self._company
        yield company.until(next_list(company.clock.now()))
        while company.clock.now() < self._until:
            customer = company.buyer_of(erp_id)
            if customer is not None:
                yield from self._review(erp_id, customer)
            yield company.until(next_list(company.clock.now() + round(company.settings.credit_review_days * _DAY)))

    def _review(self, erp_id: str, customer: Customer) -> Process:
        company = self._company
        number = company.erp.state.customers[erp_id].number
        yield from company.desk("credit").work("terms review", number, company.settings.minutes_credit)
        looks = self._looks[erp_id] = self._looks.get(erp_id, 0) + 1
        agreed = company.truth.agreed[customer.customer_id] = granted(customer, looks)
        master = company.erp.state.customers[erp_id]
        if (master.terms_days, master.credit_limit_minor) != (agreed.terms_days, agreed.credit_limit_minor):
            company.erp.update_customer(
                erp_id, terms_days=agreed.terms_days, credit_limit_minor=agreed.credit_limit_minor
            )
            company.diary.note(
                "credit", "terms set", "customer", customer.customer_id, None, terms_days=agreed.terms_days
            )
