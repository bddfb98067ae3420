"""All operations of the vendor, and those about the org itself: versions, resources, login, limits, identity."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.limits import (
    BULK_BATCHES_A_DAY,
    BULK_QUERY_JOBS_A_DAY,
    DAILY,
    daily_calls,
)
from o2c_twin.mock_systems.vendors.salesforce.login import soap_answer, token_answer
from o2c_twin.mock_systems.vendors.salesforce.operations_bulk import BULK_ROUTES
from o2c_twin.mock_systems.vendors.salesforce.operations_collections import COLLECTION_ROUTES
from o2c_twin.mock_systems.vendors.salesforce.operations_composite import COMPOSITE_ROUTES
from o2c_twin.mock_systems.vendors.salesforce.operations_query import QUERY_ROUTES
from o2c_twin.mock_systems.vendors.salesforce.operations_sobject import SOBJECT_ROUTES
from o2c_twin.mock_systems.vendors.salesforce.versions import DATA, VERSIONS, versioned
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect

_SEASONS = ("Winter", "Spring", "Summer")
_REST = "REST API Developer Guide"


def _form(call: Call) -> dict[str, str]:
    """Parameters of a token request: from the form in the body, or else from the query."""
    body = dict(parse_qsl(call.request.body.decode("utf-8", "replace"), keep_blank_values=True))
    return body or call.request.query


def versions(dialect: "SalesforceDialect", call: Call) -> Response:
    """The API versions of the org, oldest first."""
    listed = []
    for number in VERSIONS:
        year, season = divmod(number - 59, 3)
        listed.append(
            {
                "label": f"{_SEASONS[season]} '{24 + year:02d}",
                "url": f"/services/data/v{number}.0",
                "version": f"{number}.0",
            }
        )
    return json_response(200, listed)


@versioned
def resources(dialect: "SalesforceDialect", call: Call) -> Response:
    """The resources of a version."""
    base = f"/services/data/{call.params['version']}"
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
    return json_response(200, {name: f"{base}/{name}" for name in names})


def token(dialect: "SalesforceDialect", call: Call) -> Response:
    """A session for an OAuth grant."""
    basic = call.request.headers.get("authorization", "")
    return token_answer(dialect.login, _form(call), basic, call.request.url, call.now)


def revoke(dialect: "SalesforceDialect", call: Call) -> Response:
    """End a session."""
    if dialect.login.close(_form(call).get("token", "")):
        return Response(200)
    return json_response(400, {"error": "unsupported_token_type", "error_description": "this token type is unknown"})


def soap_login(dialect: "SalesforceDialect", call: Call) -> Response:
    """A session for user name and password, in XML."""
    return soap_answer(dialect.login, call.request.body, call.params["version"], call.request.url, call.now)


def userinfo(dialect: "SalesforceDialect", call: Call) -> Response:
    """Who is logged in, as OpenID Connect tells it."""
    org = dialect.org
    return json_response(
        200,
        {
            "sub": f"{call.request.url}/id/{org.organization.id}/{org.user.id}",
            "user_id": org.user.id,
            "organization_id": org.organization.id,
            "preferred_username": org.user.username,
            "name": org.user.name,
            "email": org.user.username,
            "active": True,
        },
    )


def identity(dialect: "SalesforceDialect", call: Call) -> Response:
    """The user behind the ``id`` of a token answer."""
    org, base = dialect.org, call.request.url
    if call.params["org"] != org.organization.id or call.params["user"] != org.user.id:
        raise errors.not_found()
    return json_response(
        200,
        {
            "id": f"{base}/id/{org.organization.id}/{org.user.id}",
            "user_id": org.user.id,
            "organization_id": org.organization.id,
            "username": org.user.username,
            "display_name": org.user.name,
            "urls": {
                "rest": f"{base}/services/data/v{{version}}/",
                "sobjects": f"{base}/services/data/v{{version}}/sobjects/",
                "query": f"{base}/services/data/v{{version}}/query/",
            },
            "active": True,
        },
    )


@versioned
def limits(dialect: "SalesforceDialect", call: Call) -> Response:
    """Allowances and what is left of them."""
    quota = daily_calls(dialect.config)
    left = quota - dialect.limiter.used(DAILY, call.principal, call.now)
    since = call.now - 86_400_000_000
    batches, queries = dialect.jobs.batches(since), dialect.jobs.queries(since)
    return json_response(
        200,
        {
            "DailyApiRequests": {"Max": quota, "Remaining": left},
            "DailyBulkApiBatches": {"Max": BULK_BATCHES_A_DAY, "Remaining": BULK_BATCHES_A_DAY - batches},
            "DailyBulkV2QueryJobs": {"Max": BULK_QUERY_JOBS_A_DAY, "Remaining": BULK_QUERY_JOBS_A_DAY - queries},
        },
    )


ROUTES: tuple[Operation, ...] = (
    Operation(
        "versions.list", "GET", "/services/data", versions, "API versions", open=True, source=f"{_REST}, Versions"
    ),
    Operation(
        "resources.list", "GET", DATA, resources, "Resources of a version", source=f"{_REST}, Resources by Version"
    ),
    Operation(
        "session.token",
        "POST",
        "/services/oauth2/token",
        token,
        "Log in with an OAuth grant",
        open=True,
        source="Salesforce Help, OAuth Authorization Flows",
    ),
    Operation(
        "session.revoke",
        "POST",
        "/services/oauth2/revoke",
        revoke,
        "End a session",
        open=True,
        source="Salesforce Help, Revoke OAuth Tokens",
    ),
    Operation(
        "session.soapLogin",
        "POST",
        "/services/Soap/u/{version}",
        soap_login,
        "Log in with user name and password",
        open=True,
        standing="recorded",
        source="simple-salesforce 1.12",
    ),
    Operation(
        "identity.userinfo",
        "GET",
        "/services/oauth2/userinfo",
        userinfo,
        "Who is logged in",
        source="Salesforce Help, The UserInfo Endpoint",
    ),
    Operation(
        "identity.read",
        "GET",
        "/id/{org}/{user}",
        identity,
        "The user of an identity URL",
        source="Salesforce Help, Identity URLs",
    ),
    Operation("limits.read", "GET", f"{DATA}/limits", limits, "Allowances of the org", source=f"{_REST}, Limits"),
    *SOBJECT_ROUTES,
    *QUERY_ROUTES,
    *COMPOSITE_ROUTES,
    *COLLECTION_ROUTES,
    *BULK_ROUTES,
)
