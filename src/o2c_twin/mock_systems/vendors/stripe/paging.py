"""Lists, newest first, with object ids for cursors (API reference, "Pagination")."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec

from o2c_twin.mock_systems.vendors.stripe.errors import no_such, refuse
from o2c_twin.mock_systems.vendors.stripe.forms import Params
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

_R = TypeVar("_R")
Instant = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]


class Span(msgspec.Struct, forbid_unknown_fields=True):
    """A range of Unix seconds."""

    gt: Instant | None = None
    gte: Instant | None = None
    lt: Instant | None = None
    lte: Instant | None = None

    def holds(self, second: int) -> bool:
        """Whether a second is in it."""
        return not (
            (self.gt is not None and second <= self.gt)
            or (self.gte is not None and second < self.gte)
            or (self.lt is not None and second >= self.lt)
            or (self.lte is not None and second > self.lte)
        )

    def before(self, second: int) -> bool:
        """Whether all of it is later than a second."""
        return (self.gt is not None and second <= self.gt) or (self.gte is not None and second < self.gte)


class ListParams(Params, kw_only=True):
    """What every list takes."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


class DatedListParams(ListParams, kw_only=True):
    """What a list of records with a creation date takes."""

    created: Instant | Span | None = None


def span_of(created: int | Span | None) -> Span | None:
    """One second, or a range of them."""
    return Span(gte=created, lte=created) if isinstance(created, int) else created


def page(
    newest_first: Iterable[_R],
    params: ListParams,
    url: str,
    kind: str,
    key: Callable[[_R], str],
    show: Callable[[_R], Shape],
) -> Shape:
    """One page of a list. Raises `Refused` for a bad limit or an unknown cursor."""
    if not 1 <= params.limit <= 100:
        refuse(400, "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    if params.starting_after is not None and params.ending_before is not None:
        refuse(400, "You can use starting_after or ending_before, not both.", param="ending_before")
    rows: Iterator[_R] = iter(newest_first)
    if params.ending_before is not None:
        newer: list[_R] = []
        for row in rows:
            if key(row) == params.ending_before:
                break
            newer.append(row)
        else:
            no_such(kind, params.ending_before, "ending_before", in_path=False)
        shown = newer[-params.limit :]
        return _listing(url, [show(row) for row in shown], len(newer) > params.limit)
    if params.starting_after is not None:
        for row in rows:
            if key(row) == params.starting_after:
                break
        else:
            no_such(kind, params.starting_after, "starting_after", in_path=False)
    found = list(islice(rows, params.limit + 1))
    return _listing(url, [show(row) for row in found[: params.limit]], len(found) > params.limit)


def _listing(url: str, rows: list[Shape], has_more: bool) -> Shape:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def newest(table: dict[str, Any], created: int | Span | None = None) -> Iterator[Any]:
    """The records of a table, newest first, created in a range."""
    span = span_of(created)
    for record in reversed(table.values()):
        if span is None or span.holds(record.created_at // 1_000_000):
            yield record
