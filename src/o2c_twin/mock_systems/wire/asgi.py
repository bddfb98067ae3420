"""A mock server as an ASGI application: FastAPI for its pages, a direct path for the vendor's calls."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI

from o2c_twin.mock_systems.wire.control import CONTROL_TYPES, control_router
from o2c_twin.mock_systems.wire.message import Request, TransportFault
from o2c_twin.mock_systems.wire.openapi import openapi_document
from o2c_twin.mock_systems.wire.server import MockServer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONTROL_PREFIX = "/_o2c"
_OWN_PATHS = ("/openapi.json", "/docs")
_OWN_PREFIX = f"{CONTROL_PREFIX}/"
_BODILESS = (204, 304)


class ConnectionDropped(ConnectionResetError):
    """The server wants this connection gone without an answer; in-process drivers see it raised.

    ``fault`` says what the network did.
    """

    def __init__(self, fault: TransportFault) -> None:
        super().__init__(fault.kind)
        self.fault = fault


class MockApp(FastAPI):
    """The application of one mock server.

    The control plane under ``/_o2c`` needs ``token``; everything else is the vendor's.
    """

    def __init__(self, server: MockServer, token: str) -> None:
        super().__init__(
            title=f"{server.name} ({server.dialect.vendor})", docs_url="/docs", redoc_url=None, version="1"
        )
        self._server = server
        self.include_router(control_router(server, token), prefix=CONTROL_PREFIX)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document: the vendor's route table and the control plane."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self._server, super().openapi(), CONTROL_TYPES)
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Vendor calls bypass FastAPI's middleware and routing, which would cost more than the mock itself."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path not in _OWN_PATHS and not path.startswith(_OWN_PREFIX):
            await self._vendor(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _vendor(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            response = await self._server.call(_request(scope, body))
        except TransportFault as fault:
            abort = scope.get("extensions", {}).get("o2c.abort")
            if abort is None:
                raise ConnectionDropped(fault) from None
            if fault.kind != "silent":
                abort()
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()]
        if response.status not in _BODILESS:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


def _request(scope: Scope, body: bytes) -> Request:
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    raw = scope.get("query_string", b"")
    query: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if raw else ():
        # A parameter that is given again is a list: vendors read `a=1&a=2` as they read `a=1,2`.
        query[name] = f"{query[name]},{value}" if name in query else value
    url = f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}"
    sent = scope.get("raw_path") or b""
    return Request(scope["method"], scope["path"], query, headers, body, url, sent.decode("latin-1"))
