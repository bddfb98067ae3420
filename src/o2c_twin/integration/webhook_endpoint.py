"""The engine's webhook endpoint as a small ASGI application: ``POST /webhooks/{system}``."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from o2c_twin.integration.runtime.engine import Engine

_Message = MutableMapping[str, Any]
PREFIX = "/webhooks/"


class WebhookEndpoint:
    """Takes pushes in; each is acknowledged only after it is in the engine's inbox. ``GET /health`` answers 200."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._systems = engine.systems

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answer = self._answer(scope, body)
        kind = b"text/xml" if answer.startswith(b"<") else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, scope: MutableMapping[str, Any], body: bytes) -> tuple[int, bytes]:
        method, path = scope["method"], scope["path"]
        if path == "/health":
            return 200, b'{"status":"up"}'
        system = path.removeprefix(PREFIX)
        if not path.startswith(PREFIX) or system not in self._systems:
            return 404, b'{"error":"unknown path; push to /webhooks/{system}"}'
        if method != "POST":
            return 405, b'{"error":"POST a push here"}'
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return self._engine.pushed(system, body, headers)
