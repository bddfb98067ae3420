"""Wires between engine and mocks inside one process: a direct call, or an ASGI call. Both give the same trace."""

from collections.abc import Awaitable, Callable, Mapping

from o2c_twin.integration.ports import HttpAnswer, HttpRequest, NoAnswer, NotSent
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.message import Request, Response, TransportFault
from o2c_twin.mock_systems.wire.server import MockServer

_Send = Callable[[Request], Awaitable[Response]]


class _Lower(dict[str, str]):
    """Names in lower case: there are few, and each is worked out once."""

    def __missing__(self, name: str) -> str:
        if len(self) >= _MOST_NAMES:
            self.clear()
        self[name] = made = name.lower()
        return made


_MOST_NAMES = 1_024
_lower = _Lower()


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """The same headers with names in lower case, as whoever reads them from a socket would have them."""
    made: dict[str, str] = {}
    for name in headers:
        made[_lower[name]] = headers[name]
    return made


class InProcessHttp:
    """The engine's wire to mocks of the same process, by system name."""

    def __init__(self, senders: Mapping[str, _Send], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._senders = senders
        self._sleep = sleep

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """One call. A system that stays silent costs the caller its whole time-out."""
        try:
            response = await self._senders[request.system](
                Request(request.method, request.path, request.query, request.headers, request.body, request.url)
            )
        except TransportFault as fault:
            if fault.kind == "refused":
                raise NotSent("connection refused") from fault
            if fault.kind == "silent":
                await self._sleep(request.timeout_s)
                raise NoAnswer("timed out") from fault
            raise NoAnswer("connection reset") from fault
        return HttpAnswer(response.status, lower(response.headers), response.body)


def direct(servers: Mapping[str, MockServer], sleep: Callable[[float], Awaitable[None]]) -> InProcessHttp:
    """Calls the mocks as functions."""
    return InProcessHttp({name: server.call for name, server in servers.items()}, sleep)


def through_asgi(servers: Mapping[str, MockServer], sleep: Callable[[float], Awaitable[None]]) -> InProcessHttp:
    """Calls the mocks as ASGI applications, as a server would."""
    apps = {name: MockApp(server, token="") for name, server in servers.items()}

    def sender(app: MockApp) -> _Send:
        async def send(request: Request) -> Response:
            return await call_asgi(app, request)

        return send

    return InProcessHttp({name: sender(app) for name, app in apps.items()}, sleep)
