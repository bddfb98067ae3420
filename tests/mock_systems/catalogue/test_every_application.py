"""Every system as an application: a valid OpenAPI document, and the vendor's own refusal of what is not modelled."""

import asyncio
import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from o2c_twin.mock_systems import catalogue
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.server import MockServer

NOT_FOUND = {
    "bank_files": lambda body: json.loads(body)["code"] == "NOT_FOUND",
    "bank_iso20022": lambda body: json.loads(body)["error"] == "not_found",
    "business_central": lambda body: json.loads(body)["error"]["code"] == "BadRequest_NotFound",
    "gocardless": lambda body: json.loads(body)["error"]["errors"][0]["reason"] == "not_found",
    "hubspot": lambda body: json.loads(body)["category"] == "OBJECT_NOT_FOUND",
    "legacy_erp": lambda body: "no HTTP interface" in json.loads(body)["error"],
    "netsuite": lambda body: json.loads(body)["o:errorDetails"][0]["o:errorCode"] == "NONEXISTENT_ID",
    "s4hana": lambda body: b"<h1>Not Found</h1>" in body,
    "salesforce": lambda body: json.loads(body)[0]["errorCode"] == "NOT_FOUND",
    "stripe": lambda body: json.loads(body)["error"]["message"].startswith("Unrecognized request URL"),
}
"""Whether a body is the vendor's answer about an address nobody serves."""


@pytest.fixture(scope="module", params=catalogue.names())
def app(request):
    """A system as an application, made once: no test here changes it, but for its journal."""
    world = catalogue.still_world()
    server = MockServer(request.param, catalogue.sample(request.param, world), world)
    return MockApp(server, "control"), server


def test_the_openapi_document_is_valid_for_an_independent_reader(app):
    application, server = app
    document = json.loads(json.dumps(application.openapi()))
    OpenAPIV31SpecValidator(document).validate()
    ids = [
        each["operationId"] for item in document["paths"].values() for each in item.values() if isinstance(each, dict)
    ]
    assert sorted(operation.name for operation in server.dialect.routes) == sorted(
        id_ for id_ in ids if not id_.endswith(("_get", "_post", "_put", "_delete"))
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/no/such/thing", "/", "/v999/orders/1"])
def test_what_is_not_modelled_is_the_vendors_not_found_and_journalled(app, method, path):
    application, server = app
    before = len(server.journal.entries)
    body = b"" if method == "GET" else b"{}"
    answer = asyncio.run(call_asgi(application, Request(method, path, {}, {}, body)))
    assert answer.status == 404
    assert NOT_FOUND[server.name](answer.body)
    (entry,) = list(server.journal.entries)[before:]
    assert (entry.operation, entry.path, entry.status) == ("not modelled", path, 404)
