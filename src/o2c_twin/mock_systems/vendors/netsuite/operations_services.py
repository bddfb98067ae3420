"""Services beside the records: SuiteQL, the metadata catalogue, governance limits, asynchronous jobs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.vendors.netsuite.answers import RECORDS, collection, page_of, root_of
from o2c_twin.mock_systems.vendors.netsuite.errors import invalid_parameter, nonexistent, problem, refuse
from o2c_twin.mock_systems.vendors.netsuite.fields import PROPERTIES, Properties
from o2c_twin.mock_systems.vendors.netsuite.jobs import shown_job, shown_task
from o2c_twin.mock_systems.vendors.netsuite.limits import account_limit
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.query.errors import QueryError, RuleBroken, UnknownEntity, UnknownField
from o2c_twin.mock_systems.wire.query.results import Plan
from o2c_twin.mock_systems.wire.query.suiteql_plan import prepare
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect

MOST_ROWS = 100_000
"""Rows a query may page through. Source: Oracle help, "Collection Paging" (without SuiteAnalytics Connect)."""

_INVALID = "Invalid search query. Detailed unprocessed description follows. Search error occurred: "


class QueryBody(msgspec.Struct):
    """What a SuiteQL request sends."""

    q: str = ""


def run_suiteql(dialect: "NetSuiteDialect", call: Call) -> Response:
    """One page of a query's rows."""
    request = call.request
    if request.headers.get("prefer", "").strip().lower() != "transient":
        text = "The required request header Prefer is missing or has an invalid value. Its value must be 'transient'."
        raise Refused(problem(400, "INVALID_HEADER", text, header="Prefer"))
    limit, offset = page_of(request)
    if offset + limit > MOST_ROWS:
        invalid_parameter("offset", f"No more than {MOST_ROWS} results can be read.")
    if not call.body.q.strip():
        invalid_parameter("q", "The parameter q is required and cannot be empty.")
    try:
        plan = dialect.plans.plan(call.body.q, lambda text: _prepared(dialect, text, call.now))
        result = plan.run()
    except QueryError as bad:
        invalid_parameter("q", _INVALID + _words(bad))
    rows = result.rows(offset, offset + limit)
    items = [{"links": [], **row} for row in rows]
    return collection(request, items, min(result.total, MOST_ROWS), limit, offset)


def _prepared(dialect: "NetSuiteDialect", text: str, now: int) -> Plan:
    return prepare(text, dialect.ledger, now, _oracle_model(dialect.config.date_format))


def _oracle_model(date_format: str) -> str:
    # Oracle's MM and DD also read one digit.
    parts = {"M": "MM", "D": "DD"}
    separator = next(c for c in date_format if not c.isalpha())
    return separator.join(parts.get(part, part) for part in date_format.split(separator))


def _words(bad: QueryError) -> str:
    if isinstance(bad, UnknownEntity):
        return f"Record '{bad.entity}' was not found."
    if isinstance(bad, UnknownField):
        return f"Field '{bad.field}' for record '{bad.entity}' was not found. Reason: REMOVED - Field is removed"
    if isinstance(bad, RuleBroken) and bad.rule == "unknown function":
        return f"Function '{bad.subject}' is not supported."
    return f"Invalid or unsupported search ({bad})."


# --- metadata ------------------------------------------------------------------------------------


def list_metadata(dialect: "NetSuiteDialect", call: Call) -> Response:
    """The record types covered; as an OpenAPI document when that is accepted."""
    accept = call.request.headers.get("accept", "")
    selected = call.request.query.get("select")
    names = list(PROPERTIES) if not selected else [name for name in PROPERTIES if name in selected.split(",")]
    if "swagger" in accept:
        return json_response(200, _openapi(names), None, "application/swagger+json")
    address = f"{root_of(call.request)}/metadata-catalog"
    items = [{"name": name, "links": _metadata_links(address, name)} for name in names]
    return json_response(200, {"items": items, "links": [{"rel": "self", "href": address}]})


def read_metadata(dialect: "NetSuiteDialect", call: Call) -> Response:
    """The JSON schema of one record type."""
    name = call.params["type"]
    properties = PROPERTIES.get(name)
    if properties is None:
        nonexistent()
    accept = call.request.headers.get("accept", "")
    if "swagger" in accept:
        return json_response(200, _openapi([name]), None, "application/swagger+json")
    schema = {"$schema": "http://json-schema.org/draft-06/hyper-schema#", **_schema(properties)}
    return json_response(200, schema, None, "application/schema+json")


def _metadata_links(address: str, name: str) -> list[dict[str, str]]:
    return [
        {"rel": "canonical", "href": f"{address}/{name}"},
        {"rel": "describes", "href": f"{address.removesuffix('/metadata-catalog')}/{name}"},
        {"rel": "alternate", "href": f"{address}/{name}", "mediaType": "application/schema+json"},
        {"rel": "alternate", "href": f"{address}/{name}", "mediaType": "application/swagger+json"},
    ]


def _schema(properties: Properties) -> dict[str, Any]:
    described: dict[str, Any] = {name: _type(kind) for name, kind in properties.kept.items()}
    for name in sorted(properties.accepted):
        described[name] = {"title": name}
    for name, line in properties.sublists.items():
        items = {"type": "object", "properties": {each: {"title": each} for each in sorted(line)}}
        described[name] = {"type": "object", "properties": {"items": {"type": "array", "items": items}}}
    return {"type": "object", "properties": described}


def _type(kind: str) -> Mapping[str, str]:
    if kind in ("date", "date-time"):
        return {"type": "string", "format": kind}
    return {"type": kind}


def _openapi(names: list[str]) -> dict[str, Any]:
    reference = "#/components/schemas/"
    paths: dict[str, Any] = {}
    for name in names:
        answer = {"200": {"description": name, "content": {"application/json": {"schema": {"$ref": reference + name}}}}}
        key = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
        paths[f"/{name}/{{id}}"] = {"get": {"tags": [name], "parameters": key, "responses": answer}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "NetSuite REST Record API", "version": "v1"},
        "servers": [{"url": RECORDS}],
        "paths": paths,
        "components": {"schemas": {name: _schema(PROPERTIES[name]) for name in names}},
    }


# --- governance and jobs -------------------------------------------------------------------------


def read_governance_limits(dialect: "NetSuiteDialect", call: Call) -> Response:
    """The account's concurrency limit; for administrators only."""
    if not dialect.by_name[call.principal.app].administrator:
        refuse(403, "INSUFFICIENT_PERMISSION", "You do not have permission to access this resource.")
    limit = account_limit(dialect.config)
    body = {
        "accountConcurrencyLimit": limit,
        "accountUnallocatedConcurrencyLimit": limit,
        "integrationLimitType": "accountLimit",
    }
    return json_response(200, body)


def read_job(dialect: "NetSuiteDialect", call: Call) -> Response:
    """State of an asynchronous request."""
    return shown_job(dialect.jobs.find(call.params["job"]), call.request.url)


def read_task(dialect: "NetSuiteDialect", call: Call) -> Response:
    """State of its one task."""
    if call.params.get("task", "1") != "1":
        nonexistent()
    return shown_task(dialect.jobs.find(call.params["job"]), call.request.url)


def read_task_result(dialect: "NetSuiteDialect", call: Call) -> Response:
    """The answer the request would have had, had it not been asynchronous."""
    if call.params["task"] != "1":
        nonexistent()
    result = dialect.jobs.find(call.params["job"]).result
    return Response(result.status, result.body, dict(result.headers))
