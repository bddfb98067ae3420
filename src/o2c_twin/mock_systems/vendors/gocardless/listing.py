"""Cursor pages: newest first, ids of the vendor as cursors, filters by link, status and time of making."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from o2c_twin.mock_systems.vendors.gocardless.values import between, instant_of
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect

_Row = TypeVar("_Row")
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500
_BOUNDS = ("gt", "gte", "lt", "lte")
_TIMES = {f"created_at[{bound}]": bound for bound in _BOUNDS}


class Page:
    """What a list call asks for: cursors, limit, bounds of ``created_at``, and the filters of its resource.

    Raises `Refused` (400 ``invalid_filters``) for a parameter the resource does not have, and
    422 for a value that cannot be used.
    """

    __slots__ = ("after", "before", "bounds", "filters", "limit")

    def __init__(self, gc: "GoCardlessDialect", call: Call, filters: Sequence[str], timed: bool = True) -> None:
        query = call.request.query
        self.after = query.get("after")
        self.before = query.get("before")
        self.bounds: dict[str, int] = {}
        self.filters: dict[str, str] = {}
        self.limit = DEFAULT_LIMIT
        for name, value in query.items():
            if name in ("after", "before"):
                continue
            if name == "limit":
                if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= LARGEST_LIMIT):
                    gc.errors.invalid("", [("limit", f"must be a number from 1 to {LARGEST_LIMIT}")])
                self.limit = int(value)
            elif timed and name in _TIMES:
                at = instant_of(value)
                if at is None:
                    gc.errors.invalid("", [(name, "must be an ISO 8601 date-time")])
                self.bounds[_TIMES[name]] = at
            elif name in filters:
                self.filters[name] = value
            else:
                gc.errors.refuse_usage(400, "invalid_filters", f"'{name[:60]}' is not a filter of this resource")
        if self.after is not None and self.before is not None:
            gc.errors.refuse_usage(400, "invalid_filters", "'after' and 'before' cannot be used together")


def answer(
    gc: "GoCardlessDialect",
    envelope: str,
    page: Page,
    rows: Sequence[_Row],
    id_of: Callable[[_Row], str],
    made_at: Callable[[_Row], int],
    shape: Callable[[_Row], Mapping[str, Any]],
    keep: Callable[[_Row], bool] | None = None,
) -> Response:
    """One page of ``rows`` (oldest first), newest first, with the cursors to the pages beside it.

    Raises `Refused` for a cursor that is no row of this list.
    """
    start, end = between(rows, made_at, page.bounds)
    found: list[_Row] = []
    if page.before is None:
        if page.after is not None:
            end = min(end, _place(gc, rows, id_of, page.after))
        position = end - 1
        while position >= start and len(found) <= page.limit:
            if keep is None or keep(rows[position]):
                found.append(rows[position])
            position -= 1
        more, found = len(found) > page.limit, found[: page.limit]
        before = id_of(found[0]) if found and page.after is not None else None
        after = id_of(found[-1]) if more else None
    else:
        position = max(start, _place(gc, rows, id_of, page.before) + 1)
        while position < end and len(found) <= page.limit:
            if keep is None or keep(rows[position]):
                found.append(rows[position])
            position += 1
        more, found = len(found) > page.limit, found[: page.limit][::-1]
        before = id_of(found[0]) if more else None
        after = id_of(found[-1]) if found else None
    body = {
        envelope: [shape(row) for row in found],
        "meta": {"cursors": {"before": before, "after": after}, "limit": page.limit},
    }
    return json_response(200, body)


def _place(gc: "GoCardlessDialect", rows: Sequence[_Row], id_of: Callable[[_Row], str], cursor: str) -> int:
    for position in range(len(rows) - 1, -1, -1):
        if id_of(rows[position]) == cursor:
            return position
    gc.errors.refuse_usage(400, "invalid_filters", "the cursor is not a record of this list")
