"""Form-encoded parameters with brackets, and their types.

``metadata[order]=SO1``, ``items[0][amount]=5``, ``expand[]=customer`` (API reference, request bodies). A parameter
that is sent empty is taken away.
"""

import re
from typing import Annotated, Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

import msgspec

from o2c_twin.mock_systems.vendors.stripe.errors import refuse

_MOST_FIELDS = 1_000
_DEEPEST = 8
_UNKNOWN = re.compile(r"unknown field `(?P<name>.*?)`(?: - at `(?P<at>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>.*?)`(?: - at `(?P<at>.*)`)?$", re.DOTALL)
_AT = re.compile(r" - at `\$\.?(?P<at>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")
Tree = dict[str, Any]
Text = Annotated[str, msgspec.Meta(max_length=5_000)]
Amount = Annotated[int, msgspec.Meta(ge=-99_999_999, le=99_999_999)]
"""Of money, in minor units."""
Metadata = dict[str, str]
_P = TypeVar("_P", bound="Params")


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every operation takes."""

    expand: list[str] = []


def read_body(body: bytes) -> Tree:
    """The tree of a request body. Raises `Refused`."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except (UnicodeDecodeError, ValueError):
        refuse(400, "The body could not be read as form-encoded UTF-8 of at most 1,000 fields.")
    return read_pairs(pairs)


def read_query(query: dict[str, str]) -> Tree:
    """The tree of a query. Raises `Refused`.

    A driver hands ``a[]=1&a[]=2`` over as ``a[]=1,2``; no value of a list that may stand in a query has a comma.
    """
    if not any(key.endswith("[]") for key in query):
        return read_pairs(query.items())
    return read_pairs(
        (key, each) for key, value in query.items() for each in (value.split(",") if key.endswith("[]") else (value,))
    )


def read_pairs(pairs: Any) -> Tree:
    """The tree of keys in brackets. Raises `Refused` for keys that contradict each other."""
    tree: Tree = {}
    nested = False
    for key, value in pairs:
        if "[" not in key:
            if isinstance(tree.get(key), dict):
                refuse(400, f"Invalid hash: {key[:100]}", param=key[:100])
            tree[key] = value
            continue
        nested = True
        name, _, rest = key.partition("[")
        steps = rest.removesuffix("]").split("][")
        if not name or not rest.endswith("]") or len(steps) > _DEEPEST:
            refuse(400, f"Received unknown parameter: {key[:100]}", code="parameter_unknown", param=key[:100])
        node = tree
        for step in (name, *steps[:-1]):
            below = node.setdefault(step or str(len(node)), {})
            if not isinstance(below, dict):
                refuse(400, f"Invalid hash: {key[:100]}", param=key[:100])
            node = below
        last = steps[-1] or str(len(node))
        if isinstance(node.get(last), dict):
            refuse(400, f"Invalid hash: {key[:100]}", param=key[:100])
        node[last] = value
    return {key: _settled(value) for key, value in tree.items()} if nested else tree


def _settled(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_settled(value[key]) for key in sorted(value, key=lambda key: (len(key), key))]
    return {key: _settled(below) for key, below in value.items()}


def typed(tree: Tree, kind: type[_P]) -> _P:
    """The parameters of an operation. Raises `Refused` that names the culprit."""
    emptied = {key: None if value == "" else value for key, value in tree.items()}
    metadata = emptied.get("metadata", {})
    if "metadata" in emptied and "metadata" in kind.__struct_fields__:
        emptied["metadata"] = _metadata(metadata)
    try:
        return msgspec.convert(emptied, kind, strict=False)
    except msgspec.ValidationError as bad:
        _explain(str(bad), tree)


def _metadata(given: Any) -> Any:
    if given is None:
        return {"": ""}  # all keys are taken away
    if isinstance(given, list):
        given = {str(number): value for number, value in enumerate(given)}
    if not isinstance(given, dict):
        refuse(400, "Invalid hash: metadata", param="metadata")
    if len(given) > 50:
        refuse(400, "Metadata can have up to 50 keys.", param="metadata")
    for key, value in given.items():
        if not isinstance(value, str):
            refuse(400, f"Metadata values must be strings: {key[:40]}", param=f"metadata[{key[:40]}]")
        if len(key) > 40:
            refuse(400, "Metadata keys can have up to 40 characters.", param="metadata")
        if len(value) > 500:
            refuse(400, "Metadata values can have up to 500 characters.", param=f"metadata[{key}]")
    return given


def merged(kept: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys sent empty go, the others are set."""
    if given is None:
        return kept
    if given == {"": ""}:
        return {}
    return {key: value for key, value in {**kept, **given}.items() if value != ""}


def _explain(text: str, tree: Tree) -> NoReturn:
    missing, unknown = _MISSING.search(text), _UNKNOWN.search(text)
    if missing is not None:
        name = _bracketed(missing["at"], missing["name"])
        refuse(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    if unknown is not None:
        name = _bracketed(unknown["at"], unknown["name"])
        refuse(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    at = _AT.search(text)
    name = _bracketed(at["at"] if at else None, "")
    value = _value(tree, at["at"] if at else "")
    if text.startswith("Expected `int"):
        refuse(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    if text.startswith("Invalid enum value"):
        refuse(400, f"Invalid {name}: {value} is not one of the values it may have", param=name)
    refuse(400, f"Invalid {name}: {value}", param=name)


def _bracketed(at: str | None, name: str) -> str:
    steps = [a or b for a, b in _STEP.findall((at or "").removeprefix("$"))]
    steps = [step for step in steps if step != "..."] + ([name] if name else [])
    return (steps[0] + "".join(f"[{step}]" for step in steps[1:]))[:200] if steps else ""


def _value(tree: Any, at: str) -> str:
    for a, b in _STEP.findall(at):
        step = a or b
        try:
            tree = tree[int(step)] if isinstance(tree, list) else tree[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return str(tree)[:100]
