"""The search operations: a query, pages, and an index that is behind."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.stripe.errors import refuse
from o2c_twin.mock_systems.vendors.stripe.forms import Params
from o2c_twin.mock_systems.vendors.stripe.searching import condition
from o2c_twin.mock_systems.vendors.stripe.serving import Asked
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.vendors.stripe.versions import Version

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect


class SearchParams(Params, kw_only=True):
    """What every search takes; ``page`` is the ``next_page`` of the last answer."""

    query: str
    limit: int = 10
    page: str | None = None


def search(
    stripe: "StripeDialect",
    asked: Asked,
    params: SearchParams,
    kind: str,
    rows: Iterable[Any],
    show: Callable[[Any, Version], Shape],
) -> Shape:
    """Records that meet a query, newest first; one younger than the index's lag is not found."""
    if not 1 <= params.limit <= 100:
        refuse(400, "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    holds = condition(params.query, kind)
    indexed = asked.now - int(stripe.config.search_lag_s * 1_000_000)
    found = [shown for row in rows if row.created_at <= indexed and holds(shown := show(row, asked.version))]
    found.reverse()
    start = 0
    if params.page is not None:
        place = next((n for n, shown in enumerate(found) if shown["id"] == params.page), None)
        if place is None:
            refuse(400, "Invalid page: use next_page of the answer before.", param="page")
        start = place + 1
    end = start + params.limit
    more = len(found) > end
    return {
        "object": "search_result",
        "data": found[start:end],
        "has_more": more,
        "next_page": found[end - 1]["id"] if more else None,
        "url": f"/v1/{kind}s/search",
        "_total": len(found),
    }
