"""The catalogue of transformations: what a map may do to a value on its way, and how it is undone.

Each joins two types of `schema.SCALARS`. Its function takes a value that is there and raises ValueError, with
the remedy, for one it refuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from o2c_twin.integration.connectors.instants import from_iso, to_date, to_iso
from o2c_twin.integration.mappings.codes import CodeList
from o2c_twin.integration.mappings.errors import known, shown
from o2c_twin.integration.mappings.money import ROUNDING, Rate, Rounder, whole

_MICRO = 1_000_000
Plain = Callable[[Any], Any]
"""Value to value."""
Money = Callable[[Any, str], Any]
"""Value and the currency of the document's amounts to value."""
Given = Mapping[str, Any]
"""What is given with a document, by name."""
InContext = Callable[[Any, str, str, Given], Any]
"""Value, currency, FX date (ISO) and what was given to value."""


@dataclass(frozen=True, slots=True)
class Fx:
    """Where rates come from and which day's counts: ``date`` is a path in the source; ``target`` a currency."""

    source: str
    date: str
    target: str
    rounding: str = "half-up"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What arguments may name: code lists, the names of what is given with a document, the FX rule."""

    codes: Mapping[str, CodeList]
    given: Mapping[str, str]
    fx: Fx | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A transformation with its arguments, ready to work.

    Exactly one of ``plain``, ``money`` and ``in_context`` is there. ``into`` is the currency of an amount after it,
    where that is another than before. ``otherwise`` is the code for those that are not in ``codes``.
    """

    takes: str
    gives: str
    words: str
    plain: Plain | None = None
    money: Money | None = None
    in_context: InContext | None = None
    undo: "Step | None" = None
    codes: CodeList | None = None
    into: str = ""
    otherwise: str = ""


Arguments = Mapping[str, Any]
Build = Callable[[Arguments, Surroundings], Step]


@dataclass(frozen=True, slots=True)
class Transformation:
    """One entry of the catalogue: its arguments (name to what it is), and the builder of its step.

    All but ``rounding``, ``unknown``, ``otherwise`` and ``of`` must be given. ``build`` raises ValueError, with a
    remedy, for arguments that make no sense.
    """

    name: str
    arguments: Mapping[str, str]
    build: Build
    says: str


def _whole(arguments: Arguments, around: Surroundings) -> Step:
    return Step("number", "whole", "whole number", whole, undo=Step("whole", "number", "number", _same))


def _same(value: Any) -> Any:
    return value


def _number(arguments: Arguments, around: Surroundings) -> Step:
    return Step("whole", "number", "number", _same, undo=Step("number", "whole", "whole number", whole))


def _rounding(arguments: Arguments) -> str:
    rule = str(arguments.get("rounding", "exact"))
    if rule not in ROUNDING:
        raise ValueError(f"no rounding rule {shown(rule)}; {known(rule, ROUNDING)}")
    return rule


def _to_minor(arguments: Arguments, around: Surroundings) -> Step:
    rule = _rounding(arguments)
    there, back = Rounder(rule).to_minor, Rounder().to_decimal
    undo = Step("minor", "number", "decimal amount", money=back)
    words = "minor units" if rule == "exact" else f"minor units, {rule}"
    exact = undo if rule == "exact" else None  # what was rounded away does not come back
    return Step("number", "minor", words, money=there, undo=exact)


def _to_decimal(arguments: Arguments, around: Surroundings) -> Step:
    there, back = Rounder().to_decimal, Rounder().to_minor
    undo = Step("number", "minor", "minor units", money=back)
    return Step("minor", "number", "decimal amount", money=there, undo=undo)


def _instant(arguments: Arguments, around: Surroundings) -> Step:
    return Step("iso-instant", "instant", "instant", from_iso, undo=Step("instant", "iso-instant", "ISO", _iso))


def _iso(at: int) -> str:
    return to_iso(at, "milliseconds" if at % 1_000 == 0 else "microseconds")


def _iso_instant(arguments: Arguments, around: Surroundings) -> Step:
    return Step("instant", "iso-instant", "ISO 8601", _iso, undo=Step("iso-instant", "instant", "instant", from_iso))


def _seconds(arguments: Arguments, around: Surroundings) -> Step:
    undo = Step("instant", "whole", "seconds since 1970", lambda at: at // _MICRO)
    return Step("whole", "instant", "instant, of seconds since 1970", lambda seconds: seconds * _MICRO, undo=undo)


def _day(arguments: Arguments, around: Surroundings) -> Step:
    return Step("instant", "date", "its day, UTC", to_date)


def _date(arguments: Arguments, around: Surroundings) -> Step:
    def checked(value: str) -> str:
        return date.fromisoformat(value).isoformat()

    return Step("text", "date", "ISO date", checked, undo=Step("date", "text", "text", _same))


def _code(arguments: Arguments, around: Surroundings) -> Step:
    name, of = str(arguments.get("list", "")), str(arguments.get("of", "text"))
    codes = around.codes.get(name)
    if codes is None:
        raise ValueError(f"no code list {shown(name)}; {known(name, around.codes)}")
    if of not in ("text", "whole"):
        raise ValueError(f"of: no value {shown(of)}; there are: text, whole")
    unknown = str(arguments.get("unknown", "refuse"))
    if unknown not in ("refuse", "keep"):
        raise ValueError(f"unknown: no value {shown(unknown)}; there are: refuse, keep")
    otherwise = str(arguments.get("otherwise", ""))
    if otherwise and "unknown" in arguments:
        raise ValueError("unknown and otherwise say two things of the same codes; keep one of them")
    told = f"; any other code is {otherwise}" if otherwise else "; an unknown code is kept" if unknown == "keep" else ""
    words = f"code list {name}{told}"
    find = (lambda code: codes.pairs.get(code, otherwise)) if otherwise else _found(codes.pairs, name, unknown)
    there: Plain = find if of == "text" else lambda value: find(str(value))
    pairs = codes.inverse()
    undo = None
    # A kept code could be another's meaning, and one for all others has none: then there is no way back.
    if pairs is not None and unknown == "refuse" and not otherwise:
        home = _found(pairs, name, "refuse")
        back: Plain = home if of == "text" else lambda value: whole(home(value))
        undo = Step("text", of, words, back)
    return Step(of, "text", words, there, undo=undo, codes=codes, otherwise=otherwise)


def _found(pairs: Mapping[str, str], name: str, unknown: str) -> Plain:
    if unknown == "keep":
        return lambda value: pairs.get(value, value)

    def find(value: str) -> str:
        found = pairs.get(value)
        if found is None:
            raise ValueError(f"{shown(value)} is not in code list {name}; add it there")
        return found

    return find


def _pattern(arguments: Arguments, around: Surroundings) -> Step:
    pattern = str(arguments.get("pattern", ""))
    before, hole, after = pattern.partition("{}")
    if not hole or "{}" in after:
        raise ValueError(f"pattern {shown(pattern)} needs one {{}} where the value goes; write e.g. 'Net {{}}'")
    kind = str(arguments.get("of", "text"))
    if kind not in ("text", "whole"):
        raise ValueError(f"of: no value {shown(kind)}; there are: text, whole")

    def inside(text: str) -> str:
        if not (text.startswith(before) and text.endswith(after) and len(text) >= len(before) + len(after)):
            raise ValueError(f"{shown(text)} does not read {shown(pattern)}")
        return text[len(before) : len(text) - len(after)]

    back: Plain = inside if kind == "text" else lambda text: whole(inside(text))
    words = f"“{before}…{after}”"
    return Step(kind, "text", words, lambda v: f"{before}{v}{after}", undo=Step("text", kind, words, back))


def _inside(arguments: Arguments, around: Surroundings) -> Step:
    there = _pattern(arguments, around)
    kind, words = there.takes, f"what stands in {there.words}"
    if there.undo is None or there.undo.plain is None:
        raise ValueError("the pattern has no way back; write one with a single {}")
    return Step("text", kind, words, there.undo.plain, undo=there)


def _lookup(arguments: Arguments, around: Surroundings) -> Step:
    name = str(arguments.get("in", ""))
    if around.given.get(name) != "table":
        tables = [each for each, type_ in around.given.items() if type_ == "table"]
        raise ValueError(f"no table {shown(name)} is given; {known(name, tables)}")

    def find(value: str, currency: str, fx_date: str, given: Given) -> str:
        found = given[name].get(value)
        if found is None:
            raise ValueError(f"no {shown(value)} in {name}; create it in the target system first")
        return str(found)

    return Step("text", "text", f"looked up in {name}", in_context=find)


def _cut(arguments: Arguments, around: Surroundings) -> Step:
    length = arguments.get("length")
    if type(length) is not int or length < 1:
        raise ValueError("length must be a whole number from 1")
    return Step("text", "text", f"first {length} characters", lambda value: value[:length])


def _trim(arguments: Arguments, around: Surroundings) -> Step:
    return Step("text", "text", "without outer blanks", str.strip)


def _among(arguments: Arguments, around: Surroundings) -> Step:
    values = arguments.get("values")
    if not isinstance(values, list) or not values:
        raise ValueError("values must be a list of texts")
    wanted = frozenset(str(each) for each in values)
    return Step("text", "flag", f"is one of {', '.join(sorted(wanted))}", wanted.__contains__)


def _convert(arguments: Arguments, around: Surroundings) -> Step:
    fx = around.fx
    if fx is None:
        raise ValueError("the map has no FX rule; write 'fx: {source: ..., date: ..., target: EUR}'")
    if around.given.get("rates") != "rates":
        raise ValueError("the map is given no rates; write 'rates: rates' under 'given'")
    rounder = Rounder(fx.rounding)

    def convert(minor: int, currency: str, fx_date: str, given: Given) -> int:
        if currency == fx.target:
            return minor
        rate: Rate = given["rates"]
        found = rate(fx.source, fx_date, currency, fx.target)
        if found is None:
            pair = f"{currency} to {fx.target} on {fx_date}"
            raise ValueError(f"{fx.source} has no rate {pair}; load the rates of that day")
        return rounder.converted(minor, currency, found, fx.target)

    words = f"in {fx.target} at the rate of {fx.source} of the day of {fx.date}, {fx.rounding}"
    return Step("minor", "minor", words, in_context=convert, into=fx.target)


_ROUNDING_WORDS = "exact (the default), half-up, half-even or down"
CATALOGUE: Mapping[str, Transformation] = {
    each.name: each
    for each in (
        Transformation("whole", {}, _whole, "the whole number a decimal stands for; a fraction is refused"),
        Transformation("number", {}, _number, "a whole number as the wire's number"),
        Transformation("to-minor", {"rounding": _ROUNDING_WORDS}, _to_minor, "a decimal amount in minor units"),
        Transformation("to-decimal", {}, _to_decimal, "minor units as a decimal amount"),
        Transformation("instant", {}, _instant, "ISO 8601 text as an instant; without an offset it is UTC"),
        Transformation("iso-instant", {}, _iso_instant, "an instant as ISO 8601 text in UTC"),
        Transformation("seconds", {}, _seconds, "whole seconds since 1970, UTC, as an instant"),
        Transformation("day", {}, _day, "the UTC day of an instant"),
        Transformation("date", {}, _date, "a text that must be an ISO date"),
        Transformation(
            "code",
            {
                "list": "a code list",
                "unknown": "refuse (the default) or keep",
                "otherwise": "the code for all that are not in the list, instead of unknown",
                "of": "text (the default) or whole: what the codes are on this side",
            },
            _code,
            "the other side's code for this one",
        ),
        Transformation(
            "pattern", {"pattern": "a text with one {}", "of": "text (the default) or whole"}, _pattern, "put in a text"
        ),
        Transformation(
            "inside",
            {"pattern": "a text with one {}", "of": "text (the default) or whole"},
            _inside,
            "what was put in a text; another text is refused",
        ),
        Transformation("lookup", {"in": "a table given with the document"}, _lookup, "what a table given holds for it"),
        Transformation("cut", {"length": "characters kept"}, _cut, "the first characters"),
        Transformation("trim", {}, _trim, "without blanks at its ends"),
        Transformation("among", {"values": "a list of texts"}, _among, "whether it is one of these"),
        Transformation("convert", {}, _convert, "in another currency, by the map's FX rule"),
    )
}
"""All transformations by name."""
