"""One function a record, written out as Python like a dataclass's: no loop and no call that a field does not need.

Only names made here and constants stand in the text: whatever comes from a file is a repr, or bound by name.
"""

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import msgspec

from o2c_twin.integration.connectors.instants import from_iso, to_date
from o2c_twin.integration.mappings.errors import NotMapped
from o2c_twin.integration.mappings.money import digits
from o2c_twin.integration.mappings.schema import ObjectSchema, article
from o2c_twin.integration.mappings.spec import Origin
from o2c_twin.integration.mappings.transforms import Fx, InContext, Money, Plain

Record = Callable[..., Any]
"""A document and what is given with it to a record of the other side; for items of a list also currency and FX date."""
Way = Literal["key", "field"]
"""How a document is read: a dictionary by key, or a Struct by field."""

OMIT, REFUSE = object(), object()
"""What to write when a source is missing: nothing at all; or the document is refused."""


@dataclass(frozen=True, slots=True)
class FieldStep:
    """One field's way: where to read, what it must be, what to do to it, what to write when it is missing.

    ``accepted`` are the types it may have, None where nothing is to be checked; ``kind`` names them. At most one of
    ``plain`` to ``inner`` is there: ``items`` makes each item of a list, ``inner`` an object by a map of its own.
    """

    to: str
    origin: Origin
    accepted: tuple[type, ...] | None
    kind: str
    missing: Any
    plain: Plain | None = None
    money: Money | None = None
    bound: InContext | None = None
    items: Record | None = None
    inner: Record | None = None

    @property
    def name(self) -> str:
        """For messages."""
        return " or ".join(self.origin.paths) or self.origin.given or self.to


@dataclass(frozen=True, slots=True)
class Head:
    """What a whole document has besides its fields: the currency of its amounts, and the day of its FX rate."""

    currency: Origin | None
    fx: Fx | None


def attribute(name: str) -> str:
    """The attribute under which a field of a wire record is kept in its row type."""
    if name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_"):
        return name
    return f"x_{name.encode().hex()}"


def reader(path: str, way: Way) -> Callable[[Any], Any]:
    """The value at a path of a document; None where something on the way is missing."""
    parts = [attribute(part) if way == "field" else part for part in path.split(".")]

    def read(document: Any) -> Any:
        for part in parts:
            if document is None:
                return None
            document = getattr(document, part) if way == "field" else document.get(part)
        return document

    return read


def written(name: str, steps: Sequence[FieldStep], way: Way, target: ObjectSchema, head: Head | None = None) -> Record:
    """The function of one record type. Without ``head`` it is called with currency and FX date of the whole."""
    bound: dict[str, Any] = {"Exceptions": _TROUBLE, "NotMapped": NotMapped, "Wrong": _WrongType}
    lines = ["def record(document, given, cur='', day=''):"]
    if head is not None:
        lines += [f"    {line}" for line in _head(name, head, way, bound)]
    lines += ["    at = 0", "    out = {}", "    try:"] if target.struct is None else ["    at = 0", "    try:"]
    inside = _siblings(steps)
    for at, step in enumerate(steps):
        bound |= {f"p{at}": step.plain, f"c{at}": step.money, f"b{at}": step.bound, f"m{at}": step.missing}
        bound |= {f"i{at}": step.items or step.inner}
        bound |= {f"a{at}": step.accepted, f"t{at}": step.accepted[0] if step.accepted else None}
        wanted = f"v{at}" if target.struct is not None else _place(step.to, inside)
        value = _value(at, step, tuples=target.struct is not None)
        lines += [f"        {line}" for line in _lines(at, step, way, wanted, value, inside)]
    bound["refuse"] = _refusal(name, steps)
    lines += ["    except NotMapped:", "        raise", "    except Exceptions as error:"]
    lines += ["        refuse(at, error, document)"]
    if target.struct is None:
        lines.append("    return out")
    else:
        bound["struct"] = target.struct
        lines.append(f"    return struct({', '.join(_arguments(target.struct, steps, bound))})")
    made: dict[str, Any] = {}
    exec(compile("\n".join(lines), f"<map {name}>", "exec"), bound, made)
    record: Record = made["record"]
    return record


# --- the head ------------------------------------------------------------------------------------


def _head(name: str, head: Head, way: Way, bound: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    origin = head.currency
    if origin is not None and (origin.paths or origin.given):
        bound |= {"known": set(), "digits": digits, "Unknown": _UNKNOWN, "no_currency": _no_currency(name, origin)}
        read = _read(origin.paths[0], way) if origin.paths else [f"v = given[{origin.given!r}]"]
        lines += ["try:", *(f"    {line}" for line in read), "    if v not in known:", "        digits(v)"]
        lines += ["        known.add(v)", "    cur = v", "except Unknown as error:", "    no_currency(error)"]
    elif origin is not None:
        lines.append(f"cur = {str(origin.constant)!r}")
    if head.fx is not None:
        bound |= {"fx_day": _fx_day(name, head.fx.date, reader(head.fx.date, way))}
        lines.append("day = fx_day(document)")
    return lines


_UNKNOWN = (AttributeError, KeyError, TypeError, ValueError)


def _no_currency(name: str, origin: Origin) -> Callable[[Exception], NoReturn]:
    def refuse(error: Exception) -> NoReturn:
        raise NotMapped(name, origin.words, f"{error}; the currency must be known") from error

    return refuse


def _fx_day(name: str, path: str, read: Callable[[Any], Any]) -> Callable[[Any], str]:
    def day(document: Any) -> str:
        try:
            at = read(document)
            if at is not None:
                return to_date(at) if type(at) is int else at if len(at) == 10 else to_date(from_iso(at))
        except _UNKNOWN as error:
            raise NotMapped(name, path, f"{error}; the day of the rate must be known") from error
        raise NotMapped(name, path, "is missing, and the day of the rate with it; give it")

    return day


# --- fields --------------------------------------------------------------------------------------


def _read(path: str, way: Way) -> list[str]:
    """Statements that leave the value at a path in ``v``."""
    lines, base = [], "document"
    for part in path.split("."):
        step = f"v = {base}.{attribute(part)}" if way == "field" else f"v = {base}.get({part!r})"
        lines += [step] if base == "document" else ["if v is not None:", f"    {step}"]
        base = "v"
    return lines


def _first(paths: Sequence[str], way: Way) -> list[str]:
    """Statements that leave the first value there is in ``v``; of several, an empty text is none."""
    lines = _read(paths[0], way)
    for path in paths[1:]:
        lines += ["if v is None or v == '':", *(f"    {line}" for line in _read(path, way))]
    return lines if len(paths) == 1 else [*lines, "if v == '':", "    v = None"]


def _value(at: int, step: FieldStep, *, tuples: bool) -> str:
    if step.items is not None:
        # A list is made anew: one for all documents would be filled by the first.
        each = f"[i{at}(each, given, cur, day) for each in v]"
        return f"tuple({each})" if tuples else each
    if step.inner is not None:
        return f"i{at}(v, given)"
    if step.plain is not None:
        return f"p{at}(v)"
    if step.money is not None:
        return f"c{at}(v, cur)"
    return f"b{at}(v, cur, day, given)" if step.bound is not None else "v"


def _lines(at: int, step: FieldStep, way: Way, wanted: str, value: str, inside: Mapping[str, int]) -> list[str]:
    lines = [f"at = {at}"] if at else []
    if step.origin.given:
        lines.append(f"v = given[{step.origin.given!r}]")
    elif step.origin.paths:
        lines += _first(step.origin.paths, way)
    else:
        lines.append("v = None")
    lines.append("if v is None:")
    if step.missing is REFUSE:
        lines.append("    raise ValueError('is missing; it must be there, or its rule needs a default')")
    else:
        default = repr(step.missing) if step.missing in ([], ()) else f"m{at}"
        lines.append("    pass" if step.missing is OMIT else f"    {wanted} = {_alone(step, inside, default)}")
    lines.append("else:")
    if step.accepted:
        others = f" and type(v) not in a{at}" if len(step.accepted) > 1 else ""
        lines += [f"    if type(v) is not t{at}{others}:", "        raise Wrong(v)"]
    lines.append(f"    {wanted} = {_alone(step, inside, value)}")
    return lines


def _siblings(steps: Sequence[FieldStep]) -> dict[str, int]:
    """How many fields are written inside each object of the target."""
    counts: dict[str, int] = {}
    for step in steps:
        parts = step.to.split(".")
        for depth in range(1, len(parts)):
            inside = ".".join(parts[:depth])
            counts[inside] = counts.get(inside, 0) + 1
    return counts


def _place(to: str, inside: Mapping[str, int]) -> str:
    *outer, last = to.split(".")
    if len(outer) == 1 and inside[outer[0]] == 1:
        return f"out[{outer[0]!r}]"
    return f"out{''.join(f'.setdefault({part!r}, {{}})' for part in outer)}[{last!r}]"


def _alone(step: FieldStep, inside: Mapping[str, int], value: str) -> str:
    """The value, in an object of its own where it is the only one inside."""
    *outer, last = step.to.split(".")
    return f"{{{last!r}: {value}}}" if len(outer) == 1 and inside.get(outer[0]) == 1 else value


def _arguments(struct: type[msgspec.Struct], steps: Sequence[FieldStep], bound: dict[str, Any]) -> list[str]:
    made = {step.to: f"v{at}" for at, step in enumerate(steps)}
    arguments = []
    for place, info in enumerate(msgspec.structs.fields(struct)):
        if info.name not in made:
            bound[f"d{place}"] = None if info.default is msgspec.NODEFAULT else info.default
        arguments.append(made.get(info.name, f"d{place}"))
    return arguments


# --- refusals ------------------------------------------------------------------------------------


class _WrongType(Exception):
    """A value of a type its schema does not have; the value is its argument."""


_TROUBLE = (_WrongType, ValueError, ArithmeticError, AttributeError, KeyError, TypeError)


def _refusal(name: str, steps: Sequence[FieldStep]) -> Callable[[int, Exception, Any], NoReturn]:
    def refuse(at: int, error: Exception, document: Any) -> NoReturn:
        step = steps[at]
        raise NotMapped(name, step.name, _reason(step, error, document)) from error

    return refuse


def _reason(step: FieldStep, error: Exception, document: Any) -> str:
    if isinstance(error, _WrongType):
        return _wrong(error.args[0], step.kind)
    if isinstance(error, ValueError):
        return str(error)
    return f"not understood in a {type(document).__name__}: {type(error).__name__}; send the record as described"


def _wrong(value: object, kind: str) -> str:
    if type(value) is float:
        return "a float is not exact; read the wire's numbers as text or Decimal"
    return f"is a {type(value).__name__}, not {article(kind)}; see what the system sends now"
