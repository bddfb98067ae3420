"""The query options of a URL as one typed record.

Sources: MS-ODATA 2.2.3.6.1 (V2); OASIS OData 4.01 URL Conventions 5.1 (V4).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cmp_to_key, partial
from typing import Any, TypeVar

from o2c_twin.mock_systems.wire.odata.errors import ODataError, Version
from o2c_twin.mock_systems.wire.odata.predicates import Filters, Predicate, Row, parse_filter
from o2c_twin.mock_systems.wire.odata.values import Unlike, equal, ordered

_OPTIONS: dict[Version, frozenset[str]] = {
    2: frozenset(
        ("$filter", "$select", "$orderby", "$top", "$skip", "$expand", "$inlinecount", "$skiptoken", "$format")
    ),
    4: frozenset(
        ("$filter", "$select", "$orderby", "$top", "$skip", "$expand", "$count", "$search", "$skiptoken", "$format")
    ),
}
_LARGEST = 2**31 - 1
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ``$orderby``."""

    path: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """One navigation property to answer in full, with the options for its records."""

    name: str
    query: "ODataQuery"


@dataclass(frozen=True, slots=True)
class ODataQuery:
    """All system options. ``select`` is None when not given; ``("*",)`` asks for all."""

    filter: Predicate | None = None
    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    search: str | None = None
    skiptoken: str | None = None
    format: str | None = None


EVERYTHING = ODataQuery()


def parse_query(
    query: Mapping[str, str], version: Version, filters: Callable[[str], Predicate] | None = None
) -> ODataQuery:
    """Read the system options of a query; ``filters`` is the dialect's cache. Raises `ODataError`."""
    if filters is None:
        filters = partial(parse_filter, version=version)
    return _parsed(query, version, filters, 0)


class Queries:
    """The query options one dialect read lately: clients ask with the same few, and only their filters differ."""

    __slots__ = ("_capacity", "_known", "filters", "version")

    def __init__(self, version: Version, capacity: int = 256) -> None:
        self.version = version
        self.filters = Filters(version, capacity)
        self._capacity = capacity
        self._known: OrderedDict[tuple[tuple[str, str], ...], ODataQuery] = OrderedDict()

    def __call__(self, query: Mapping[str, str]) -> ODataQuery:
        """As `parse_query`. Raises `ODataError`."""
        options = tuple([item for item in query.items() if item[0] != "$filter" and item[0][:1] == "$"])
        read = self._known.get(options)
        if read is None:
            read = self._known[options] = parse_query(dict(options), self.version, self.filters)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(options)
        condition = query.get("$filter")
        return read if condition is None else replace(read, filter=self.filters(condition))


def _parsed(query: Mapping[str, str], version: Version, filters: Callable[[str], Predicate], depth: int) -> ODataQuery:
    if not any(name.startswith("$") for name in query):
        return EVERYTHING
    known = _OPTIONS[version]
    for name in query:
        if name.startswith("$") and name not in known:
            raise ODataError(f"no system query option {name!r} in version {version}", 0, name, name)
    select = query.get("$select")
    expand = query.get("$expand")
    orderby = query.get("$orderby")
    condition = query.get("$filter")
    read = ODataQuery(
        filter=None if condition is None else filters(condition),
        select=None if select is None else _names(select, "$select"),
        orderby=() if orderby is None else _orders(orderby),
        top=_number(query, "$top"),
        skip=_number(query, "$skip") or 0,
        count=_count(query, version),
        search=query.get("$search"),
        skiptoken=query.get("$skiptoken"),
        format=query.get("$format"),
    )
    if expand is None:
        return read
    if depth >= _DEEPEST:
        raise ODataError(f"nested deeper than {_DEEPEST}", 0, "$expand")
    if version == 2:
        return _paths_expanded(read, expand)
    return replace(read, expand=_expanded(expand, filters, depth))


def _number(query: Mapping[str, str], option: str) -> int | None:
    text = query.get(option)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) > _LARGEST:
        raise ODataError(f"not a whole number from 0 to {_LARGEST}: {text[:40]!r}", 0, option)
    return int(text)


def _count(query: Mapping[str, str], version: Version) -> bool:
    option = "$inlinecount" if version == 2 else "$count"
    words = {"allpages": True, "none": False} if version == 2 else {"true": True, "false": False}
    text = query.get(option)
    if text is None:
        return False
    if text not in words:
        raise ODataError(f"not one of {', '.join(words)}: {text[:40]!r}", 0, option)
    return words[text]


def _path(text: str, at: int, option: str, star: bool = False) -> str:
    name = text.strip()
    parts = name.split("/")
    if star and parts[-1] == "*":
        parts.pop()
    if not name or not all(part.isidentifier() for part in parts):
        raise ODataError(f"not a property path: {name[:60]!r}", at, option)
    return name


def _names(text: str, option: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    at = 0
    for part in text.split(","):
        found[_path(part, at, option, star=True)] = None
        at += len(part) + 1
    return tuple(found)


def _orders(text: str) -> tuple[Order, ...]:
    found = []
    at = 0
    for part in text.split(","):
        words = part.split()
        if len(words) == 2 and words[1] not in ("asc", "desc"):
            raise ODataError(f"not asc or desc: {words[1]!r}", at + part.index(words[1]), "$orderby")
        if not 1 <= len(words) <= 2:
            raise ODataError(f"not a property with asc or desc: {part.strip()[:60]!r}", at, "$orderby")
        found.append(Order(_path(words[0], at, "$orderby"), words[-1] == "desc" and len(words) == 2))
        at += len(part) + 1
    return tuple(found)


# --- version 2: comma separated paths ------------------------------------------------------------


def _paths_expanded(read: ODataQuery, text: str) -> ODataQuery:
    paths = _names(text, "$expand")
    for path in paths:
        if path.count("/") >= _DEEPEST or "*" in path:
            raise ODataError(f"not a path to expand: {path[:60]!r}", text.index(path), "$expand")
    return _branch(read, [path.split("/") for path in paths], [path.split("/") for path in read.select or ()])


def _branch(read: ODataQuery, paths: list[list[str]], selected: list[list[str]]) -> ODataQuery:
    below: dict[str, list[list[str]]] = {}
    for path in paths:
        below.setdefault(path[0], [])
        if len(path) > 1:
            below[path[0]].append(path[1:])
    own: dict[str, None] = {}
    deeper: dict[str, list[list[str]]] = {}
    for path in selected:
        if len(path) > 1 and path[0] in below:
            deeper.setdefault(path[0], []).append(path[1:])
        else:
            own["/".join(path)] = None
    expand = []
    for name, further in below.items():
        chosen = deeper.get(name, [])
        nested = ODataQuery(select=tuple(["/".join(path) for path in chosen]) or None)
        expand.append(Expand(name, _branch(nested, further, chosen)))
    # A V2 client that selects lines/price only wants no property of the header, so the selection stays one.
    return replace(read, select=tuple(own) if selected else None, expand=tuple(expand))


# --- version 4: nested options -------------------------------------------------------------------


def _expanded(text: str, filters: Callable[[str], Predicate], depth: int) -> tuple[Expand, ...]:
    found: dict[str, Expand] = {}
    for part, at in _split(text, ",", 0):
        name, bracket, rest = part.partition("(")
        options: dict[str, str] = {}
        if bracket:
            if not rest.rstrip().endswith(")"):
                raise ODataError("a parenthesis is not closed", at + len(name), "$expand")
            inside = rest.rstrip()[:-1]
            for option, where in _split(inside, ";", at + len(name) + 1):
                key, sign, value = option.strip().partition("=")
                if not sign or not key.startswith("$"):
                    raise ODataError(f"not an option: {option.strip()[:60]!r}", where, "$expand")
                options[key] = value
        name = _path(name, at, "$expand", star=True)
        if name in found:
            raise ODataError(f"{name} is expanded twice", at, "$expand", name)
        found[name] = Expand(name, _parsed(options, 4, filters, depth + 1))
    return tuple(found.values())


def _split(text: str, mark: str, base: int) -> Iterable[tuple[str, int]]:
    """The parts between ``mark`` at the top level, with their positions."""
    parts = []
    depth = start = 0
    quoted = False
    for at, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth < 0:
                raise ODataError("a parenthesis too many", base + at, "$expand")
        elif char == mark and depth == 0:
            parts.append((text[start:at], base + start))
            start = at + 1
    if depth or quoted:
        raise ODataError("a parenthesis or quote is not closed", base + len(text), "$expand")
    parts.append((text[start:], base + start))
    return parts


# --- order ----------------------------------------------------------------------------------------

_AnyRow = TypeVar("_AnyRow", bound=Row)


def in_order(rows: Iterable[_AnyRow], orders: tuple[Order, ...]) -> list[_AnyRow]:
    """The rows sorted, null first when ascending; those that tie stay as they came. Raises `ODataError`."""
    found = list(rows)
    for order in reversed(orders):
        # The reverse of a stable sort would turn ties round, so the comparison is turned instead.
        key = cmp_to_key(_descending if order.descending else _compared)
        found.sort(key=lambda row, key=key, path=order.path: key(_value(row, path)))  # type: ignore[misc]
    return found


def _value(row: Row, path: str) -> Any:
    found: Any = row
    for name in path.split("/"):
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise ODataError(f"{path} is no single value", 0, "$orderby", path)
        found = found.get(name)
    return found


_below = ordered("lt")


def _compared(one: Any, other: Any) -> int:
    if one is None or other is None:
        return (one is not None) - (other is not None)
    try:
        if equal(one, other):
            return 0
        return -1 if _below(one, other) else 1
    except Unlike as trouble:
        raise ODataError(str(trouble), 0, "$orderby") from trouble


def _descending(one: Any, other: Any) -> int:
    return _compared(other, one)
