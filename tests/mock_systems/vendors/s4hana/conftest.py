"""An S/4HANA client in a world whose clock moves only when told, called directly, as ASGI and over a socket."""

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig, S4HanaDialect, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.faults import Latency
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_607_200_000_000  # Monday 2026-01-05 10:00
V2 = "/sap/opu/odata/sap/"
BILL = (
    "/sap/opu/odata4/sap/api_billingdocument/srvd_a2x/sap/billingdocument/0001"
    "/BillingDocument/SAP__self.CreateFromSDDocument"
)
POST_ENTRY = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
CLEAR = "/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> int:
        return self.us


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class System:
    """One client, and what a test does with it: ``call`` logs in and carries token and cookie on writes."""

    def __init__(self, config: S4HanaConfig | None = None, latency: Latency | None = None) -> None:
        self.clock = Clock()
        self.posted: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.push_status = 200
        self._waiting: list[Coroutine[Any, Any, None]] = []

        async def sleep(seconds: float) -> None:
            self.clock.us += round(seconds * 1e6)

        async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
            self.posted.append((url, headers, json.loads(body)))
            return self.push_status, b""

        world = World(self.clock, keyed_draw, sleep, lambda work, name: self._waiting.append(work), post)
        self.dialect: S4HanaDialect = make(world, config)
        self.server = MockServer("erp", self.dialect, world, latency=latency)
        self.core = self.dialect.core
        self.transport: Callable[[Request], Response] = lambda request: asyncio.run(self.server.call(request))
        self.session: dict[str, str] = {}

    def deliver(self) -> list[dict[str, Any]]:
        """Let all pushes go out; what was posted."""
        while self._waiting:
            asyncio.run(self._waiting.pop(0))
        return [body for _, _, body in self.posted]

    @property
    def authorization(self) -> str:
        user = self.dialect.config.users[0]
        return "Basic " + b64encode(f"{user.name}:{user.password}".encode()).decode()

    def send(
        self, method: str, path: str, query: dict[str, str] | None, headers: dict[str, str], body: Any
    ) -> Response:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        whole = path if path.startswith("/sap") else V2 + path
        answer = self.transport(Request(method, whole, query or {}, headers, raw))
        return Response(answer.status, answer.body, {name.lower(): value for name, value in answer.headers.items()})

    def fetch(self) -> dict[str, str]:
        """A new session: its token and cookie as headers."""
        headers = {"authorization": self.authorization, "x-csrf-token": "Fetch"}
        answer = self.send("GET", "API_SALES_ORDER_SRV", None, headers, None)
        cookie = answer.headers["set-cookie"].partition(";")[0]
        return {"x-csrf-token": answer.headers["x-csrf-token"], "cookie": cookie}

    def call(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str):
        """One call; header names with underscores for hyphens."""
        sent = {"authorization": self.authorization}
        if method != "GET":
            self.session = self.session or self.fetch()
            sent |= self.session
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, path, query, sent, body)

    def get(self, path: str, **query: str) -> Any:
        """What ``d`` holds; option names without their dollar sign."""
        answer = self.call("GET", path, None, {f"${name}": value for name, value in query.items()})
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["d"]

    def rows(self, path: str, **query: str) -> list[dict[str, Any]]:
        return self.get(path, **query)["results"]

    def create(self, path: str, body: Any) -> dict[str, Any]:
        answer = self.call("POST", path, body)
        assert answer.status == 201, answer.body
        found = json.loads(answer.body)["d"]
        assert answer.headers["location"] == found["__metadata"]["uri"]
        assert answer.headers["etag"] == found["__metadata"]["etag"]
        return found

    def refusal(self, answer: Response) -> tuple[int, str, str]:
        """Status, code and text of an error, V2 or V4."""
        assert answer.status >= 400, answer
        error = json.loads(answer.body)["error"]
        message = error["message"]
        return answer.status, error["code"], message if isinstance(message, str) else message["value"]

    # --- a business to work with -----------------------------------------------------------------

    def item(self, sku: str = "TG11", on_hand: int = 100, price_minor: int = 1_000) -> str:
        return self.core.add_item(sku, f"Trading good {sku}", price_minor, 500, "USD", on_hand).sku

    def customer(self, name: str = "Acme", limit: str | None = None, **fields: Any) -> str:
        body = {"BusinessPartnerCategory": "2", "OrganizationBPName1": name, **fields}
        id_ = self.create("API_BUSINESS_PARTNER/A_BusinessPartner", body)["BusinessPartner"]
        if limit is not None:
            key = f"API_CRDTMBUSINESSPARTNER/CreditManagementAccount(BusinessPartner='{id_}',CreditSegment='1000')"
            assert self.call("PATCH", key, {"CreditLimitAmount": limit}, if_match="*").status == 204
        return id_

    def order_body(self, customer: str, *lines: tuple[str, int, str | None], **fields: Any) -> dict[str, Any]:
        items = []
        for sku, quantity, price in lines:
            item: dict[str, Any] = {"Material": sku, "RequestedQuantity": str(quantity)}
            if price is not None:
                item["to_PricingElement"] = [{"ConditionType": "PMP0", "ConditionRateValue": price}]
            items.append(item)
        base = {"SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10"}
        return {**base, "OrganizationDivision": "00", "SoldToParty": customer, "to_Item": items, **fields}

    def order(self, customer: str, *lines: tuple[str, int, str | None], **fields: Any) -> dict[str, Any]:
        return self.create("API_SALES_ORDER_SRV/A_SalesOrder", self.order_body(customer, *lines, **fields))

    def plan(self, order: str, quantity: int | None = None, item: str = "10") -> dict[str, Any]:
        line = {"ReferenceSDDocument": order, "ReferenceSDDocumentItem": item}
        if quantity is not None:
            line["ActualDeliveryQuantity"] = str(quantity)
        body = {"to_DeliveryDocumentItem": {"results": [line]}}
        return self.create("API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader", body)

    def action(self, name: str, delivery: str, if_match: str = "*") -> Response:
        query = {"DeliveryDocument": f"'{delivery}'"}
        return self.call("POST", f"API_OUTBOUND_DELIVERY_SRV/{name}", None, query, if_match=if_match)

    def ship(self, order: str, quantity: int | None = None) -> str:
        delivery = self.plan(order, quantity)["DeliveryDocument"]
        for name in ("PickAllItems", "PostGoodsIssue"):
            answer = self.action(name, delivery)
            assert answer.status == 200, answer.body
        return delivery

    def bill(self, *deliveries: str) -> Response:
        return self.call(
            "POST", BILL, {"_Reference": [{"SDDocument": d, "SDDocumentCategory": "J"} for d in deliveries]}
        )

    def invoice(self, customer: str, amount: str = "50.00") -> str:
        """An order of one piece at that price, shipped and billed."""
        sku = next(iter(self.core.items_by_sku))
        order = self.order(customer, (sku, 1, amount))["SalesOrder"]
        answer = self.bill(self.ship(order))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["value"][0]["BillingDocument"]

    def hold(self, customer: str) -> str:
        """An order over the customer's limit."""
        sku = next(iter(self.core.items_by_sku))
        order = self.order(customer, (sku, 1, "900.00"))
        assert order["TotalCreditCheckStatus"] == "B"
        return order["SalesOrder"]

    def credit_body(self, invoice: str, amount: str, **fields: Any) -> dict[str, Any]:
        """A credit memo request of so much of an invoice."""
        sku = next(iter(self.core.items_by_sku))
        price = {"ConditionType": "PMP0", "ConditionRateValue": amount}
        item = {"Material": sku, "RequestedQuantity": "1", "to_PricingElement": [price]}
        customer = self.core.state.invoices[invoice].customer_id
        base = {"CreditMemoRequestType": "CR", "SoldToParty": customer, "ReferenceSDDocument": invoice}
        return {**base, "to_Item": [item], **fields}

    def request_credit(self, invoice: str, amount: str, **fields: Any) -> str:
        body = self.credit_body(invoice, amount, **fields)
        return self.create("API_CREDIT_MEMO_REQUEST_SRV/A_CreditMemoRequest", body)["CreditMemoRequest"]

    def function(self, name: str, **parameters: str) -> dict[str, Any]:
        """What a function import of the credit blocks answers."""
        query = {name: f"'{value}'" for name, value in parameters.items()}
        answer = self.call("POST", f"API_SLS_DOC_WITH_CREDIT_BLOCK/{name}", None, query)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["d"][name]

    def post_receipt(
        self, customer: str, amount: str, reference: str = "B1", text: str = "cash:B1", **more: str
    ) -> Response:
        values = {"company": "1710", "kind": "DZ", "currency": "USD", "bank": amount, **more}
        return self.call(
            "POST",
            POST_ENTRY,
            RECEIPT.format(customer=customer, amount=amount, reference=reference, text=text, **values).encode(),
        )

    def receipt(self, customer: str, amount: str, **more: str) -> str:
        answer = self.post_receipt(customer, amount, **more)
        assert answer.status == 200, answer.body
        text = answer.body.decode()
        assert "<MaximumLogItemSeverityCode>1<" in text, text
        return text.partition("<AccountingDocument>")[2].partition("<")[0]

    def clear(self, message: str, *items: tuple[str, str | None]) -> Response:
        rows = []
        for document, part in items:
            partial = (
                ""
                if part is None
                else f'<PartialPaymentAmtInDspCrcy currencyCode="USD">{part}</PartialPaymentAmtInDspCrcy>'
            )
            rows.append(
                f"<APARItems><AccountType>D</AccountType><AccountingDocument>{document}</AccountingDocument>{partial}</APARItems>"
            )
        answer = self.call("POST", CLEAR, CLEARING.format(message=message, items="".join(rows)).encode())
        assert (answer.status, answer.body) == (202, b""), answer
        return answer


RECEIPT = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:s="http://sap.com/xi/SAPSCORE/SFIN">
<soapenv:Header/><soapenv:Body><s:JournalEntryBulkCreateRequest><MessageHeader><ID>M1</ID></MessageHeader>
<JournalEntryCreateRequest><MessageHeader><ID>S1</ID></MessageHeader><JournalEntry>
<BusinessTransactionType>RFBU</BusinessTransactionType><AccountingDocumentType>{kind}</AccountingDocumentType>
<DocumentReferenceID>{reference}</DocumentReferenceID><DocumentHeaderText>{text}</DocumentHeaderText>
<CompanyCode>{company}</CompanyCode><DocumentDate>2026-01-05</DocumentDate><PostingDate>2026-01-05</PostingDate>
<Item><GLAccount>11001000</GLAccount>
<AmountInTransactionCurrency currencyCode="{currency}">{bank}</AmountInTransactionCurrency></Item>
<DebtorItem><Debtor>{customer}</Debtor>
<AmountInTransactionCurrency currencyCode="{currency}">-{amount}</AmountInTransactionCurrency></DebtorItem>
</JournalEntry></JournalEntryCreateRequest></s:JournalEntryBulkCreateRequest></soapenv:Body></soapenv:Envelope>"""
CLEARING = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:s="http://sap.com/xi/SAPSCORE/SFIN">
<soapenv:Body><s:JournalEntryBulkClearingRequest><MessageHeader><ID>{message}</ID></MessageHeader>
<JournalEntryClearingRequest><MessageHeader><ID>{message}</ID></MessageHeader><JournalEntry><CompanyCode>1710</CompanyCode>
{items}</JournalEntry></JournalEntryClearingRequest></s:JournalEntryBulkClearingRequest></soapenv:Body></soapenv:Envelope>"""


@pytest.fixture
def s4() -> System:
    """A client with one user and one product in stock, called directly."""
    system = System()
    system.item()
    return system


@pytest.fixture(scope="session")
def new_system() -> type[System]:
    """For clients set up in another way: ``new_system(S4HanaConfig(...))``."""
    return System


@pytest.fixture(params=["direct", "asgi", "socket"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[System]:
    """The same client behind each of the three transports."""
    system = System()
    system.item()
    if request.param == "direct":
        yield system
        return
    app = MockApp(system.server, "control")
    with asyncio.Runner() as runner:
        if request.param == "asgi":
            system.transport = lambda sent: runner.run(call_asgi(app, sent))
            yield system
            return
        live = LiveServer(app)
        runner.run(live.start())
        loop = runner.get_loop()

        def exchange(sent: Request) -> Response:
            def blocking() -> Response:
                connection = HTTPConnection(live.host, live.port, timeout=10)
                target = quote(sent.path, safe="/$") + (f"?{urlencode(sent.query)}" if sent.query else "")
                connection.request(sent.method, target, sent.body, sent.headers)
                answer = connection.getresponse()
                body = answer.read()
                connection.close()
                return Response(answer.status, body, dict(answer.getheaders()))

            async def call() -> Response:
                return await loop.run_in_executor(None, blocking)

            return runner.run(call())

        system.transport = exchange
        yield system
        runner.run(live.stop())
