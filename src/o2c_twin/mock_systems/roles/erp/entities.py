"""The legal entities of a company that keep their books in one ERP: who may sell to whom, who numbers how."""

from collections.abc import Sequence

import msgspec

from o2c_twin.mock_systems.roles.erp.records import Customer
from o2c_twin.mock_systems.roles.records import RuleError

_RANGE = 10_000_000
"""How far apart the number ranges of entities begin (a modelling assumption)."""


class Entity(msgspec.Struct, frozen=True):
    """One legal entity: ``code`` names it, ``tax_code`` is the one its sales are taxed under."""

    code: str
    tax_code: str = ""


class Entities:
    """All entities of an ERP, the home entity first. Empty: the company is one, and no record says which."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._places = {each.code: place for place, each in enumerate(entities)}
        self._tax_codes = {each.code: each.tax_code for each in entities}
        self.home = entities[0].code if entities else None

    def __bool__(self) -> bool:
        return bool(self._places)

    def known(self, code: object) -> str:
        """That entity's code. Raises `RuleError` when there is no such entity."""
        if not isinstance(code, str) or code not in self._places:
            raise RuleError("unknown-entity", f"no legal entity {code}", "subsidiary")
        return code

    def of(self, customer: Customer, asked: str | None) -> str | None:
        """The entity a document of a customer belongs to: the one asked for, else the customer's own.

        Raises `RuleError` for one the customer is not assigned to; None where the company is one.
        """
        if not self._places and asked is None:
            return None
        entity = customer.entity if asked is None else self.known(asked)
        if entity is None or not assigned(customer, entity):
            raise RuleError("not-assigned", f"customer {customer.number} is not assigned to {entity}", "subsidiary")
        return entity

    def numbered_from(self, entity: str | None, first: int) -> tuple[str, int]:
        """The name of an entity's sequence ("" for the home entity's) and where its numbers begin."""
        place = 0 if entity is None else self._places[entity]
        return (f" {entity}", place * _RANGE + 1) if place else ("", first)

    def tax_code(self, entity: str | None) -> str | None:
        """The tax code an entity sells under; None where the company is one."""
        return None if entity is None else self._tax_codes[entity]


def assigned(customer: Customer, entity: str) -> bool:
    """Whether an entity may sell to a customer."""
    return entity == customer.entity or entity in customer.further_entities
