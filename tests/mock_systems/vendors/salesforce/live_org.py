"""An org on a real TLS socket, and the client `simple-salesforce` logged in to it."""

import asyncio
import threading
from typing import Any

from o2c_twin.mock_systems.vendors.salesforce import SalesforceConfig, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.live import LiveServer, run_live
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

USER = {"username": "sync@acme.example", "password": "pass", "security_token": "TOKEN"}
APP = {"consumer_key": "app", "consumer_secret": "app-secret"}
START_US = 1_767_225_600_000_000


class Clock:
    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> int:
        return self.us


class LiveOrg:
    """An org that listens on a port, in a thread of its own."""

    def __init__(self, cert: str, key: str, **settings: object) -> None:
        self.clock = Clock()
        world = World(self.clock, lambda stream, *key: 0.5, asyncio.sleep, lambda work, name: None, _nobody)
        config: dict[str, Any] = {"client_id": "app", "client_secret": "app-secret", "edition": "developer", **USER}
        self.dialect = make(world, SalesforceConfig(**{**config, **settings}))
        self.server = MockServer("crm", self.dialect, world)
        self._live = LiveServer(MockApp(self.server, "control"), cert=cert, key=key)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: run_live(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        self.host = f"127.0.0.1:{self._live.port}"

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        async with self._live:
            self._ready.set()
            await self._done.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(30)

    def client(self, **how: object) -> Any:
        """Logged in as the connected app: the client hard-wires its login host, so the path is led here."""
        from simple_salesforce import Salesforce

        domain = f"{self.host}/services/oauth2/token?x="
        return Salesforce(**{"domain": domain, **APP, **how})


async def _nobody(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    return 0, b""
