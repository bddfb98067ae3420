"""What is done with one record, whichever call asks: create, change, delete, find by key, upsert.

Every rule the core knows is the core's; here is only what this vendor does otherwise.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.intake import Intake, Shapes, take_in
from o2c_twin.mock_systems.vendors.salesforce.org import UNPRICED, Org
from o2c_twin.mock_systems.vendors.salesforce.shapes import Shape, is_won

Body = Mapping[str, Any]


class Rows:
    """The records of one org as the API's calls act on them."""

    def __init__(self, org: Org, shapes: Shapes) -> None:
        self.org = org
        self.shapes = shapes

    def create(self, shape: Shape, body: Body) -> str:
        """Create a record; gives its id. Raises `ApiError`."""
        if "create" not in shape.sobject.actions:
            raise errors.not_supported(shape.name, "POST")
        taken = take_in(self.org, self.shapes, shape, body, creating=True)
        make = _MAKERS.get(shape.name, _make)
        try:
            record = make(self.org, shape, taken)
        except RuleError as broken:
            raise _translated(shape, broken) from None
        self.org.trace(record, created=True)
        return shape.id_of(record)

    def update(self, shape: Shape, row: Any, body: Body) -> None:
        """Change a record. Raises `ApiError`."""
        if "update" not in shape.sobject.actions:
            raise errors.not_supported(shape.name, "PATCH")
        taken = take_in(self.org, self.shapes, shape, body, creating=False)
        change = _CHANGERS.get(shape.name, _keep_derived)
        change(self.org, row, taken)
        try:
            record = self.org.core.update(shape.kind, row.id, taken.core, taken.custom)
        except RuleError as broken:
            raise _translated(shape, broken) from None
        self.org.trace(record)

    def delete(self, shape: Shape, row: Any) -> None:
        """Delete a record with what the vendor deletes with it. Raises `ApiError`."""
        if "delete" not in shape.sobject.actions:
            raise errors.not_supported(shape.name, "DELETE")
        with self.org.core.whole():
            _REMOVERS.get(shape.name, _remove)(self.org, shape, row)

    def by_key(self, shape: Shape, field: str, value: str) -> list[Any]:
        """All records whose external id (or ``Id``) has this value. Raises `ApiError` when it is none."""
        each = shape.field(field)
        if each is not None and each.field.kind == "id":
            return [self.org.row(shape.sobject, value)]
        if each is None or not each.field.key:
            raise errors.no_key_field(field)
        return self.org.core.find(shape.kind, each.field.name, value)

    def upsert(self, shape: Shape, field: str, value: str, body: Body, update_only: bool = False) -> tuple[Any, bool]:
        """Change the record with this key, or create it; gives its id and whether it is new.

        Several matches give the list of their ids. Raises `ApiError`.
        """
        found = self.by_key(shape, field, value)
        if len(found) > 1:
            return [shape.id_of(row) for row in found], False
        if found:
            self.update(shape, found[0], body)
            return shape.id_of(found[0]), False
        if update_only:
            raise errors.not_found()
        each = shape.field(field)
        assert each is not None  # `by_key` knew it
        return self.create(shape, {**body, each.field.name: value}), True


def _translated(shape: Shape, broken: RuleError) -> errors.ApiError:
    name = shape.named.get(broken.field or "", broken.field or "")
    match broken.code:
        case "required":
            return errors.required(tuple(shape.named.get(f, f) for f in broken.message.split(", ")))
        case "bad-picklist":
            return errors.bad_picklist(shape.fields[name].field.label, name, broken.message)
        case "bad-reference":
            return errors.bad_reference(name)
        case "duplicate":
            return errors.duplicate(name, broken.message)
        case "deleted":
            return errors.deleted()
        case "not-found":
            return errors.not_found()
        case _:
            return errors.broken_rule(broken.message, (name,) if name else ())


def _make(org: Org, shape: Shape, taken: Intake) -> Any:
    _keep_derived(org, None, taken)
    return org.core.create(shape.kind, taken.core, taken.custom)


def _keep_derived(org: Org, row: Any, taken: Intake) -> None:
    """Derived fields a client may set are kept as own values; `shapes` reads them from there."""
    taken.custom.update(taken.derived)


def _make_in_currency(org: Org, shape: Shape, taken: Intake) -> Any:
    taken.core["currency"] = taken.core.get("currency") or org.config.currency
    return _make(org, shape, taken)


def _make_product(org: Org, shape: Shape, taken: Intake) -> Any:
    # An unset checkbox is false, for this vendor and this field too.
    taken.core.setdefault("active", False)
    taken.core["code"] = taken.derived.get("ProductCode") or ""
    # A product made through the API has no price until somebody makes its price book entry.
    return org.core.create("product", taken.core, {**taken.custom, UNPRICED: True})


def _change_product(org: Org, row: Any, taken: Intake) -> None:
    if "ProductCode" in taken.derived:
        taken.core["code"] = taken.derived["ProductCode"] or ""


def _make_entry(org: Org, shape: Shape, taken: Intake) -> Any:
    product = org.core.get("product", taken.derived["Product2Id"])
    if org.priced(product):
        message = "This price definition already exists in this price book"
        raise errors.ApiError(400, "DUPLICATE_VALUE", message, ())
    own = {UNPRICED: False, "PricebookEntry.IsActive": taken.derived.get("IsActive", False)}
    return org.core.update("product", product.id, {"price_minor": taken.core["price_minor"]}, own)


def _change_entry(org: Org, row: Any, taken: Intake) -> None:
    if "IsActive" in taken.derived:
        taken.custom["PricebookEntry.IsActive"] = taken.derived["IsActive"]


def _change_opportunity(org: Org, row: Any, taken: Intake) -> None:
    if row.lines:
        # The vendor takes no offence at an amount for a deal with products, and ignores it.
        taken.core.pop("amount_minor", None)
    if "stage" in taken.core and "Probability" not in taken.derived:
        taken.derived["Probability"] = None
    _keep_derived(org, row, taken)


def _line_quantity(taken: Intake) -> None:
    quantity = taken.core.get("quantity")
    if quantity is not None and (not isinstance(quantity, int) or quantity <= 0):
        raise errors.broken_rule("Quantity must be a whole number above zero", ("Quantity",))


def _line_price(taken: Intake, quantity: int) -> None:
    total = taken.derived.get("TotalPrice")
    if total is None:
        return
    if taken.core.get("unit_price_minor") is not None:
        message = "specify either UnitPrice or TotalPrice, not both"
        raise errors.ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, ("UnitPrice", "TotalPrice"))
    taken.core["unit_price_minor"] = int((Decimal(total) / quantity).to_integral_value())


def _make_line(org: Org, shape: Shape, taken: Intake) -> Any:
    product = org.core.find("product", "price_id", taken.derived["PricebookEntryId"])[0]
    taken.core["product_id"] = product.id
    _line_quantity(taken)
    _line_price(taken, taken.core["quantity"])
    if taken.core.get("unit_price_minor") is None:
        taken.core["unit_price_minor"] = product.price_minor
    return org.core.create("line", taken.core, taken.custom)


def _change_line(org: Org, row: Any, taken: Intake) -> None:
    _line_quantity(taken)
    _line_price(taken, taken.core.get("quantity", row.quantity))
    if taken.core.get("unit_price_minor", 0) is None:
        del taken.core["unit_price_minor"]


def _remove(org: Org, shape: Shape, row: Any) -> None:
    org.core.delete(shape.kind, row.id)


def _remove_account(org: Org, shape: Shape, row: Any) -> None:
    """With its contacts and opportunities; a won deal holds it. Source: Salesforce Help, "Delete Accounts"."""
    deals = org.core.find("opportunity", "account_id", row.id)
    if any(map(is_won, deals)):
        message = (
            f"Your attempt to delete {row.name} could not be completed because it is associated with the following "
            f"closed won opportunities.: {', '.join(deal.name for deal in deals if is_won(deal))}"
        )
        raise errors.ApiError(400, "DELETE_FAILED", message, ())
    for deal in deals:
        org.core.delete("opportunity", deal.id)
    for contact in org.core.find("contact", "account_id", row.id):
        org.core.delete("contact", contact.id)
    for child in org.core.find("account", "parent_id", row.id):
        org.core.update("account", child.id, {"parent_id": None})
    org.core.delete("account", row.id)


def _remove_product(org: Org, shape: Shape, row: Any) -> None:
    lines = org.core.find("line", "product_id", row.id)
    if lines:
        message = (
            f"Your attempt to delete {row.name} could not be completed because some opportunities use it: "
            f"{', '.join(dict.fromkeys(line.opportunity_id for line in lines))}"
        )
        raise errors.ApiError(400, "DELETE_FAILED", message, ())
    org.core.delete("product", row.id)


def _remove_entry(org: Org, shape: Shape, row: Any) -> None:
    if org.core.find("line", "product_id", row.id):
        raise errors.ApiError(400, "DELETE_FAILED", "the price book entry is used by opportunity products", ())
    org.core.update("product", row.id, {}, {UNPRICED: True})


_MAKERS: dict[str, Callable[[Org, Shape, Intake], Any]] = {
    "Account": _make_in_currency,
    "Opportunity": _make_in_currency,
    "Product2": _make_product,
    "PricebookEntry": _make_entry,
    "OpportunityLineItem": _make_line,
}
_CHANGERS: dict[str, Callable[[Org, Any, Intake], None]] = {
    "Product2": _change_product,
    "PricebookEntry": _change_entry,
    "Opportunity": _change_opportunity,
    "OpportunityLineItem": _change_line,
}
_REMOVERS: dict[str, Callable[[Org, Shape, Any], None]] = {
    "Account": _remove_account,
    "Product2": _remove_product,
    "PricebookEntry": _remove_entry,
}
