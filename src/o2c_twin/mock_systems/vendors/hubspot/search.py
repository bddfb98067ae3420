"""Search: filter groups, free text, sorts and pages over what the index shows.

Source: HubSpot developer documentation, "Search the CRM" (limits on groups and filters, operators, pages of
200, 10,000 results a query).
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.index import Index
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal
from o2c_twin.mock_systems.vendors.hubspot.records import Shape, comparable
from o2c_twin.mock_systems.vendors.hubspot.schema import Property
from o2c_twin.mock_systems.vendors.hubspot.values import as_text, read_millis

MOST_GROUPS, MOST_IN_GROUP, MOST_FILTERS = 5, 10, 25
MOST_RESULTS, MOST_PAGE, PAGE = 10_000, 200, 10
MOST_QUERY = 3_000
Json = dict[str, Any]
Test = Callable[[Any], bool]


class Filter(msgspec.Struct, frozen=True):
    """One condition; ``highValue`` belongs to BETWEEN, ``values`` to IN and NOT_IN."""

    propertyName: str
    operator: str
    value: Any = None
    highValue: Any = None
    values: tuple[Any, ...] = ()


class FilterGroup(msgspec.Struct, frozen=True):
    """Conditions that must all hold."""

    filters: tuple[Filter, ...] = ()


class Sort(msgspec.Struct, frozen=True):
    """An order."""

    propertyName: str
    direction: str = "ASCENDING"


class SearchRequest(msgspec.Struct, frozen=True):
    """A search. Groups are alternatives; ``filters`` alone stand for one group."""

    filterGroups: tuple[FilterGroup, ...] = ()
    filters: tuple[Filter, ...] = ()
    sorts: tuple[Sort | str, ...] = ()
    query: str | None = None
    properties: tuple[str, ...] | None = None
    limit: int | None = None
    after: str | int | None = None


class _Condition(msgspec.Struct, frozen=True, gc=False):
    holds: Test
    property: Property
    operator: str
    value: str


def run(portal: Portal, index: Index, shape: Shape, asked: SearchRequest, now: int) -> Json:
    """The page a search asks for. Raises `ApiError`."""
    groups = [group.filters for group in asked.filterGroups] or ([asked.filters] if asked.filters else [])
    limit = PAGE if asked.limit is None else asked.limit
    start = _offset(asked.after)
    _check_sizes(groups, limit, start, asked)
    conditions = [[_condition(shape, each) for each in group] for group in groups]
    order = _order(shape, asked.sorts)
    text = _query(shape, asked.query)
    found = []
    for id_ in _candidates(portal, index, shape, conditions):
        row = index.visible(shape.kind, id_, now)
        if row is None or (text is not None and not text(row)):
            continue
        if not conditions or any(all(c.holds(row) for c in group) for group in conditions):
            found.append(row)
    order(found)
    page = found[start : start + limit]
    answer: Json = {"total": len(found), "results": [shape.record(row, asked.properties) for row in page]}
    if start + limit < len(found):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return answer


def _offset(after: str | int | None) -> int:
    if after is None or after == "":
        return 0
    text = str(after)
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise errors.bad_request(f"Invalid input JSON: after must be the value of paging.next.after, not {text[:40]!r}")
    return int(text)


def _check_sizes(groups: list[tuple[Filter, ...]], limit: int, start: int, asked: SearchRequest) -> None:
    if len(groups) > MOST_GROUPS:
        raise errors.bad_request(f"There may be at most {MOST_GROUPS} filterGroups")
    if any(len(group) > MOST_IN_GROUP for group in groups):
        raise errors.bad_request(f"There may be at most {MOST_IN_GROUP} filters in a filterGroup")
    if sum(map(len, groups)) > MOST_FILTERS:
        raise errors.bad_request(f"There may be at most {MOST_FILTERS} filters")
    if not 0 < limit <= MOST_PAGE:
        raise errors.bad_request(f"limit must be between 1 and {MOST_PAGE}")
    if len(asked.sorts) > 1:
        raise errors.bad_request("There may be only one sort")
    if asked.query is not None and len(asked.query) > MOST_QUERY:
        raise errors.bad_request(f"query may have at most {MOST_QUERY} characters")
    if start >= MOST_RESULTS or start + limit > MOST_RESULTS:
        raise errors.bad_request(f"Search results are limited to {MOST_RESULTS}: no page goes beyond that")


def _candidates(portal: Portal, index: Index, shape: Shape, groups: list[list[_Condition]]) -> Iterable[str]:
    """Ids among which all results are. Every group must narrow them, or all records are looked at."""
    narrowed: dict[str, None] = {}
    for group in groups:
        ids = next((found for c in group if (found := _narrow(portal, index, shape, c)) is not None), None)
        if ids is None:
            return index.ids(shape.kind)
        narrowed.update(dict.fromkeys(ids))
    return narrowed if groups else index.ids(shape.kind)


def _narrow(portal: Portal, index: Index, shape: Shape, condition: _Condition) -> Iterable[str] | None:
    found, core = condition.property, portal.core
    if condition.operator in ("GT", "GTE", "BETWEEN") and found.name == shape.type.modified:
        since = read_millis(condition.value)
        # What search shows as changed after an instant was changed after it: it is in the feed.
        return None if since is None else [c.id for c in core.state.feed.since(shape.kind, since * 1_000 - 1)]
    if condition.operator == "EQ" and found.name == "hs_object_id":
        return [condition.value]
    if condition.operator == "EQ" and found.unique and found.source == "own":
        return [*(row.id for row in core.find(shape.kind, found.name, condition.value)), *index.waiting(shape.kind)]
    return None


def _property(shape: Shape, name: str) -> Property:
    found = shape.properties.get(name)
    if found is None:
        raise errors.bad_request(f"There was a problem with the request. Property {name} does not exist.")
    return found


def _condition(shape: Shape, each: Filter) -> _Condition:
    found = _property(shape, each.propertyName)
    text = "" if each.value is None else as_text(each.value) or ""
    return _Condition(_test(shape, found, each, text), found, each.operator, text)


def _test(shape: Shape, found: Property, each: Filter, text: str) -> Test:
    name, operator = found.name, each.operator
    value = shape.sortable(name)

    match operator:
        case "HAS_PROPERTY":
            return lambda row: shape.value(row, name) is not None
        case "NOT_HAS_PROPERTY":
            return lambda row: shape.value(row, name) is None
        case "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "BETWEEN":
            wanted = _operand(found, operator, text)
            high = _operand(found, operator, as_text(each.highValue) or "") if operator == "BETWEEN" else wanted
            compare = _COMPARE[operator]
            if operator == "NEQ":
                return lambda row: value(row) != wanted
            return lambda row: (held := value(row)) is not None and compare(held, wanted, high)
        case "IN" | "NOT_IN":
            if not each.values:
                raise errors.bad_request(f"There was a problem with the request. {operator} needs values.")
            among = [_operand(found, operator, as_text(v) or "") for v in each.values]
            if operator == "IN":
                return lambda row: value(row) in among
            return lambda row: (held := value(row)) is not None and held not in among
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            has = _has_token(text.lower())
            if operator == "CONTAINS_TOKEN":
                return lambda row: has((shape.value(row, name) or "").lower())
            return lambda row: not has((shape.value(row, name) or "").lower())
        case _:
            raise errors.bad_request(f"Invalid input JSON: no operator {operator[:40]!r}")


_COMPARE: dict[str, Callable[[Any, Any, Any], bool]] = {
    "EQ": lambda held, low, high: held == low,
    "NEQ": lambda held, low, high: held != low,
    "LT": lambda held, low, high: held < low,
    "LTE": lambda held, low, high: held <= low,
    "GT": lambda held, low, high: held > low,
    "GTE": lambda held, low, high: held >= low,
    "BETWEEN": lambda held, low, high: low <= held <= high,
}


def _operand(found: Property, operator: str, text: str) -> Any:
    wanted = comparable(found, text) if text else None
    if wanted is None:
        raise errors.bad_request(
            f"There was a problem with the request. {operator} of {found.name} needs a {found.type} value."
        )
    return wanted


def _has_token(wanted: str) -> Test:
    """A word in a text; ``*`` at an end stands for any letters."""
    word = wanted.strip("*")
    if wanted.startswith("*") and wanted.endswith("*"):
        return lambda text: word in text
    if wanted.endswith("*"):
        return lambda text: any(token.startswith(word) for token in _tokens(text))
    if wanted.startswith("*"):
        return lambda text: any(token.endswith(word) for token in _tokens(text))
    words = _tokens(wanted)
    return lambda text: bool(words) and all(each in _tokens(text) for each in words)


def _tokens(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()


def _query(shape: Shape, query: str | None) -> Test | None:
    if not query or not query.strip():
        return None
    words, names = query.lower().split(), shape.type.searched

    def holds(row: Any) -> bool:
        text = " ".join(shape.value(row, name) or "" for name in names).lower()
        return all(word in text for word in words)

    return holds


def _order(shape: Shape, sorts: tuple[Sort | str, ...]) -> Callable[[list[Any]], None]:
    if not sorts:
        # Without a sort the oldest come first (documented).
        return lambda rows: rows.sort(key=lambda row: (row.created_at, int(row.id)))
    sort = sorts[0]
    name, direction = (sort, "ASCENDING") if isinstance(sort, str) else (sort.propertyName, sort.direction)
    if name.startswith("-"):
        name, direction = name[1:], "DESCENDING"
    found = _property(shape, name)
    if direction not in ("ASCENDING", "DESCENDING"):
        raise errors.bad_request(f"Invalid input JSON: no direction {direction[:40]!r}")
    down = direction == "DESCENDING"
    key = shape.sortable(found.name)

    def order(rows: list[Any]) -> None:
        keyed = [(key(row), int(row.id), row) for row in rows]
        having = [each for each in keyed if each[0] is not None]
        having.sort(key=lambda each: each[:2], reverse=down)
        # Records without a value come last, in either direction (assumed).
        rows[:] = [row for _, _, row in having] + [row for value, _, row in keyed if value is None]

    return order
