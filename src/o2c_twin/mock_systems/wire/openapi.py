"""OpenAPI from the route table, so that the document cannot say what the server does not do."""

from typing import Any

import msgspec

from o2c_twin.mock_systems.wire.route import Operation
from o2c_twin.mock_systems.wire.server import MockServer

SCHEMA_REF = "#/components/schemas/{name}"
"""How msgspec spells a reference to a named schema of the document."""
_METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
"""The methods of a path item (OpenAPI 3.1, 4.8.9)."""


def openapi_document(server: MockServer, control: dict[str, Any], types: tuple[Any, ...]) -> dict[str, Any]:
    """The control plane's document, which refers to ``types``, with the vendor's operations added to it."""
    operations = server.dialect.routes
    types = (*types, *(t for op in operations for t in (op.body, op.answer) if t is not None))
    schemas, components = msgspec.json.schema_components(types, ref_template=SCHEMA_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Any] = dict(control.get("paths", {}))
    for operation in operations:
        paths.setdefault(operation.path, {})[_key(operation.method)] = _describe(operation, by_type)
    own = control.get("components", {}).get("schemas", {})
    return {**control, "paths": paths, "components": {"schemas": {**own, **components}}}


def _key(method: str) -> str:
    """Where a path item has a method; one OpenAPI has no place for (OData's MERGE) is an extension."""
    return method.lower() if method in _METHODS else f"x-{method.lower()}"


def _describe(operation: Operation, by_type: dict[str, dict[str, Any]]) -> dict[str, Any]:
    names = [s[1:-1] for s in operation.path.split("/") if s.startswith("{")]
    answer: dict[str, Any] = {"description": operation.summary}
    if operation.answer is not None:
        answer["content"] = {"application/json": {"schema": by_type[repr(operation.answer)]}}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": list(operation.tags) or [operation.name.split(".")[0]],
        "description": f"{operation.standing}: {operation.source}" if operation.source else operation.standing,
        "parameters": [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names],
        "responses": {str(operation.success): answer},
    }
    if operation.body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": by_type[repr(operation.body)]}}}
    return described
