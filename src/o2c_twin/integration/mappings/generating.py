"""One function a record, written out as Python like a dataclass's: no loop and no call that a field does not need.

Only names made here and constants stand in the text: whatever comes from a file is a repr, or bound by name.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from o2c_twin.integration.mappings.errors import NotMapped
from o2c_twin.integration.mappings.schema import ObjectSchema, article
from o2c_twin.integration.mappings.spec import Origin
from o2c_twin.integration.mappings.transforms import Context, InContext, Plain

Record = Callable[[Any, Context], Any]
"""A record of one side and its context to one of the other."""

OMIT, REFUSE = object(), object()
"""What to write when a source is missing: nothing at all; or the document is refused."""


class FieldStep:
    """One field's way: where to read, what it must be, what to do to it, what to write when it is missing."""

    __slots__ = ("accepted", "bound", "kind", "missing", "name", "plain", "read", "simple", "to")

    def __init__(
        self,
        to: str,
        origin: Origin,
        accepted: tuple[type, ...] | None,
        kind: str,
        plain: Plain | None,
        bound: InContext | None,
        missing: Any,
        struct: bool,
    ) -> None:
        self.to = to
        self.accepted = accepted
        self.kind = kind
        self.plain = plain
        self.bound = bound
        self.missing = missing
        self.name = " or ".join(origin.paths) or origin.given or to
        # A field that stands in the record itself is looked up without a call.
        self.simple = origin.paths[0] if len(origin.paths) == 1 and "." not in origin.paths[0] else ""
        self.read: Callable[[Any, Context], Any] | None = None
        if origin.given:
            given = origin.given
            self.read = lambda document, context: context.given[given]
        elif not self.simple and origin.paths:
            self.read = _first([reader(path, struct) for path in origin.paths])
        elif not origin.paths:
            self.read = _absent


def _absent(document: Any, context: Context) -> None:
    return None


def _first(readers: Sequence[Callable[[Any], Any]]) -> Callable[[Any, Context], Any]:
    if len(readers) == 1:
        (only,) = readers
        return lambda document, context: only(document)

    def read(document: Any, context: Context) -> Any:
        for reader in readers:
            found = reader(document)
            if found is not None and found != "":
                return found
        return None

    return read


def reader(path: str, struct: bool) -> Callable[[Any], Any]:
    parts = path.split(".")

    def read(document: Any) -> Any:
        for part in parts:
            if document is None:
                return None
            document = getattr(document, part) if struct else document.get(part)
        return document

    return read


def written(name: str, steps: Sequence[FieldStep], struct: bool, target: ObjectSchema) -> Record:
    """The function of one record type; ``struct`` says how the source is read."""
    bound: dict[str, Any] = {"OMIT": OMIT, "Exceptions": _TROUBLE, "NotMapped": NotMapped, "Wrong": _WrongType}
    lines = ["def record(document, context):", "    at = 0", "    out = {}", "    try:"]
    inside = _siblings(steps)
    for at, step in enumerate(steps):
        bound |= {f"p{at}": step.plain, f"b{at}": step.bound, f"m{at}": step.missing, f"r{at}": step.read}
        bound |= {f"a{at}": step.accepted, f"t{at}": step.accepted[0] if step.accepted else None}
        wanted = f"v{at}" if target.struct is not None else _place(step.to, inside)
        lines += [f"        {line}" for line in _lines(at, step, struct, wanted, inside)]
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


def _lines(at: int, step: FieldStep, struct: bool, wanted: str, inside: Mapping[str, int]) -> list[str]:
    if step.read is not None:
        read = f"r{at}(document, context)"
    elif struct:
        read = f"document.{step.simple}"
    else:
        read = f"document.get({step.simple!r})"
    value = f"p{at}(v)" if step.plain is not None else f"b{at}(v, context)" if step.bound is not None else "v"
    lines = [f"at = {at}"] if at else []
    lines += [f"v = {read}", "if v is None:"]
    if step.missing is REFUSE:
        lines.append("    raise ValueError('is missing; it must be there, or its rule needs a default')")
    else:
        # A list is made anew: one for all documents would be filled by the first.
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
