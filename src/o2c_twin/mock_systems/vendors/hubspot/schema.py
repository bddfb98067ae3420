"""The data model: object types, their properties, and how types may be associated."""

from typing import Literal

import msgspec

from o2c_twin.mock_systems.vendors.hubspot.config import BadSetting, CustomProperty, HubSpotConfig, PropertyType

Source = Literal["core", "own", "derived"]
_FIELD_TYPES: dict[str, str] = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}


class Property(msgspec.Struct, frozen=True, gc=False):
    """One property of an object type.

    ``source``: ``core`` lives in the core's field ``attribute``; ``own`` among the record's custom
    fields, under the property's name; ``derived`` is computed, and read-only unless ``writable``.
    """

    name: str
    type: PropertyType = "string"
    source: Source = "own"
    attribute: str = ""
    label: str = ""
    options: tuple[tuple[str, str], ...] = ()
    unique: bool = False
    read_only: bool = False
    custom: bool = False
    group: str = ""
    field_type: str = ""
    description: str = ""
    created_at: int = 0

    @property
    def shown_field_type(self) -> str:
        """The kind of field people see."""
        return self.field_type or _FIELD_TYPES[self.type]


class ObjectType(msgspec.Struct, frozen=True, gc=False):
    """One object type: plural name, type id, the core's kind, and the property with its last change."""

    name: str
    singular: str
    type_id: str
    kind: str
    modified: str
    defaults: tuple[str, ...]
    """Properties answered when a call names none."""
    searched: tuple[str, ...]
    """Properties the free-text ``query`` of a search looks at."""


TYPES = (
    ObjectType(
        "companies",
        "company",
        "0-2",
        "account",
        "hs_lastmodifieddate",
        ("name", "domain"),
        ("website", "phone", "name", "domain"),
    ),
    ObjectType(
        "contacts",
        "contact",
        "0-1",
        "contact",
        "lastmodifieddate",
        ("firstname", "lastname", "email"),
        ("firstname", "lastname", "phone", "email", "company"),
    ),
    ObjectType(
        "deals",
        "deal",
        "0-3",
        "opportunity",
        "hs_lastmodifieddate",
        ("dealname", "amount", "closedate", "pipeline", "dealstage"),
        ("dealname", "pipeline", "dealstage", "description", "dealtype"),
    ),
    ObjectType(
        "products",
        "product",
        "0-7",
        "product",
        "hs_lastmodifieddate",
        ("name", "price", "description", "hs_sku"),
        ("name", "hs_sku", "description", "price"),
    ),
    ObjectType(
        "line_items",
        "line_item",
        "0-8",
        "line",
        "hs_lastmodifieddate",
        ("name", "quantity", "price", "amount", "hs_product_id", "hs_sku"),
        ("name", "hs_sku", "description"),
    ),
)
BY_KIND = {each.kind: each for each in TYPES}


def _names() -> dict[str, ObjectType]:
    found: dict[str, ObjectType] = {}
    for each in TYPES:
        for name in (each.name, each.singular, each.type_id, each.name.replace("_", " ")):
            found[name] = each
    return found


BY_NAME = _names()
"""Object types by every name a path may use: plural, singular, type id."""

PIPELINE = "default"
STAGES: tuple[tuple[str, str, str, bool], ...] = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2", False),
    ("qualifiedtobuy", "Qualified To Buy", "0.4", False),
    ("presentationscheduled", "Presentation Scheduled", "0.6", False),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8", False),
    ("contractsent", "Contract Sent", "0.9", False),
    ("closedwon", "Closed Won", "1.0", True),
    ("closedlost", "Closed Lost", "0.0", True),
)
"""Stages of the default pipeline: id, label, probability, closed. From memory of a new portal."""

CORE_STAGE = {
    "appointmentscheduled": "Prospecting",
    "qualifiedtobuy": "Qualification",
    "presentationscheduled": "Value Proposition",
    "decisionmakerboughtin": "Id. Decision Makers",
    "contractsent": "Negotiation/Review",
    "closedwon": "Closed Won",
    "closedlost": "Closed Lost",
}
"""The core's stage of each of the vendor's."""

STAGE_OF_CORE = {
    **{core: stage for stage, core in CORE_STAGE.items()},
    "Needs Analysis": "presentationscheduled",
    "Perception Analysis": "decisionmakerboughtin",
    "Proposal/Price Quote": "contractsent",
}
"""The vendor's stage of each of the core's."""

_STAGE_OPTIONS = tuple((id_, label) for id_, label, _, _ in STAGES)
_LIFECYCLE = tuple(
    (name, label)
    for name, label in (
        ("subscriber", "Subscriber"),
        ("lead", "Lead"),
        ("marketingqualifiedlead", "Marketing Qualified Lead"),
        ("salesqualifiedlead", "Sales Qualified Lead"),
        ("opportunity", "Opportunity"),
        ("customer", "Customer"),
        ("evangelist", "Evangelist"),
        ("other", "Other"),
    )
)
_DEAL_TYPES = (("newbusiness", "New Business"), ("existingbusiness", "Existing Business"))
_PERIODS = (("monthly", "Monthly"), ("quarterly", "Quarterly"), ("annually", "Annually"))


def _own(*names: str, type_: PropertyType = "string") -> list[Property]:
    return [Property(name, type_) for name in names]


def _core(name: str, attribute: str, type_: PropertyType = "string") -> Property:
    return Property(name, type_, "core", attribute)


def _derived(name: str, type_: PropertyType = "string") -> Property:
    return Property(name, type_, "derived", read_only=True)


def _standard(object_type: ObjectType) -> list[Property]:
    shared = [
        _derived("hs_object_id", "number"),
        _derived("createdate", "datetime"),
        _derived(object_type.modified, "datetime"),
        Property("hubspot_owner_id", "enumeration"),
    ]
    match object_type.name:
        case "companies":
            return [
                _core("name", "name"),
                *_own("domain", "website", "description", "state", "industry"),
                _core("phone", "phone"),
                _core("address", "street"),
                _core("city", "city"),
                _core("zip", "postal_code"),
                _core("country", "country"),
                *_own("annualrevenue", "numberofemployees", type_="number"),
                Property("lifecyclestage", "enumeration", options=_LIFECYCLE),
                _derived("hs_parent_company_id", "number"),
                *shared,
            ]
        case "contacts":
            return [
                Property("email", "string", "core", "email", unique=True),
                _core("firstname", "first_name"),
                _core("lastname", "last_name"),
                *_own("phone", "mobilephone", "jobtitle", "company", "address", "city", "state", "zip", "country"),
                Property("lifecyclestage", "enumeration", options=_LIFECYCLE),
                _derived("associatedcompanyid", "number"),
                *shared,
            ]
        case "deals":
            return [
                _core("dealname", "name"),
                Property("pipeline", "enumeration", options=((PIPELINE, "Sales Pipeline"),)),
                Property("dealstage", "enumeration", "core", "stage", options=_STAGE_OPTIONS),
                _core("amount", "amount_minor", "number"),
                _core("closedate", "close_date", "datetime"),
                _core("deal_currency_code", "currency"),
                Property("dealtype", "enumeration", options=_DEAL_TYPES),
                *_own("description", "closed_won_reason", "closed_lost_reason"),
                _derived("hs_is_closed_won", "bool"),
                _derived("hs_is_closed", "bool"),
                _derived("hs_deal_stage_probability", "number"),
                _derived("hs_primary_associated_company", "number"),
                _derived("hs_num_of_associated_line_items", "number"),
                *shared,
            ]
        case "products":
            return [
                _core("name", "name"),
                _core("hs_sku", "code"),
                _core("price", "price_minor", "number"),
                *_own("description", "hs_url"),
                *_own("hs_cost_of_goods_sold", "tax", type_="number"),
                Property("recurringbillingfrequency", "enumeration", options=_PERIODS),
                *_own("hs_recurring_billing_period"),
                *shared,
            ]
        case _:
            return [
                Property("name"),
                _core("quantity", "quantity", "number"),
                _core("price", "unit_price_minor", "number"),
                _core("hs_product_id", "product_id", "number"),
                Property("hs_sku"),
                *_own("description", "hs_line_item_currency_code"),
                *_own(
                    "discount", "hs_discount_percentage", "tax", "hs_cost_of_goods_sold", "hs_position_on_quote",
                    type_="number",
                ),
                Property("recurringbillingfrequency", "enumeration", options=_PERIODS),
                *_own("hs_recurring_billing_period"),
                _derived("amount", "number"),
                *shared,
            ]  # fmt: skip


def properties_of(config: HubSpotConfig, born: int) -> dict[str, dict[str, Property]]:
    """The properties of a portal by object type and name. Raises `BadSetting`."""
    unknown = [name for name in config.properties if name not in {each.name for each in TYPES}]
    if unknown:
        known = ", ".join(each.name for each in TYPES)
        raise BadSetting(f"properties: no object type {unknown[0]!r}; there are: {known}")
    found = {}
    for object_type in TYPES:
        group = f"{object_type.singular.replace('_', '')}information"
        standard = {
            p.name: msgspec.structs.replace(p, label=p.label or label_of(p.name), group=group, created_at=born)
            for p in _standard(object_type)
        }
        for name, own in config.properties.get(object_type.name, {}).items():
            place = f"properties.{object_type.name}.{name}"
            if name in standard:
                raise BadSetting(f"{place}: the vendor has a property of that name; choose another")
            if not is_name(name):
                raise BadSetting(f"{place}: a name is lower-case letters, digits and underscores, a letter first")
            standard[name] = custom_property(name, own, group, born)
        found[object_type.name] = standard
    return found


def custom_property(name: str, own: CustomProperty, group: str, born: int) -> Property:
    """A property of the company's own."""
    return Property(
        name,
        own.type,
        label=own.label or label_of(name),
        options=tuple((option, option) for option in own.options),
        unique=own.unique,
        custom=True,
        group=group,
        created_at=born,
    )


def is_name(text: str) -> bool:
    """Whether a property may be called that."""
    plain = text.replace("_", "a")
    return bool(text) and text[0].isalpha() and plain.isascii() and plain.isalnum() and text == text.lower()


def label_of(name: str) -> str:
    """``po_number`` as people read it."""
    return name.removeprefix("hs_").replace("_", " ").capitalize()


class Pair(msgspec.Struct, frozen=True, gc=False):
    """How one object type may be associated to another: type ids, and the names v3 answers use.

    ``primary`` is 0 where there is no such label.
    """

    source: str
    target: str
    plain: int
    primary: int = 0

    def types(self, primary: bool) -> tuple[int, ...]:
        """The type ids of one association."""
        return (self.primary, self.plain) if primary else (self.plain,)


_PAIRS = (
    Pair("deals", "companies", 341, 5),
    Pair("companies", "deals", 342, 6),
    Pair("contacts", "companies", 279, 1),
    Pair("companies", "contacts", 280, 2),
    Pair("deals", "contacts", 3),
    Pair("contacts", "deals", 4),
    Pair("deals", "line_items", 19),
    Pair("line_items", "deals", 20),
)
PAIRS = {(pair.source, pair.target): pair for pair in _PAIRS}
"""Association types. Source: `hubspot-api-client`, ``AssociationType``."""
