"""Writes records: properties as calls give them, checked whole, into the core's fields."""

from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.links import Links
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal
from o2c_twin.mock_systems.vendors.hubspot.records import WRITTEN, Shape, normal
from o2c_twin.mock_systems.vendors.hubspot.schema import CORE_STAGE, PAIRS, Property
from o2c_twin.mock_systems.vendors.hubspot.values import as_text, minor_units, read_number

Json = dict[str, Any]
_MOST_TEXT = 65_536
_BLANK: dict[str, dict[str, Any]] = {
    "account": {"name": ""},
    "contact": {"last_name": ""},
    "opportunity": {"name": "", "close_date": ""},
    "product": {"code": "", "name": ""},
    "line": {"opportunity_id": "", "product_id": "", "quantity": 0, "unit_price_minor": 0},
}
"""What the core wants to hear of a new record, where nothing is said."""
_NEVER_NONE = ("name", "last_name", "code", "close_date", "product_id")
_CODES = {
    "number": ("INVALID_DOUBLE", "was not a valid number."),
    "datetime": ("INVALID_LONG", "was not a valid long."),
    "date": ("INVALID_DATE", "was not a valid date."),
    "bool": ("INVALID_BOOLEAN", "was not a valid boolean."),
}


class AssociationSpec(msgspec.Struct, frozen=True):
    """One type of an association: ids as `PAIRS` has them."""

    associationTypeId: int
    associationCategory: str = "HUBSPOT_DEFINED"


class ObjectId(msgspec.Struct, frozen=True):
    """A record a call refers to; numbers are taken as well as text."""

    id: str | int


class NewAssociation(msgspec.Struct, frozen=True):
    """An association a record is made with."""

    to: ObjectId
    types: tuple[AssociationSpec, ...]


class Intake:
    """Creates, changes and archives records. Every method raises `ApiError` and then has changed nothing,
    when it is called inside ``core.whole()``."""

    def __init__(self, portal: Portal, links: Links) -> None:
        self._portal = portal
        self._links = links
        self._digits = portal.config.currency_digits

    def create(self, shape: Shape, properties: Json, associations: tuple[NewAssociation, ...] = ()) -> Any:
        """A new record with its associations."""
        values, custom = self._read(shape, properties, None)
        blank = _BLANK[shape.kind]
        if shape.kind == "opportunity" and "stage" not in values:
            raise _missing("dealstage", shape)
        if shape.kind == "opportunity":
            values.setdefault("currency", self._portal.config.currency)
        if shape.kind == "contact" and not any(properties.get(n) for n in ("email", "firstname", "lastname")):
            # Contacts need one of three (documented in the object's guide).
            raise _missing("email, firstname, lastname", shape)
        if shape.kind == "line":
            self._from_product(values, custom)
        if shape.kind in ("product", "line"):
            field = "price_minor" if shape.kind == "product" else "unit_price_minor"
            if field not in values:
                custom.setdefault(f"{WRITTEN}price", "")
        self._check_keys(shape, values, custom, None)
        row = self._portal.core.create(shape.kind, {**blank, **values}, custom)
        for association in associations:
            self.associate(shape, row, association)
        return row

    def update(self, shape: Shape, row: Any, properties: Json) -> Any:
        """Change a record."""
        values, custom = self._read(shape, properties, row)
        if not values and not custom:
            return row
        self._check_keys(shape, values, custom, row.id)
        try:
            return self._portal.core.update(shape.kind, row.id, values, custom)
        except RuleError as broken:
            # The amount of a deal with line items is theirs, in a portal that is set so.
            problem = errors.invalid_value("amount", "READ_ONLY_VALUE", broken.message, self._portal.config.portal_id)
            raise errors.invalid_values([problem]) from None

    def archive(self, shape: Shape, id_: str) -> None:
        """Archive a record; one that is not there is no error."""
        if id_ in self._portal.core.tables[shape.kind]:
            self._portal.core.delete(shape.kind, id_)

    def associate(self, shape: Shape, row: Any, wanted: NewAssociation) -> None:
        """Make one association of a new record: the type ids say to what."""
        for spec in wanted.types:
            pair = next(
                (p for p in PAIRS.values() if p.source == shape.type.name and spec.associationTypeId in p.types(True)),
                None,
            )
            if pair is None or spec.associationCategory != "HUBSPOT_DEFINED":
                raise errors.bad_request(
                    f"One or more association types not valid: {spec.associationCategory} {spec.associationTypeId}"
                )
            id_ = str(wanted.to.id)
            other = self._portal.find(self._portal.shapes[pair.target], id_)
            if other is None:
                raise errors.ApiError(
                    404, errors.NOT_FOUND, f"No {pair.target} with id {id_} exists", {"objectIds": [id_]}
                )
            self._links.put(pair, row, other, spec.associationTypeId == pair.primary)

    # --- properties ------------------------------------------------------------------------------

    def _read(self, shape: Shape, properties: Json, row: Any) -> tuple[Json, Json]:
        values: Json = {}
        custom: Json = {}
        problems: list[Json] = []
        for name, given in properties.items():
            problem = self._take(shape, name, given, values, custom)
            if problem is not None:
                problems.append(problem)
        if problems:
            raise errors.invalid_values(problems)
        return values, custom

    def _take(self, shape: Shape, name: str, given: Any, values: Json, custom: Json) -> Json | None:
        """Read one property into ``values`` or ``custom``; what is wrong with it, if anything."""
        portal_id = self._portal.config.portal_id
        found = shape.properties.get(name)
        if found is None:
            return errors.invalid_value(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist', portal_id)
        if found.read_only:
            message = f'"{name}" is a read only property; its value cannot be set.'
            return errors.invalid_value(name, "READ_ONLY_VALUE", message, portal_id)
        text = "" if given is None else as_text(given)
        if text is None or len(text) > _MOST_TEXT:
            return errors.invalid_value(name, "INVALID_VALUE", f'"{name}" must be one text of at most 65536', portal_id)
        if text.strip() == "":
            return self._clear(found, values, custom)
        kept = normal(found, text)
        if kept is None:
            return _unfit(found, text, portal_id)
        if found.source == "own":
            custom[name] = kept
            return None
        return self._into_core(shape, found, kept, values, custom)

    def _clear(self, found: Property, values: Json, custom: Json) -> Json | None:
        if found.source == "own":
            custom[found.name] = None
        elif found.attribute == "stage":
            return errors.invalid_value(
                found.name, "INVALID_OPTION", f"{found.name} must have a value", self._portal.config.portal_id
            )
        elif found.attribute in ("quantity", "unit_price_minor", "price_minor"):
            values[found.attribute] = 0
            custom[WRITTEN + found.name] = ""
        elif found.attribute == "currency":
            values["currency"] = self._portal.config.currency
        else:
            values[found.attribute] = "" if found.attribute in _NEVER_NONE else None
        return None

    def _into_core(self, shape: Shape, found: Property, kept: str, values: Json, custom: Json) -> Json | None:
        portal_id = self._portal.config.portal_id
        match found.attribute:
            case "stage":
                values["stage"] = CORE_STAGE[kept]
            case "amount_minor" | "price_minor" | "unit_price_minor":
                number = read_number(kept)
                assert number is not None  # `normal` has read it
                values[found.attribute] = minor_units(number, self._digits)
                custom[WRITTEN + found.name] = kept
            case "quantity":
                number = read_number(kept)
                assert number is not None
                # The core sells whole units; a part of one is kept as it was written.
                values["quantity"] = int(number)
                custom[WRITTEN + found.name] = kept
            case "close_date":
                values["close_date"] = kept[:10]
                custom[WRITTEN + found.name] = kept
            case "product_id":
                if kept not in self._portal.core.tables["product"]:
                    return errors.invalid_value(
                        found.name, "INVALID_OPTION", f"No product with id {kept} exists", portal_id
                    )
                values["product_id"] = kept
            case "email":
                local, _, domain = kept.strip().lower().rpartition("@")
                if not local or "." not in domain or " " in kept.strip():
                    return errors.invalid_value("email", "INVALID_EMAIL", f"Email address {kept} is invalid", portal_id)
                values["email"] = kept.strip().lower()
            case "currency":
                if len(kept) != 3 or not kept.isalpha():
                    return errors.invalid_value(
                        found.name, "INVALID_OPTION", f"{kept} was not one of the allowed options", portal_id
                    )
                values["currency"] = kept.upper()
            case attribute:
                values[attribute] = kept
        return None

    def _from_product(self, values: Json, custom: Json) -> None:
        """A line item made from a product has its price, unless it is given one of its own."""
        product = self._portal.core.tables["product"].get(values.get("product_id", ""))
        if product is not None and "unit_price_minor" not in values:
            values["unit_price_minor"] = product.price_minor
            written = product.custom.get(f"{WRITTEN}price")
            if written is not None:
                custom[f"{WRITTEN}price"] = written
        if "quantity" not in values:
            values["quantity"] = 0
            custom[f"{WRITTEN}quantity"] = ""

    def _check_keys(self, shape: Shape, values: Json, custom: Json, id_: str | None) -> None:
        core = self._portal.core
        email = values.get("email")
        if email is not None and shape.kind == "contact":
            holder = next((c.id for c in core.find("contact", "email", email) if c.id != id_), None)
            if holder is not None:
                raise errors.email_taken(holder)
        for name, value in custom.items():
            found = shape.properties.get(name)
            if found is None or not found.unique or value is None:
                continue
            for each in core.find(shape.kind, name, value):
                if each.id != id_:
                    portal = self._portal.config.portal_id
                    raise errors.value_taken(portal, shape.type.type_id, name, value, id_ or "null", each.id)


def _missing(names: str, shape: Shape) -> errors.ApiError:
    message = f"Error creating {shape.type.singular.upper()}. Some required properties were not set."
    return errors.ApiError(
        400,
        errors.VALIDATION,
        message,
        {"properties": names.split(", ")},
        [{"message": message, "code": "REQUIRED_PROPERTY", "context": {"propertyName": names.split(", ")}}],
    )


def _unfit(found: Property, text: str, portal_id: int) -> Json:
    if found.type == "enumeration":
        options = ", ".join(option for option, _ in found.options)
        message = f"{text} was not one of the allowed options: [{options}]"
        return errors.invalid_value(found.name, "INVALID_OPTION", message, portal_id)
    code, words = _CODES[found.type]
    return errors.invalid_value(found.name, code, f"{text} {words}", portal_id)
