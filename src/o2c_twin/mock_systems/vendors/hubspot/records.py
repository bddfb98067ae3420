"""Reads records: every property of an object type as text, and records as JSON."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.hubspot.schema import STAGE_OF_CORE, STAGES, ObjectType, Property
from o2c_twin.mock_systems.vendors.hubspot.values import (
    Stamps,
    date_millis,
    millis_stamp,
    minor_units,
    read_date,
    read_millis,
    read_number,
    shown_money,
    shown_number,
)

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.portal import Portal

Read = Callable[[Any], str | None]
Json = dict[str, Any]
WRITTEN = "as written "
"""Among a record's own values: the text a number or instant was written as, before its property's name."""
_PROBABILITY = {id_: probability for id_, _, probability, _ in STAGES}
_CLOSED = {id_ for id_, _, _, closed in STAGES if closed}


class Shape:
    """One object type of a portal: its properties with their readers."""

    def __init__(self, portal: "Portal", object_type: ObjectType, properties: dict[str, Property]) -> None:
        self.type = object_type
        self.kind = object_type.kind
        self.properties = properties
        self._portal = portal
        self._reads: dict[str, Read] = {}
        # A record's two instants are told twice each; the two writers remember one each.
        self._made, self._changed = Stamps(), Stamps()
        always = ("hs_object_id", "createdate", object_type.modified)
        self._always = dict.fromkeys(always)
        for name in properties:
            self._reads[name] = self._reader(name)

    def add(self, made: Property) -> None:
        """Take in a property, new or changed."""
        self.properties[made.name] = made
        self._reads[made.name] = self._reader(made.name)

    def drop(self, name: str) -> None:
        """Forget a property; the values records have of it stay, out of sight."""
        del self.properties[name]
        del self._reads[name]

    def value(self, row: Any, name: str) -> str | None:
        """A property of a record; None when it has no value."""
        return self._reads[name](row)

    def sortable(self, name: str) -> Callable[[Any], Decimal | int | str | None]:
        """Reads a property as search compares it; None where a record has no value."""
        if name == self.type.modified:
            return lambda row: row.modified_at // 1_000
        if name == "createdate":
            return lambda row: row.created_at // 1_000
        found, read = self.properties[name], self._reads[name]
        return lambda row: None if (held := read(row)) is None else comparable(found, held)

    def record(self, row: Any, names: Iterable[str] | None = None) -> Json:
        """A record as JSON with the named properties; a name nobody knows is passed over, as the vendor does."""
        reads = self._reads
        wanted = dict.fromkeys((*(self.type.defaults if names is None else names), *self._always))
        answer: Json = {
            "id": row.id,
            "properties": {name: reads[name](row) for name in wanted if name in reads},
            "createdAt": self._made(row.created_at),
            "updatedAt": self._changed(row.modified_at),
            "archived": False,
        }
        if row.id in self._portal.core.bins[self.kind]:
            answer["archived"] = True
            answer["archivedAt"] = answer["updatedAt"]
        return answer

    # --- readers ---------------------------------------------------------------------------------

    def _reader(self, name: str) -> Read:
        found = self.properties[name]
        special = getattr(self, f"_{self.type.singular}_{name}", None) or getattr(self, f"_any_{name}", None)
        if special is not None:
            return special  # type: ignore[no-any-return]
        if found.source == "core":
            return self._core_reader(found)
        match found.type:
            case "number":
                return lambda row: _as_number(row.custom.get(name))
            case _:
                return lambda row: _as_text(row.custom.get(name))

    def _core_reader(self, found: Property) -> Read:
        get = attrgetter(found.attribute)
        digits = self._portal.config.currency_digits
        if found.attribute.endswith("_minor"):
            written = WRITTEN + found.name

            def money(row: Any) -> str | None:
                minor = get(row)
                if minor is None:
                    return None
                text = row.custom.get(written)
                if text is None:
                    return shown_money(minor, digits)
                # What people or the core changed since then counts more than what was written.
                number = read_number(text) if text else None
                if number is None:
                    return None if minor == 0 else shown_money(minor, digits)
                return text if minor_units(number, digits) == minor else shown_money(minor, digits)

            return money
        return lambda row: get(row) or None

    def _any_hs_object_id(self, row: Any) -> str:
        return str(row.id)

    def _any_createdate(self, row: Any) -> str:
        return self._made(row.created_at)

    def _any_hs_lastmodifieddate(self, row: Any) -> str:
        return self._changed(row.modified_at)

    def _any_lastmodifieddate(self, row: Any) -> str:
        return self._changed(row.modified_at)

    def _company_hs_parent_company_id(self, row: Any) -> str | None:
        return row.parent_id or None

    def _contact_associatedcompanyid(self, row: Any) -> str | None:
        return row.account_id or None

    def _deal_pipeline(self, row: Any) -> str:
        return str(row.custom.get("pipeline") or "default")

    def _deal_dealstage(self, row: Any) -> str:
        return STAGE_OF_CORE[row.stage]

    def _deal_closedate(self, row: Any) -> str | None:
        if not row.close_date:
            return None
        written = row.custom.get(f"{WRITTEN}closedate")
        if written and written.startswith(row.close_date):
            return str(written)
        return f"{row.close_date}T00:00:00.000Z"

    def _deal_hs_is_closed_won(self, row: Any) -> str:
        return "true" if STAGE_OF_CORE[row.stage] == "closedwon" else "false"

    def _deal_hs_is_closed(self, row: Any) -> str:
        return "true" if STAGE_OF_CORE[row.stage] in _CLOSED else "false"

    def _deal_hs_deal_stage_probability(self, row: Any) -> str:
        return _PROBABILITY[STAGE_OF_CORE[row.stage]]

    def _deal_hs_primary_associated_company(self, row: Any) -> str | None:
        return row.account_id or None

    def _deal_hs_num_of_associated_line_items(self, row: Any) -> str:
        return str(len(row.lines))

    def _product_of(self, row: Any) -> Any | None:
        core = self._portal.core
        return core.tables["product"].get(row.product_id) or core.bins["product"].get(row.product_id)

    def _line_item_name(self, row: Any) -> str | None:
        own = row.custom.get("name")
        if own is not None:
            return own or None
        product = self._product_of(row)
        return None if product is None else product.name

    def _line_item_hs_sku(self, row: Any) -> str | None:
        own = row.custom.get("hs_sku")
        if own is not None:
            return own or None
        product = self._product_of(row)
        return None if product is None else product.code or None

    def _line_item_quantity(self, row: Any) -> str | None:
        written = row.custom.get(f"{WRITTEN}quantity")
        if written is None:
            return str(row.quantity)
        if not written:
            return None if row.quantity == 0 else str(row.quantity)
        number = read_number(written)
        return written if number is not None and int(number) == row.quantity else str(row.quantity)

    def _line_item_amount(self, row: Any) -> str | None:
        quantity, price = self._line_item_quantity(row), self._reads["price"](row)
        if quantity is None or price is None:
            return None
        number, unit = Decimal(quantity), Decimal(price)
        gross = number * unit
        percentage = _decimal(row.custom.get("hs_discount_percentage"))
        discount = _decimal(row.custom.get("discount"))
        if percentage is not None:
            gross -= gross * percentage / 100
        elif discount is not None:
            gross -= number * discount  # a discount is per unit (from memory)
        digits = self._portal.config.currency_digits
        return shown_money(minor_units(gross, digits), digits)


def _decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else read_number(str(value))


def _as_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _as_number(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else shown_number(Decimal(str(value)))


def normal(found: Property, text: str) -> str | None:
    """A written value in the form answers show it; None for one that does not fit the property's type."""
    match found.type:
        case "number":
            return text.strip() if read_number(text) is not None else None
        case "datetime":
            ms = read_millis(text)
            return None if ms is None else millis_stamp(ms)
        case "date":
            return read_date(text)
        case "bool":
            return text.lower() if text.lower() in ("true", "false") else None
        case "enumeration":
            return text if not found.options or any(text == option for option, _ in found.options) else None
        case _:
            return text


def comparable(found: Property, text: str) -> Decimal | int | str | None:
    """A value as search compares it: numbers, milliseconds, or text without case; None for one it cannot."""
    match found.type:
        case "number":
            return read_number(text)
        case "datetime":
            return read_millis(text)
        case "date":
            day = read_date(text)
            return None if day is None else date_millis(day)
        case _:
            return text.lower()
