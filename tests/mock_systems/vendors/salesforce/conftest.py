"""An org in a world of its own: a clock that moves when told, chance that is keyed, webhooks that are caught."""

import asyncio
import hashlib
import heapq
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import trustme
from tests.mock_systems.vendors.salesforce.live_org import LiveOrg

from o2c_twin.mock_systems.vendors.salesforce import SalesforceConfig, SalesforceDialect, make
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_225_600_000_000  # 2026-01-01
CLIENT = {"client_id": "app", "client_secret": "app-secret"}
LOGIN = {"username": "sync@acme.example", "password": "pass", "security_token": "TOKEN"}
ACK = (
    b'<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)


class Clock:
    """Stands still; `pass_time` moves it through everything that sleeps."""

    def __init__(self) -> None:
        self.us = START_US
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self.us

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.us + round(seconds * 1e6), self._count, waking))
        await waking

    async def pass_time(self, seconds: float) -> None:
        end = self.us + round(seconds * 1e6)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.us, _, waking = heapq.heappop(self._sleepers)
            waking.set_result(None)
            await settle()
        self.us = end


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


class Listener:
    """Catches outbound messages; answers with ``reply``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reply: tuple[int, bytes] = (200, ACK)
        self.got: list[tuple[int, str, dict[str, str], bytes]] = []

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.got.append((self._clock.now(), url, headers, body))
        return self.reply


class Answer:
    """A response, read."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of the one error answered."""
        (error,) = self.json
        return self.status, error["errorCode"]


class OrgUnderTest:
    """One org behind its server, and a client that is logged in."""

    def __init__(self, runner: asyncio.Runner, config: SalesforceConfig) -> None:
        self.run: Callable[[Coroutine[Any, Any, Any]], Any] = runner.run
        self.clock = Clock()
        self.listener = Listener(self.clock)
        self._tasks: list[asyncio.Task[None]] = []
        self.world = World(self.clock, keyed_draw, self.clock.sleep, self._spawn, self.listener.post)
        self.dialect: SalesforceDialect = make(self.world, config)
        self.core = self.dialect.core
        self.server = MockServer("crm", self.dialect, self.world)
        self.base = "/services/data/v59.0"
        self.token = ""

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.append(task)
        return task

    async def drop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def later(self, seconds: float) -> None:
        self.run(self.clock.pass_time(seconds))

    def act(self, change: Callable[[], Any]) -> Any:
        """Something people do on the system's screens."""

        async def done() -> Any:
            result = change()
            await settle()
            return result

        return self.run(done())

    def raw(
        self, method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(self.run(self._settled(Request(method, path, query or {}, sent, body, "https://acme.example"))))

    async def _settled(self, request: Request) -> Response:
        response = await self.server.call(request)
        await settle()
        return response

    def log_in(self, **form: str) -> Answer:
        form = form or {"grant_type": "client_credentials", **CLIENT}
        return self.raw("POST", "/services/oauth2/token", urlencode(form).encode())

    def call(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        """One call under the version's address, with a session."""
        if not self.token:
            self.token = self.log_in().json["access_token"]
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path = path if path.startswith("/services") else self.base + path
        return self.raw(method, path, raw, query, **{"authorization": f"Bearer {self.token}", **headers})

    def create(self, sobject: str, **fields: Any) -> str:
        answer = self.call("POST", f"/sobjects/{sobject}/", fields)
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def read(self, sobject: str, id_: str) -> dict[str, Any]:
        answer = self.call("GET", f"/sobjects/{sobject}/{id_}")
        assert answer.status == 200, answer.text
        return dict(answer.json)

    def query(self, text: str, **headers: str) -> Answer:
        return self.call("GET", "/query/", query={"q": text}, **headers)

    def rows(self, text: str) -> list[dict[str, Any]]:
        """The records of a query without their attributes."""
        answer = self.query(text)
        assert answer.status == 200, answer.text
        return [{k: v for k, v in record.items() if k != "attributes"} for record in answer.json["records"]]

    def priced_product(self, code: str = "P-1", price: Any = 100) -> str:
        """A product with its price book entry; gives the entry's id."""
        product = self.create("Product2", Name=f"Product {code}", ProductCode=code, IsActive=True)
        book = self.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true")[0]["Id"]
        return self.create("PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=price, IsActive=True)

    def deal(self, **fields: Any) -> str:
        """An open opportunity."""
        return self.create(
            "Opportunity", **{"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-02-01", **fields}
        )


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


OpenOrg = Callable[..., OrgUnderTest]


@pytest.fixture
def open_org(runner: asyncio.Runner) -> Iterator[OpenOrg]:
    """``open_org(edition=…)`` founds an org with these settings."""
    opened: list[OrgUnderTest] = []

    def found(**settings: Any) -> OrgUnderTest:
        opened.append(OrgUnderTest(runner, SalesforceConfig(**{**CLIENT, **LOGIN, **settings})))
        return opened[-1]

    yield found
    for org in opened:
        runner.run(org.drop_tasks())


@pytest.fixture
def org(open_org: OpenOrg) -> OrgUnderTest:
    """An enterprise org with the usual fields."""
    return open_org()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Paths of a certificate and its key, which every client of a module trusts."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    cert = authority.issue_cert("127.0.0.1")
    paths = [str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(paths[0])
    cert.cert_chain_pems[0].write_to_path(paths[1])
    cert.private_key_pem.write_to_path(paths[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", paths[0])
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield paths[1], paths[2]


@pytest.fixture
def live(files: tuple[str, str]) -> Iterator[LiveOrg]:
    org = LiveOrg(*files)
    yield org
    org.stop()


@pytest.fixture
def sf(live: LiveOrg) -> Iterator[Any]:
    client = live.client()
    yield client
    client.session.close()
