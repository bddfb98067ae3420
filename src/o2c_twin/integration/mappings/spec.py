"""A map as it was read: rules with their place in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from yaml.nodes import Node

from o2c_twin.integration.mappings.transforms import Fx, Step

Missing = Literal["omit", "null", "refuse"]
MISSING = {
    "omit": "the target's field is left out",
    "null": "the target's field is emptied",
    "refuse": "the document is refused",
}
"""What becomes of a document whose source has no value and whose rule has no default."""
GIVEN = {
    "text": "a text",
    "currency": "an ISO 4217 code",
    "table": "a table of texts, to look up in",
    "rates": "a function (source, date, from, to) to an exact rate, or None",
}
"""What may be given to a map besides the document."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: paths of the source (the first that has one), something given, or a constant."""

    paths: tuple[str, ...] = ()
    given: str = ""
    constant: Any = None

    @property
    def words(self) -> str:
        """For the guide."""
        if self.paths:
            return " or else ".join(self.paths)
        return f"given: {self.given}" if self.given else f"always {self.constant}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One field of the target. ``rules`` are those of a list's items; ``map`` the map of an inner object."""

    to: str
    origin: Origin
    steps: tuple[Step, ...] = ()
    default: Any = None
    has_default: bool = False
    missing: Missing | None = None
    map: str = ""
    rules: "tuple[Rule, ...]" = ()
    invertible: bool = False
    both_ways: str = ""
    owner: str = ""
    since: str = ""
    note: str = ""
    written: Any = field(default=None, compare=False)
    node: Node | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a target document is worth: at ``amount``, or the sum over ``each`` item of amount times quantity."""

    amount: str
    each: str = ""
    quantity: str = ""


@dataclass(frozen=True, slots=True)
class Intercompany:
    """A document is between companies of one group when the text at ``path`` is among ``values``.

    ``rules`` then take the place of those for the same target field.
    """

    path: str
    values: tuple[str, ...]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A document and what becomes of it; ``refused`` is a part of the message of one that is refused."""

    source: Any
    target: Any
    given: Mapping[str, Any]
    entity: str = ""
    refused: str = ""
    note: str = ""
    node: Node | None = field(default=None, compare=False, repr=False)


EACH = "*"
"""Stands for a legal entity where each deal brings its own along; before an entity's name, for that one there."""


@dataclass(frozen=True, slots=True)
class EntityRules:
    """What is different in one legal entity: rules that take the place of those for the same target field."""

    entity: str
    rules: tuple[Rule, ...]
    note: str = ""
    node: Node | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MapSpec:
    """One map. ``source`` and ``target`` are titles of record types, such as ``salesforce.Account``.

    ``partial``: the target record is there already, and only these fields of it are written.
    """

    name: str
    version: int
    source: str
    target: str
    rules: tuple[Rule, ...]
    title: str = ""
    owner: str = ""
    since: str = ""
    note: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    currency: Origin | None = None
    fx: Fx | None = None
    intercompany: Intercompany | None = None
    worth: Worth | None = None
    entities: Mapping[str, EntityRules] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    partial: bool = False
    file: str = ""
    node: Node | None = field(default=None, compare=False, repr=False)

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The general rules, those of all entities, and those between companies of one group."""
        own = tuple(rule for entity in self.entities.values() for rule in entity.rules)
        return (*self.rules, *own, *(self.intercompany.rules if self.intercompany is not None else ()))

    def rules_of(self, entity: str, intercompany: bool = False) -> tuple[Rule, ...]:
        """The rules in a legal entity: its own in place of the general ones, then those it adds.

        For a document between companies of one group the rules for these come before both. An entity the map has no
        rules for has the general ones. Where each deal brings its entity along, ``entity`` begins with `EACH`: then the
        rules under that name come between the general ones and those of the entity.
        """
        each, own = (EACH, entity[len(EACH) :]) if entity.startswith(EACH) else ("", entity)
        found = self.rules
        for name in (each, own):
            if name in self.entities:
                found = _over(found, self.entities[name].rules)
        return _over(found, self.intercompany.rules) if intercompany and self.intercompany is not None else found


def _over(rules: tuple[Rule, ...], own: tuple[Rule, ...]) -> tuple[Rule, ...]:
    instead, there = {rule.to: rule for rule in own}, {rule.to for rule in rules}
    return (*(instead.get(rule.to, rule) for rule in rules), *(rule for rule in own if rule.to not in there))
