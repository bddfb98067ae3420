"""An account on a socket, and the package `netsuite` pointed at it, unmodified but for the address."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from netsuite import Config, NetSuiteRestApi, TokenAuth

from o2c_twin.mock_systems.vendors.netsuite import Integration, NetSuiteConfig, NetSuiteDialect, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.live import LiveServer, run_live
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1_000


async def post_nowhere(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    return 0, b""


class Live:
    """A mock on a port, and the package's client pointed at it."""

    def __init__(self, url: str, server: MockServer, dialect: NetSuiteDialect) -> None:
        self.url = url
        self.server = server
        self.dialect = dialect
        self.served = asyncio.Event()
        """Slow calls take until this is set."""

    async def take_time(self, seconds: float) -> None:
        await self.served.wait()

    def client(self, **auth: str) -> NetSuiteRestApi:
        """A client with the account's credentials; ``auth`` replaces some of them."""
        url = self.url

        class Pointed(NetSuiteRestApi):
            def _make_url(self, subpath: str) -> str:
                return f"{url}/services/rest{subpath}"

        ours: Integration = self.dialect.config.integrations[0]
        token = {
            "consumer_key": ours.consumer_key,
            "consumer_secret": ours.consumer_secret,
            "token_id": ours.token_id,
            "token_secret": ours.token_secret,
            **auth,
        }
        return Pointed(Config(account=self.dialect.config.account, auth=TokenAuth(**token)), concurrent_requests=50)


def live(story: Callable[[Live], Awaitable[None]], config: NetSuiteConfig | None = None) -> None:
    """Run ``story`` against a mock on a free port."""

    async def main() -> None:
        world = World(RealClock(), lambda *key: 0.5, asyncio.sleep, lambda work, name: work.close(), post_nowhere)
        dialect = make(world, config)
        server = MockServer("erp", dialect, world)
        async with LiveServer(MockApp(server, "control")) as listening:
            at = Live(listening.url, server, dialect)
            world.sleep = at.take_time
            await story(at)

    run_live(main())


async def id_of(client: NetSuiteRestApi, record: str, key: str) -> str:
    """The client gives None for 204 and so loses the address: the id is read back by external id."""
    return str((await client.get(f"/record/v1/{record}/eid:{key}"))["id"])
