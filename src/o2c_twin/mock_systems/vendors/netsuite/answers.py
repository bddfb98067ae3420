"""The answers every record operation gives: a record, a collection page, or 204 with the record's address."""

from typing import Any
from urllib.parse import quote, urlencode

from o2c_twin.mock_systems.vendors.netsuite.errors import invalid_parameter
from o2c_twin.mock_systems.wire.message import Request, Response, json_response

RECORDS = "/services/rest/record/v1"
QUERY = "/services/rest/query/v1"
SYSTEM = "/services/rest/system/v1"
ASYNC = "/services/rest/async/v1"

MOST_PER_PAGE = 1_000
_SINGULAR = "application/vnd.oracle.resource+json; type=singular"
_COLLECTION = "application/vnd.oracle.resource+json; type=collection"


def root_of(request: Request) -> str:
    """The address of the record service as the client spelled the server's."""
    return request.url + RECORDS


def singular(shape: dict[str, Any], request: Request) -> Response:
    """One record; ``fields`` in the query keeps only those properties (and links and id)."""
    wanted = request.query.get("fields")
    if wanted:
        names = {"links": None, "id": None, **dict.fromkeys(wanted.split(","))}
        shape = {name: value for name, value in shape.items() if name in names}
    return json_response(200, shape, None, _SINGULAR)


def written(request: Request, record_type: str, id_: str) -> Response:
    """A write was done: no body, the record's address in ``Location``."""
    return Response(204, b"", {"Location": f"{request.url}{RECORDS}/{record_type}/{id_}"})


def page_of(request: Request) -> tuple[int, int]:
    """Limit and offset of a request for a page. Raises `Refused` for what NetSuite does not take."""
    limit = _count(request, "limit", MOST_PER_PAGE)
    offset = _count(request, "offset", 0)
    if not 1 <= limit <= MOST_PER_PAGE:
        invalid_parameter("limit", f"The limit must be between 1 and {MOST_PER_PAGE}.")
    if offset % limit:
        invalid_parameter("offset", "The offset must be divisible by the limit.")
    return limit, offset


def _count(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 9:
        invalid_parameter(name, f"Invalid value '{text[:40]}' for parameter {name}: a whole number is needed.")
    return int(text)


def collection(request: Request, items: list[dict[str, Any]], total: int, limit: int, offset: int) -> Response:
    """One page of ``total`` results, with links to the others."""
    more = offset + len(items) < total
    body = {
        "links": _page_links(request, total, limit, offset, more),
        "count": len(items),
        "hasMore": more,
        "items": items,
        "offset": offset,
        "totalResults": total,
    }
    return json_response(200, body, None, _COLLECTION)


def _page_links(request: Request, total: int, limit: int, offset: int, more: bool) -> list[dict[str, str]]:
    others = {k: v for k, v in request.query.items() if k not in ("limit", "offset")}
    address = f"{request.url}{quote(request.path)}?{urlencode(others) + '&' if others else ''}"
    places = []
    if offset:
        places += [("first", 0), ("prev", offset - limit)]
    if more:
        places += [("next", offset + limit), ("last", (total - 1) // limit * limit)]
    places.append(("self", offset))
    return [{"rel": rel, "href": f"{address}limit={limit}&offset={at}"} for rel, at in places]
