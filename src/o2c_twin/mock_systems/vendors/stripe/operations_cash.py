"""Customers' cash: what their transfers brought and nothing has used yet, and where they send them."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Amount, Params
from o2c_twin.mock_systems.vendors.stripe.paging import ListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

_CASH = "API reference: cash balance; docs: bank transfers"


class CashSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How transfers are matched."""

    reconciliation_mode: Literal["automatic", "manual", "merchant_default"]


class FundingParams(Params, kw_only=True):
    """What the instructions are for."""

    currency: str
    funding_type: Literal["bank_transfer"]
    bank_transfer: dict[str, Any]


def cash_balance(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A customer's cash."""
    return stripe.shapes.cash_balance(stripe.core.cash.customer(asked.id))


class CashUpdateParams(Params, kw_only=True):
    """How a customer's transfers are matched."""

    settings: CashSettings | None = None


def cash_update(stripe: "StripeDialect", asked: Asked, params: CashUpdateParams) -> Shape:
    """Match transfers by themselves or by hand."""
    customer = stripe.core.cash.customer(asked.id)
    if params.settings is not None:
        mode = params.settings.reconciliation_mode
        customer.reconciling = "default" if mode == "merchant_default" else mode
        for currency in list(customer.cash):
            stripe.core.cash.reconcile(customer.id, currency)
    return stripe.shapes.cash_balance(customer)


def cash_entries(stripe: "StripeDialect", asked: Asked, params: ListParams) -> Shape:
    """What moved a customer's cash."""
    customer = stripe.core.cash.customer(asked.id)
    rows = (entry for entry in newest(stripe.core.state.cash_entries) if entry.customer_id == customer.id)
    url = f"/v1/customers/{customer.id}/cash_balance_transactions"
    kind, show = "customer_cash_balance_transaction", stripe.shapes.cash_entry
    return page(rows, params, url, kind, lambda e: e.id, lambda e: show(e, asked.version))


def cash_entry(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """One movement of a customer's cash."""
    entry = stripe.core.state.cash_entries.get(asked.params["transaction"])
    if entry is None or entry.customer_id != asked.id:
        errors.no_such("customer_cash_balance_transaction", asked.params["transaction"], "id", in_path=True)
    return stripe.shapes.cash_entry(entry, asked.version)


def funding_instructions(stripe: "StripeDialect", asked: Asked, params: FundingParams) -> Shape:
    """Where a customer sends transfers: always the same account."""
    return stripe.shapes.funding_instructions(stripe.core.cash.customer(asked.id).account, params.currency.lower())


class FundParams(Params, kw_only=True):
    """A transfer of the sandbox."""

    amount: Amount
    currency: str
    reference: str | None = None


def fund(stripe: "StripeDialect", asked: Asked, params: FundParams) -> Shape:
    """Sandbox: a transfer of the customer arrives."""
    if stripe.config.livemode:
        raise RuleError("test-only", "this is possible in test mode only")
    entry = stripe.core.cash.receive(asked.id, params.amount, params.currency.lower(), params.reference, None)
    return stripe.shapes.cash_entry(entry, asked.version)


ROUTES = (
    operation("cash_balance.retrieve", "GET", "/v1/customers/{id}/cash_balance", cash_balance, "A customer's cash",
              source=_CASH),
    operation("cash_balance.update", "POST", "/v1/customers/{id}/cash_balance", cash_update,
              "How a customer's transfers are matched", CashUpdateParams, _CASH),
    operation("cash_balance_transactions.list", "GET", "/v1/customers/{id}/cash_balance_transactions", cash_entries,
              "Movements of a customer's cash", ListParams, _CASH),
    operation("cash_balance_transactions.retrieve", "GET",
              "/v1/customers/{id}/cash_balance_transactions/{transaction}", cash_entry, "One movement", source=_CASH),
    operation("funding_instructions.create", "POST", "/v1/customers/{id}/funding_instructions", funding_instructions,
              "Where a customer sends transfers", FundingParams, _CASH),
    operation("test_helpers.fund_cash_balance", "POST", "/v1/test_helpers/customers/{id}/fund_cash_balance", fund,
              "Sandbox: a transfer arrives", FundParams, _CASH),
)  # fmt: skip
