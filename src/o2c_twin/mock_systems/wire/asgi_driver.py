"""Calls an ASGI application in process: scope, receive and send, with no client library between."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from o2c_twin.mock_systems.wire.asgi import ConnectionDropped
from o2c_twin.mock_systems.wire.message import Request, Response, TransportFault

_ASGI = {"version": "3.0", "spec_version": "2.3"}


async def call_asgi(app: Callable[[Any, Any, Any], Awaitable[None]], request: Request) -> Response:
    """The application's answer to ``request``; header names come back in lower case, as ASGI has them.

    Raises `TransportFault` when the application drops the connection.
    """
    scheme, _, authority = request.url.partition("://")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    if "host" not in request.headers:
        headers.append((b"host", authority.encode("latin-1")))
    if request.body and "content-length" not in request.headers:
        headers.append((b"content-length", b"%d" % len(request.body)))
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "method": request.method,
        "scheme": scheme,
        "path": request.path,
        "query_string": urlencode(request.query).encode("latin-1") if request.query else b"",
        "root_path": "",
        "headers": headers,
        "server": None,
        "client": None,
        "state": {},
    }
    if request.raw_path:
        scope["raw_path"] = request.raw_path.encode("latin-1")
    exchange = _Exchange(request.body)
    try:
        await app(scope, exchange.receive, exchange.send)
    except ConnectionDropped as dropped:
        raise TransportFault(dropped.fault.kind, dropped.fault.applied) from None
    if not exchange.status:
        raise TransportFault("reset", applied=False)
    return Response(exchange.status, exchange.body, exchange.headers)


class _Exchange:
    """One request and its answer."""

    __slots__ = ("asked", "body", "headers", "request", "status")

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.asked = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def receive(self) -> dict[str, Any]:
        if self.asked:
            return {"type": "http.disconnect"}
        self.asked = True
        return {"type": "http.request", "body": self.request, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in message["headers"]}
        else:
            self.body += message.get("body", b"")
