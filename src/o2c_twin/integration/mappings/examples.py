"""The examples in a map's file, run whenever it is loaded: an example that is not kept refuses the file."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.integration.mappings.compiling import CompiledMap
from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.errors import NotMapped, known, shown
from o2c_twin.integration.mappings.schema import CANONICAL, canonical_schema
from o2c_twin.integration.mappings.spec import Example, MapSpec

Compiled = Callable[[str, str], CompiledMap]


def run_examples(compiled: Compiled, spec: MapSpec, document: Document) -> None:
    """Complain to the document about every example that comes out otherwise."""
    for example in spec.examples:
        if example.entity and example.entity not in spec.entities:
            document.complain(
                example.node, f"no entity {shown(example.entity)}; {known(example.entity, spec.entities)}"
            )
            continue
        for problem in _tried(compiled(spec.name, example.entity), spec, example):
            document.complain(example.node, f"example: {problem}; mend the map or the example")


def _tried(ready: CompiledMap, spec: MapSpec, example: Example) -> Iterator[str]:
    try:
        given = {name: _given(spec.given.get(name), value) for name, value in example.given.items()}
        made = ready(as_side(spec.source, example.source), given)
    except NotMapped as refusal:
        if not example.refused:
            yield f"is refused: {refusal}"
        elif example.refused not in str(refusal):
            yield f"is refused with {shown(refusal)}, not with {shown(example.refused)}"
        return
    except (msgspec.ValidationError, TypeError) as error:
        yield f"'in' is no {spec.source}: {error}"
        return
    if example.refused:
        yield "is not refused"
        return
    try:
        wanted = msgspec.to_builtins(as_side(spec.target, example.target), builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        yield f"'out' is no {spec.target}: {error}"
        return
    for path, should, comes in differences(wanted, msgspec.to_builtins(made, builtin_types=(Decimal,))):
        yield f"{path} should be {_say(should)} and comes out as {_say(comes)}"


class _Absent:
    pass


ABSENT = _Absent()
"""A field that is not there at all, which is not the same as an empty one."""


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two documents of plain data differ: path (``item.items[2].rate``), old and new value or `ABSENT`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in (*old, *(each for each in new if each not in old)):
            place = f"{path}.{key}" if path else str(key)
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), place)
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for at in range(max(len(old), len(new))):
            was = old[at] if at < len(old) else ABSENT
            yield from differences(was, new[at] if at < len(new) else ABSENT, f"{path}[{at}]")
    elif not _same(old, new):
        yield path, old, new


def _same(old: Any, new: Any) -> bool:
    numbers = (int, Decimal)
    if type(old) in numbers and type(new) in numbers:
        return bool(old == new)
    return type(old) is type(new) and bool(old == new)


def _say(value: Any) -> str:
    return "absent" if value is ABSENT else shown(repr(value) if isinstance(value, str) else value)


def as_side(title: str, value: Any) -> Any:
    """Plain data as a record of that type: a Struct of the canonical model, else as it is."""
    if not title.startswith(f"{CANONICAL}."):
        return value
    struct = canonical_schema()[title].struct
    assert struct is not None
    return msgspec.convert(value, struct)


def _given(type_: str | None, value: Any) -> Any:
    if type_ != "rates":
        return value
    # "EUR/USD 2026-01-05": 1.0412
    rates = {str(key): Decimal(str(rate)) for key, rate in dict(value).items()}
    return lambda source, date, base, target: rates.get(f"{base}/{target} {date}")
