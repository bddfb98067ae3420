"""The webhook endpoint in front of a queue: a push is acknowledged when the broker has confirmed all its events.

The endpoint needs no journal, so it stays up while the engine's workers are replaced. It knows the vendors' ways
through their connectors, which check each push's signature before anything is published.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol, cast

from o2c_twin.integration.edges.broker import Broker, BrokerAway
from o2c_twin.integration.edges.intake import as_message
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic
from o2c_twin.integration.webhook_endpoint import WebhookEndpoint

_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_AWAY = b'{"error":"the queue is away; push again later"}'


class Source(Protocol):
    """A connector whose system pushes."""

    @property
    def system(self) -> str:
        """The system's name."""
        ...

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """The events of a push, and what to answer. Raises `NotAuthentic`, or ValueError and its kin."""
        ...


class Reception:
    """One push on its way: read, not yet in the queue. Stands where the endpoint has the engine."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self.systems = frozenset(sources)
        self.events: list[Inbound] = []

    def pushed(self, system: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The answer for when the events are in the queue."""
        try:
            self.events, answer = self._sources[system].pushed(body, headers)
        except NotAuthentic:
            return 401, b""
        except (CallFailed, ValueError, KeyError, SyntaxError):
            return 400, b""
        return 200, answer


class QueueingEndpoint:
    """ASGI: ``POST /webhooks/{system}`` into the broker, ``GET /health``; 503 while the broker is away."""

    def __init__(self, sources: list[Source], broker: Broker) -> None:
        self._sources = {source.system: source for source in sources}
        self._broker = broker

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: _Send,
    ) -> None:
        """Answer one request, after its events are in the queue."""
        reception = Reception(self._sources)
        away = False

        async def send_when_queued(message: MutableMapping[str, Any]) -> None:
            nonlocal away
            if message["type"] == "http.response.start":
                try:
                    # In their order: a system may tell of several changes of one record in one push.
                    for event in reception.events:
                        await self._broker.publish(as_message(event))
                except BrokerAway:
                    away = True
                    headers = [
                        (b"content-type", b"application/json"),
                        (b"content-length", str(len(_AWAY)).encode()),
                        (b"retry-after", b"30"),
                    ]
                    message = {"type": message["type"], "status": 503, "headers": headers}
            elif away:
                message = {**message, "body": _AWAY}
            await send(message)

        # It asks of its engine only what a reception has.
        await WebhookEndpoint(cast(Engine, reception))(scope, receive, send_when_queued)
