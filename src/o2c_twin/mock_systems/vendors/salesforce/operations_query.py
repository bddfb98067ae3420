"""Operations that run SOQL, page by page."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.versions import DATA, versioned
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect

_REST = "REST API Developer Guide"
PAGE = 2_000
SMALLEST_PAGE = 200
LONGEST_URI = 16_384
"""Address and headers together, in bytes. Source: Salesforce Developer Limits Quick Reference, API limits."""


def _page_size(call: Call) -> int:
    options = call.request.headers.get("sforce-query-options", "")
    for option in options.split(","):
        name, _, value = option.partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdigit():
            return min(PAGE, max(SMALLEST_PAGE, int(value)))
    return PAGE


def _query(dialect: "SalesforceDialect", call: Call, deleted: bool) -> Response:
    text = call.request.query.get("q", "")
    if len(text) > LONGEST_URI:
        return Response(414)
    if not text:
        raise errors.ApiError(400, "MALFORMED_QUERY", "query parameter q is required")
    page = dialect.queries.first_page(
        text, call.params["version"], call.principal.user, call.now, _page_size(call), deleted
    )
    return json_response(200, page)


@versioned
def query(dialect: "SalesforceDialect", call: Call) -> Response:
    """Records that match."""
    return _query(dialect, call, deleted=False)


@versioned
def query_all(dialect: "SalesforceDialect", call: Call) -> Response:
    """Records that match, deleted ones too."""
    return _query(dialect, call, deleted=True)


@versioned
def next_page(dialect: "SalesforceDialect", call: Call) -> Response:
    """The next records of a long answer."""
    page = dialect.queries.next_page(call.params["locator"], call.params["version"], call.principal.user, call.now)
    return json_response(200, page)


QUERY_ROUTES: tuple[Operation, ...] = (
    Operation("query.run", "GET", f"{DATA}/query", query, "Run SOQL", source=f"{_REST}, Query"),
    Operation(
        "query.next", "GET", f"{DATA}/query/{{locator}}", next_page, "More of an answer", source=f"{_REST}, Query"
    ),
    Operation(
        "queryAll.run",
        "GET",
        f"{DATA}/queryAll",
        query_all,
        "Run SOQL over deleted rows too",
        source=f"{_REST}, QueryAll",
    ),
    Operation(
        "queryAll.next",
        "GET",
        f"{DATA}/queryAll/{{locator}}",
        next_page,
        "More of an answer",
        source=f"{_REST}, QueryAll",
    ),
)
