"""How records look on the wire: each field of each sObject as two readers of the core's record.

``get`` gives the value a query compares, ``show`` the one an answer carries.
"""

from collections.abc import Callable, Iterable
from datetime import date
from operator import attrgetter
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.crm.core import LOST, WON
from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.org import Org
from o2c_twin.mock_systems.vendors.salesforce.schema import Field, SObject
from o2c_twin.mock_systems.vendors.salesforce.values import Stamps, money, number, shown_money, shown_number, to_second

Read = Callable[[Any], Any]
Json = dict[str, Any]

_CONVERTED = ("currency", "double", "datetime")
"""Kinds whose values answers spell otherwise than the core keeps them."""

PROBABILITY = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    WON: 100,
    LOST: 0,
}
"""Per cent by stage, as a new org has them (from memory of the default sales process)."""


class Bound(msgspec.Struct, frozen=True, gc=False):
    """A field with its readers."""

    field: Field
    get: Read
    show: Read


class Shape:
    """One sObject of an org."""

    def __init__(self, sobject: SObject, bound: Iterable[Bound]) -> None:
        self.sobject = sobject
        self.name = sobject.name
        self.kind = sobject.kind
        self.fields = {each.field.name: each for each in bound}
        self.id_of: Callable[[Any], str] = self.fields["Id"].show
        self._folded = {name.lower(): each for name, each in self.fields.items()}
        self._blank: Json = {"attributes": None, **dict.fromkeys(self.fields)}
        plain = [f for f in sobject.fields if f.source != "derived" and f.kind not in _CONVERTED]
        own = [f for f in plain if f.source == "custom"]
        self._blank.update((f.name, False) for f in own if f.kind == "boolean")
        self._own = frozenset(f.name for f in own)
        core = [f for f in plain if f.source == "core"]
        self._core_names = tuple(f.name for f in core)
        self._core_values = _values_of([f.attribute for f in core])
        rest = self._own.union(self._core_names)
        self._rest = tuple((name, each.show) for name, each in self.fields.items() if name not in rest)
        self.named = {each.field.attribute: name for name, each in self.fields.items() if each.field.attribute}
        """Field names by the core's."""
        self.required = tuple(each.field for each in self.fields.values() if each.field.required)
        self.relations = {
            each.field.relationship.lower(): each.field for each in self.fields.values() if each.field.relationship
        }

    def field(self, name: str) -> Bound | None:
        """The field of that name, whatever its case."""
        return self.fields.get(name) or self._folded.get(name.lower())

    def url(self, version: str, id_: str) -> str:
        """Where a record is read."""
        return f"/services/data/{version}/sobjects/{self.name}/{id_}"

    def record(self, row: Any, version: str, names: Iterable[str] | None = None) -> Json:
        """A record as JSON: all its fields or those named. Raises `ApiError` for a name there is not."""
        id_ = self.id_of(row)
        attributes = {"type": self.name, "url": self.url(version, id_)}
        if names is None:
            # The same as asking for each field by name, but for what that costs.
            answer = self._blank.copy()
            answer["attributes"] = attributes
            answer.update(zip(self._core_names, self._core_values(row), strict=True))
            for name, value in row.custom.items():
                if name in self._own:
                    answer[name] = value
            for name, show in self._rest:
                answer[name] = show(row)
            return answer
        answer = {"attributes": attributes}
        for name in names:
            each = self.field(name)
            if each is None:
                raise errors.no_column(name, self.name)
            answer[each.field.name] = each.show(row)
        answer.setdefault("Id", id_)
        return answer


def _values_of(attributes: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(attributes) > 1:
        return attrgetter(*attributes)
    return lambda row: tuple(getattr(row, name) for name in attributes)


def shapes_of(org: Org) -> dict[str, Shape]:
    """The shapes of an org by name of sObject."""
    derived = _derived(org)
    digits, write = org.config.currency_digits, Stamps()
    return {
        sobject.name: Shape(sobject, (_bind(sobject, field, derived, digits, write) for field in sobject.fields))
        for sobject in org.sobjects
    }


def _bind(sobject: SObject, field: Field, derived: dict[str, Read], digits: int, write: Read) -> Bound:
    if field.source == "core":
        raw: Read = attrgetter(field.attribute)
    elif field.source == "custom":
        raw = _own_value(field.name, False if field.kind == "boolean" else None)
    else:
        raw = derived.get(f"{sobject.name}.{field.name}") or derived[field.name]
    match field.kind:
        case "currency":
            get = _unless_none(raw, lambda minor: money(minor, digits))
            return Bound(field, get, _unless_none(raw, lambda minor: shown_money(minor, digits)))
        case "double":
            return Bound(field, _unless_none(raw, number), _unless_none(raw, shown_number))
        case "date":
            return Bound(field, _unless_none(raw, date.fromisoformat), raw)
        case "datetime" if field.source == "core":
            return Bound(field, lambda row: to_second(raw(row)), lambda row: write(raw(row)))
        case "datetime":
            return Bound(field, _unless_none(raw, to_second), _unless_none(raw, write))
        case _:
            return Bound(field, raw, raw)


def _own_value(name: str, default: Any) -> Read:
    return lambda row: row.custom.get(name, default)


def _unless_none(raw: Read, convert: Callable[[Any], Any]) -> Read:
    return lambda row: None if (value := raw(row)) is None else convert(value)


def is_won(row: Any) -> bool:
    """Whether an opportunity is won."""
    return bool(row.stage == WON)


def is_closed(row: Any) -> bool:
    """Whether an opportunity is won or lost."""
    return row.stage in (WON, LOST)


def probability(row: Any) -> int | str:
    """Per cent; a closed deal's is not for anyone to set."""
    own = None if is_closed(row) else row.custom.get("Probability")
    return PROBABILITY[row.stage] if own is None else own


def _derived(org: Org) -> dict[str, Read]:
    """Readers of derived fields, by name or by sObject and name; values as the core would keep them."""
    core, book = org.core, org.book.id

    def bins(kind: str) -> dict[str, Any]:
        return core.bins[kind]

    def product(line: Any) -> Any:
        return core.tables["product"].get(line.product_id) or bins("product")[line.product_id]

    def expected(row: Any) -> int | None:
        if row.amount_minor is None:
            return None
        return int((number(probability(row)) * row.amount_minor / 100).to_integral_value())

    def line_name(line: Any) -> str:
        opportunity = core.tables["opportunity"].get(line.opportunity_id) or bins("opportunity")[line.opportunity_id]
        return f"{opportunity.name} {product(line).name}"

    def place(line: Any) -> int | None:
        opportunity = core.tables["opportunity"].get(line.opportunity_id)
        return None if opportunity is None else opportunity.lines.index(line.id) + 1

    readers: dict[str, Read] = {
        "Id": attrgetter("id"),
        "OwnerId": lambda row: row.custom.get("OwnerId") or org.staff.id,
        "CreatedById": org.creator,
        "LastModifiedById": org.modifier,
        "Contact.Name": lambda row: " ".join(filter(None, (row.first_name, row.last_name))),
        "Product2.ProductCode": lambda row: row.code or None,
        "PricebookEntry.Id": attrgetter("price_id"),
        "PricebookEntry.Pricebook2Id": lambda row: book,
        "PricebookEntry.Product2Id": attrgetter("id"),
        "PricebookEntry.IsActive": lambda row: row.custom.get("PricebookEntry.IsActive", True),
        "PricebookEntry.UseStandardPrice": lambda row: False,
        "PricebookEntry.ProductCode": lambda row: row.code or None,
        "PricebookEntry.IsDeleted": lambda row: not org.priced(row) or row.id in bins("product"),
        "Opportunity.Probability": probability,
        "Opportunity.ExpectedRevenue": expected,
        "Opportunity.IsClosed": is_closed,
        "Opportunity.IsWon": is_won,
        "Opportunity.HasOpportunityLineItem": lambda row: bool(row.lines),
        "Opportunity.Pricebook2Id": lambda row: row.custom.get("Pricebook2Id") or (book if row.lines else None),
        "OpportunityLineItem.SortOrder": place,
        "OpportunityLineItem.PricebookEntryId": lambda row: product(row).price_id,
        "OpportunityLineItem.ProductCode": lambda row: product(row).code or None,
        "OpportunityLineItem.Name": line_name,
        "OpportunityLineItem.TotalPrice": lambda row: row.quantity * row.unit_price_minor,
        "OpportunityLineItem.ListPrice": lambda row: product(row).price_minor,
        "IsDeleted": lambda row: False,
    }
    for sobject in org.sobjects:
        if sobject.has_changes:
            readers[f"{sobject.name}.IsDeleted"] = _in_bin(org, sobject.kind)
    return readers


def _in_bin(org: Org, kind: str) -> Read:
    return lambda row: row.id in org.core.bins[kind]
