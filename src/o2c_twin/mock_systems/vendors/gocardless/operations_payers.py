"""Operations on customers, their bank accounts and mandates."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.direct_debit import SCHEMES, Mandate
from o2c_twin.mock_systems.roles.direct_debit.records import Customer, PayerAccount
from o2c_twin.mock_systems.roles.direct_debit.schemes import iban_holds
from o2c_twin.mock_systems.vendors.gocardless import shapes
from o2c_twin.mock_systems.vendors.gocardless.fields import METADATA, Field, read, read_metadata
from o2c_twin.mock_systems.vendors.gocardless.listing import Page, answer
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect

_TEXT = Field("text")
_CUSTOMER = {
    **dict.fromkeys(shapes.CUSTOMER_FIELDS, _TEXT),
    "country_code": Field("text", longest=2),
    "metadata": METADATA,
}
_ACCOUNT = {
    "account_holder_name": Field("text", required=True),
    "account_number": Field("text", longest=34),
    "branch_code": Field("text", longest=12),
    "bank_code": Field("text", longest=12),
    "iban": Field("text", longest=42),
    "country_code": Field("text", longest=2),
    "currency": Field("currency"),
    "account_type": _TEXT,
    "metadata": METADATA,
    "links": Field("links", links=("customer",), needed=("customer",)),
}
_MANDATE = {
    "reference": Field("text", longest=35),
    "scheme": _TEXT,
    "payer_ip_address": _TEXT,
    "metadata": METADATA,
    "links": Field("links", links=("customer_bank_account", "creditor"), needed=("customer_bank_account",)),
}
ONLY_METADATA = {"metadata": METADATA}
_SORT_CODE, _ACCOUNT_NUMBER = 6, 8


def made(shape: dict[str, Any], envelope: str) -> Response:
    """201 with the new record and its address."""
    return json_response(201, {envelope: shape}, {"Location": f"/{envelope}/{shape['id']}"})


# --- customers -----------------------------------------------------------------------------------


def create_customer(gc: "GoCardlessDialect", call: Call) -> Response:
    """A customer: a company name, or a given and a family name."""
    values = read(gc.errors, "customers", call.body, _CUSTOMER)
    if values["company_name"] is None:
        missing = [name for name in ("given_name", "family_name") if values[name] is None]
        if missing:
            gc.errors.invalid("customers", [(name, "is required when company_name is not given") for name in missing])
    metadata = values.pop("metadata")
    return made(shapes.customer(gc.core.add_customer(values, metadata)), "customers")


def update_customer(gc: "GoCardlessDialect", call: Call) -> Response:
    """Fields that are sent are set, the others stay."""
    customer = gc.core.customer(call.params["id"])
    values = read(gc.errors, "customers", call.body, _CUSTOMER)
    sent = call.body["customers"]
    if "metadata" in sent:
        customer.metadata = values["metadata"]
    customer.details.update({name: values[name] for name in sent if name != "metadata"})
    return json_response(200, {"customers": shapes.customer(customer)})


def get_customer(gc: "GoCardlessDialect", call: Call) -> Response:
    """One customer."""
    return json_response(200, {"customers": shapes.customer(gc.core.customer(call.params["id"]))})


def list_customers(gc: "GoCardlessDialect", call: Call) -> Response:
    """Customers, newest first."""
    rows = list(gc.core.state.customers.values())
    return answer(gc, "customers", Page(gc, call, ()), rows, _id, _made_at, shapes.customer)


# --- bank accounts -------------------------------------------------------------------------------


def create_account(gc: "GoCardlessDialect", call: Call) -> Response:
    """A customer's bank account, by IBAN or by sort code and account number."""
    values = read(gc.errors, "customer_bank_accounts", call.body, _ACCOUNT)
    number, country = _account_number(gc, values)
    customer_id = values["links"]["customer"]
    if customer_id not in gc.core.state.customers:
        gc.errors.missing_link("customer")
    currency = values["currency"] or ("GBP" if country == "GB" else "EUR")
    account = gc.core.add_account(
        customer_id, values["account_holder_name"], number, country, currency, values["metadata"]
    )
    return made(shapes.account(account), "customer_bank_accounts")


def _account_number(gc: "GoCardlessDialect", values: dict[str, Any]) -> tuple[str, str]:
    """The account's number in one form whichever way it was given, and its country."""
    envelope = "customer_bank_accounts"
    if values["iban"] is not None:
        iban = "".join(values["iban"].split()).upper()
        if not iban_holds(iban):
            gc.errors.invalid(envelope, [("iban", "is invalid")])
        country = iban[:2]
        if values["country_code"] not in (None, country):
            gc.errors.invalid(envelope, [("country_code", "does not match the IBAN")])
        # A British IBAN ends in the sort code and the account number.
        return (iban[-_SORT_CODE - _ACCOUNT_NUMBER :] if country == "GB" else iban), country
    faults = [(name, "can't be blank") for name in ("account_number", "country_code") if values[name] is None]
    if faults:
        gc.errors.invalid(envelope, faults)
    number, branch = values["account_number"].replace(" ", ""), (values["branch_code"] or "").replace("-", "")
    country = values["country_code"].upper()
    if country == "GB":
        for name, text, digits in (("branch_code", branch, _SORT_CODE), ("account_number", number, _ACCOUNT_NUMBER)):
            if not (text.isascii() and text.isdigit()):
                faults.append((name, "must be a number"))
            elif len(text) != digits:
                faults.append((name, f"is the wrong length (should be {digits} characters)"))
        if faults:
            gc.errors.invalid(envelope, faults)
    return branch + (values["bank_code"] or "") + number, country


def get_account(gc: "GoCardlessDialect", call: Call) -> Response:
    """One bank account."""
    return json_response(200, {"customer_bank_accounts": shapes.account(gc.core.account(call.params["id"]))})


def list_accounts(gc: "GoCardlessDialect", call: Call) -> Response:
    """Bank accounts, by customer or by being enabled."""
    page = Page(gc, call, ("customer", "enabled"))
    customer, enabled = page.filters.get("customer"), page.filters.get("enabled")

    def keep(row: PayerAccount) -> bool:
        return (customer is None or row.customer_id == customer) and (
            enabled is None or row.enabled == (enabled == "true")
        )

    rows = list(gc.core.state.accounts.values())
    return answer(gc, "customer_bank_accounts", page, rows, _id, _made_at, shapes.account, keep)


def update_account(gc: "GoCardlessDialect", call: Call) -> Response:
    """Only its metadata."""
    account = gc.core.account(call.params["id"])
    account.metadata = read(gc.errors, "customer_bank_accounts", call.body, ONLY_METADATA)["metadata"]
    return json_response(200, {"customer_bank_accounts": shapes.account(account)})


def disable_account(gc: "GoCardlessDialect", call: Call) -> Response:
    """No more collecting from it: its mandates and their payments are cancelled."""
    read_metadata(gc.errors, call.body)
    return json_response(200, {"customer_bank_accounts": shapes.account(gc.core.disable_account(call.params["id"]))})


# --- mandates ------------------------------------------------------------------------------------


def create_mandate(gc: "GoCardlessDialect", call: Call) -> Response:
    """A mandate on a bank account; the scheme follows from the account."""
    values = read(gc.errors, "mandates", call.body, _MANDATE)
    links = values["links"]
    if links["customer_bank_account"] not in gc.core.state.accounts:
        gc.errors.missing_link("customer_bank_account")
    if links.get("creditor") not in (None, gc.core.creditor.id):
        gc.errors.missing_link("creditor")
    mandate = gc.core.add_mandate(
        links["customer_bank_account"], values["scheme"], values["reference"], values["metadata"]
    )
    return made(shapes.mandate(gc.core, mandate, call.now), "mandates")


def _shown(gc: "GoCardlessDialect", call: Call, mandate: Mandate) -> Response:
    return json_response(200, {"mandates": shapes.mandate(gc.core, mandate, call.now)})


def get_mandate(gc: "GoCardlessDialect", call: Call) -> Response:
    """One mandate."""
    return _shown(gc, call, gc.core.mandate(call.params["id"]))


def list_mandates(gc: "GoCardlessDialect", call: Call) -> Response:
    """Mandates; statuses and schemes may be several, with commas between them."""
    core = gc.core
    names = ("customer", "customer_bank_account", "creditor", "reference", "scheme", "status", "mandate_type")
    page = Page(gc, call, names)
    wanted = page.filters
    statuses, schemes = _several(wanted.get("status")), _several(wanted.get("scheme"))
    unknown = [scheme for scheme in schemes or () if scheme not in SCHEMES]
    if unknown:
        gc.errors.invalid("", [("scheme", f"must be one of {', '.join(SCHEMES)}")])

    def keep(row: Mandate) -> bool:
        return (
            (statuses is None or row.status in statuses)
            and (schemes is None or row.scheme in schemes)
            and wanted.get("customer_bank_account") in (None, row.account_id)
            and wanted.get("reference") in (None, row.reference)
            and wanted.get("creditor") in (None, core.creditor.id)
        )

    customer = wanted.get("customer")
    table = core.state.mandates
    rows = list(table.values()) if customer is None else [table[id_] for id_ in core.mandates_of.get(customer, ())]
    return answer(gc, "mandates", page, rows, _id, _made_at, lambda row: shapes.mandate(core, row, call.now), keep)


def update_mandate(gc: "GoCardlessDialect", call: Call) -> Response:
    """Only its metadata."""
    mandate = gc.core.mandate(call.params["id"])
    mandate.metadata = read(gc.errors, "mandates", call.body, ONLY_METADATA)["metadata"]
    return _shown(gc, call, mandate)


def act_on_mandate(act: str) -> Callable[["GoCardlessDialect", Call], Response]:
    """The handler of cancel or reinstate."""

    def handler(gc: "GoCardlessDialect", call: Call) -> Response:
        gc.core.mandate(call.params["id"])
        metadata = read_metadata(gc.errors, call.body)
        acting = gc.core.cancel_mandate if act == "cancel" else gc.core.reinstate_mandate
        return _shown(gc, call, acting(call.params["id"], metadata))

    return handler


def _several(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _id(row: Customer | PayerAccount | Mandate) -> str:
    return row.id


def _made_at(row: Customer | PayerAccount | Mandate) -> int:
    return row.created_at
