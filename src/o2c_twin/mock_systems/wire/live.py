"""A mock server on a real socket: uvicorn's HTTP protocols on the loop that is already running.

Only the protocols of uvicorn are used, not its main loop: that one ticks ten times a second of
loop time, installs signal handlers and leaves with SystemExit, and a rehearsal runs many servers
on one loop whose clock may go at many times the speed of real time.
"""

import asyncio
import os
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:  # httptools is an accelerator that some platforms lack
    HttpToolsProtocol = None  # type: ignore[assignment,misc]

Application = Callable[[Any, Any, Any], Awaitable[None]]
_Result = TypeVar("_Result")

# A server that closes idle connections makes clients fail at random when a minute lasts a millisecond.
_KEEP_ALIVE_S = 10_000_000
_BACKLOG = 1024
_LAST_PORT = 65_535
_CLOSE_WITH_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class CannotListen(RuntimeError):
    """The server cannot be reached at ``host`` and ``port``; the message says why and what to do."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
        self.host = host
        self.port = port


class _Abortable:
    """Gives the application ``scope["extensions"]["o2c.abort"]``, which drops the connection with a reset."""

    app: Any
    transport: asyncio.Transport

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._application: Application = self.app
        self._extensions = {"o2c.abort": self._abort}
        self.app = self._run

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = self._extensions
        try:
            await self._application(scope, receive, send)
        except asyncio.CancelledError:
            # `LiveServer.stop` aborted the connection before it cancelled: nobody is left to tell.
            while (await receive())["type"] != "http.disconnect":
                pass

    def _abort(self) -> None:
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
        self.transport.abort()


class AbortableH11(_Abortable, H11Protocol):
    """uvicorn's pure Python protocol."""


if HttpToolsProtocol is not None:

    class AbortableHttpTools(_Abortable, HttpToolsProtocol):
        """uvicorn's fast protocol."""

    _FASTEST: type[asyncio.Protocol] = AbortableHttpTools
else:
    _FASTEST = AbortableH11


class LiveServer:
    """Serves one application on one port of the running loop.

    ``port`` 0 takes a free one; after `start` the attribute ``port`` has the real one. ``cert`` and
    ``key`` are paths of PEM files and turn TLS on. ``protocol`` is for those who need another HTTP parser.
    """

    def __init__(
        self,
        app: Application,
        host: str = "127.0.0.1",
        port: int = 0,
        cert: str | None = None,
        key: str | None = None,
        protocol: type[asyncio.Protocol] = _FASTEST,
    ) -> None:
        self.host = host
        self.port = port
        self._cert, self._key = cert, key
        self._config = Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
        self._protocol = protocol
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Scheme and authority of the server, such as ``http://127.0.0.1:8101``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._cert else 'http'}://{host}:{self.port}"

    async def start(self) -> None:
        """Listen. Raises `CannotListen`, when the port is taken or the certificate unreadable."""
        self._load()
        remedy = "choose another port, or 0 for a free one"
        if not 0 <= self.port <= _LAST_PORT:
            raise CannotListen(self.host, self.port, f"ports go from 1 to {_LAST_PORT}; {remedy}")
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listening = socket.create_server((self.host, self.port), family=family, backlog=_BACKLOG)
        except OSError as bad:
            # Resolver errors carry negative numbers and a text of their own.
            reason = os.strerror(bad.errno) if bad.errno is not None and bad.errno > 0 else str(bad)
            raise CannotListen(self.host, self.port, f"{reason}; {remedy}") from None
        # Inherited by every connection. asyncio sets it only on sockets that name their protocol, and these do not:
        # head and body of an answer would wait for each other's acknowledgement, some 40 ms a call.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection, sock=listening, ssl=self._config.ssl, backlog=_BACKLOG
        )

    def _load(self) -> None:
        remedy = "give the paths of a PEM certificate and of its private key"
        if (self._cert is None) != (self._key is None):
            raise CannotListen(self.host, self.port, f"TLS needs both a certificate and a key; {remedy}")
        try:
            self._config.load()
        except (OSError, ssl.SSLError) as bad:
            reason = f"certificate {self._cert} with key {self._key} cannot be used ({bad})"
            raise CannotListen(self.host, self.port, f"{reason}; {remedy}") from None

    def _connection(self) -> asyncio.Protocol:
        build: Callable[..., asyncio.Protocol] = self._protocol
        return build(config=self._config, server_state=self._state, app_state={})

    async def stop(self) -> None:
        """Close the port and all connections; calls still running lose their answer."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        running = list(self._state.tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.stop()


def run_live(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Run ``main`` on a new loop: uvloop where it is installed, asyncio's own elsewhere."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:  # uvloop is an accelerator that some platforms lack
        pass
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
