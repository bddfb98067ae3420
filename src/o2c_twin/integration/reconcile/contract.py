"""What a connector expects of the records it reads, and what becomes of one that has drifted. Pure.

Three modes, named as dlt names its schema contracts: ``evolve`` reads on as long as what is needed can be read;
``freeze`` stops the reading of that kind until somebody has looked; ``discard`` leaves out the records that drifted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Mode = Literal["evolve", "freeze", "discard"]
MODES: dict[Mode, str] = {
    "evolve": "new fields are let pass, and a changed one as long as nothing needs it",
    "freeze": "a kind of record that has drifted is read no more until a person has released it",
    "discard": "a record that has drifted is put aside for a person, the others are read",
}
Type = Literal["text", "number", "boolean", "instant", "record", "list"]
What = Literal["missing", "type", "new"]

_READ: dict[Type, tuple[type, ...]] = {
    "text": (str,),
    # Exact numbers come as text: see `Wire.json`.
    "number": (int, str),
    "boolean": (bool,),
    "instant": (str,),
    "record": (dict,),
    "list": (list,),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``optional``: it may be null or absent; ``needed``: without it nothing can be made of the record."""

    type: Type
    optional: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of record: its fields by the vendor's names. ``closed``: fields beside these are news."""

    record: str
    fields: Mapping[str, Field]
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Drift:
    """A field that is not as expected. ``found`` names the type that came, never a value: it may be personal."""

    record: str
    field: str
    what: What
    expected: str
    found: str
    needed: bool

    def __str__(self) -> str:
        if self.what == "new":
            return f"{self.record}.{self.field}: is new ({self.found}); enter it in the shape, or leave it unread"
        return f"{self.record}.{self.field}: expected {self.expected}, found {self.found}; map it anew, then release"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a record: ``use`` it, ``discard`` this one, or ``stop`` reading its kind.

    ``case``: a person is to be asked; ``drifts`` are the reasons.
    """

    action: Literal["use", "discard", "stop"]
    case: bool
    drifts: tuple[Drift, ...] = ()


def drifts_of(shape: Shape, record: Mapping[str, object]) -> tuple[Drift, ...]:
    """How a record differs from what is expected; none when it does not."""
    found: list[Drift] = []
    for name, field in shape.fields.items():
        value = record.get(name)
        if value is None:
            if not field.optional:
                found.append(Drift(shape.record, name, "missing", field.type, "nothing", field.needed))
        elif not _fits(field.type, value):
            found.append(Drift(shape.record, name, "type", field.type, type(value).__name__, field.needed))
    if shape.closed:
        new = (name for name in record if name not in shape.fields)
        found += [Drift(shape.record, name, "new", "nothing", type(record[name]).__name__, False) for name in new]
    return tuple(found)


def _fits(expected: Type, value: object) -> bool:
    if expected != "boolean" and isinstance(value, bool):
        return False
    if expected == "number" and isinstance(value, str):
        return _is_number(value)
    if expected == "instant" and isinstance(value, str):
        return value[:4].isdecimal()
    return isinstance(value, _READ[expected])


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").replace(".", "", 1)
    # An exponent is how JSON may write a number, too.
    mantissa, _, exponent = digits.lower().partition("e")
    return mantissa.isdecimal() and (not exponent or exponent.lstrip("+-").isdecimal())


def decide(mode: Mode, drifts: Iterable[Drift]) -> Decision:
    """What becomes of a record with these drifts in this mode. A needed field that is not there is never guessed."""
    found = tuple(drifts)
    if not found:
        return Decision("use", case=False)
    breaks = any(drift.needed and drift.what != "new" for drift in found)
    if mode == "freeze":
        return Decision("stop", True, found)
    if mode == "discard":
        changed = any(drift.what != "new" for drift in found)
        return Decision("discard", True, found) if changed else Decision("use", False, found)
    return Decision("discard", True, found) if breaks else Decision("use", False, found)


def checked(mode: Mode, shape: Shape, sample: Iterable[Mapping[str, object]]) -> Decision:
    """The gravest decision on a sample of records, with each drift named once: what a sweep does with a listing."""
    order = {"use": 0, "discard": 1, "stop": 2}
    gravest, seen = Decision("use", case=False), {}
    for record in sample:
        decision = decide(mode, drifts_of(shape, record))
        seen.update(dict.fromkeys(decision.drifts))
        gravest = max(gravest, decision, key=lambda each: order[each.action])
    return Decision(gravest.action, gravest.case, tuple(seen))


def undecoded(mode: Mode, shape: Shape, record: Mapping[str, object], failure: str) -> Decision:
    """What becomes of a record that could not be decoded: as its drifts say, and never used.

    One that fits its shape and cannot be decoded all the same has drifted in what the shape does not tell.
    """
    drifts = drifts_of(shape, record)
    if not any(drift.what != "new" for drift in drifts):
        drifts = (*drifts, Drift(shape.record, "*", "type", "a record that can be read", failure[:80], True))
    decision = decide(mode, drifts)
    return decision if decision.action != "use" else Decision("discard", True, drifts)
