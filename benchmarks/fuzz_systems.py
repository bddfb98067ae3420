"""Requests nobody should send, at every operation of every mock system: what crashes, and what answers 5xx.

Requests are made from the operation tables: paths with ids the system has told, bodies from the operations' types
and from records it has answered with, each with something wrong. They travel through the ASGI application, as a real
client's do. No fault is armed, so that an exception, a status of 500 or more, an answer that is not the JSON it says
it is, and a refusal that changed the books are all the mock's own.
Options: --requests N, --system NAME (repeat it for more), --seed S, --show N, --json. Exit code 1 with findings.
"""

import argparse
import base64
import json
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args, get_origin
from urllib.parse import quote, urlencode

import msgspec

from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party, PaymentClaim
from o2c_twin.integration.ports import HttpAnswer, HttpRequest
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.catalogue import names, sample
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Router
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands import STANDS
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
URL = "http://fuzz.test"
_PLAIN = "/:!@$&'()*+,;=~"
_REFERENCE = re.compile(r"\$(customers|orders|deliveries|invoices|items)\b")
ODD: tuple[Any, ...] = (
    None, "", " ", "x" * 300, "é\u0000", "'", '"', "\\", "%", "a/b", "../..", "2026-13-45", "2026-02-30T25:00:00Z", "٣",
    "NaN", "1e400", "-0", "0x10", "\ud7ff\U0001f4a9", "2026-01-05", "true", 0, -1, 1, 10**30, -(10**30), 1.5, -0.01,
    1e-30, True, False, [], {}, [1], [None], [[]], {"a": 1}, {"id": None}, {"id": {}}, {"items": None}, {"items": [1]},
)  # fmt: skip
GARBAGE = (b"", b"{", b"null", b"[]", b"1", b'""', b"\xff\xfe", b"[" * 500, b'{"a":' * 300, b"<a><b></a>", b"a=1&a=2&=")
QUERIES = (
    "limit", "offset", "page", "q", "after", "before", "cursor", "status", "fields", "properties", "expand[]", "ids",
    "$filter", "$top", "$skip", "$orderby", "$select", "$expand", "$count", "$skiptoken", "$inlinecount", "$format",
    "created[gte]", "created_at[lt]", "starting_after", "start", "end", "fromDate", "businessDate", "allOrNone", "\x00",
)  # fmt: skip
QUERY_VALUES = (
    "0", "-1", "1", "99999999999999999999", "id eq 1", "id eq '", "name eq 'a' and", "((", "id desc,", "a,b,,c", "*",
    "SELECT Id FROM Account", "SELECT FROM", "status IS open", "2026-01-05", "2026-01-05T00:00:00Z", "datetime'x'", "é",
)  # fmt: skip


@dataclass(frozen=True)
class Hints:
    """What cannot be guessed about a vendor: names in paths, and bodies it reads as text."""

    params: dict[str, tuple[str, ...]] = field(default_factory=dict)
    queries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bodies: tuple[str, ...] = ()
    always: dict[str, str] = field(default_factory=dict)
    form: bool = False
    writes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Bodies that are accepted as they are, by operation: what is sent is made from them and from what was accepted."""


_SOQL = (
    "SELECT Id, Name FROM Account WHERE Name = 'Acme' ORDER BY Name LIMIT 5",
    "SELECT Id, (SELECT Quantity FROM OpportunityLineItems) FROM Opportunity WHERE IsWon = true",
    "SELECT COUNT() FROM Account WHERE SystemModstamp > 2026-01-01T00:00:00Z",
)
_SUITEQL = (
    "SELECT id, tranid FROM transaction WHERE type = 'CustInvc' AND entity = '1'",
    "SELECT TO_CHAR(lastmodifieddate, 'YYYY-MM-DD') AS m, BUILTIN.DF(status) FROM transaction ORDER BY id",
    "SELECT id FROM customer WHERE entityid IN ('C1', 'C2')",
)
HINTS: dict[str, Hints] = {
    "salesforce": Hints(
        {
            "version": ("v59.0",) * 9 + ("v45.0", "v99.9"),
            "type": ("Account", "Opportunity", "Contact", "Product2", "PricebookEntry", "OpportunityLineItem"),
            "field": ("Id", "Customer_Number__c", "ERP_Id__c", "Deal_Ref__c", "Name"),
            "results": ("successfulResults", "failedResults", "unprocessedrecords"),
        },
        {"q": _SOQL, "start": ("2026-01-05T00:00:00Z",), "end": ("2026-01-06T00:00:00Z",), "_HttpMethod": ("PATCH",)},
        ("Name,Id\nAcme,1\n", "Id\n", '"', "Name\n\n\n", "<e:Envelope xmlns:e='x'/>"),
        writes={
            "sobject.create": (
                {"Name": "A"}, {"LastName": "B"}, {"Name": "C", "StageName": "Prospecting", "CloseDate": "2026-01-31"},
            ),
            "sobject.update": ({"Name": "A"},),
            "job.ingest.create": ({"operation": "insert", "object": "Account"},),
            "job.ingest.upload": ("Name\nAcme\n",),
            "job.ingest.move": ({"state": "UploadComplete"},),
            "job.query.create": ({"operation": "query", "query": "SELECT Id FROM Account"},),
            "collection.create": ({"allOrNone": True, "records": [{"attributes": {"type": "Account"}, "Name": "A"}]},),
            "composite.batch": ({"batchRequests": [{"method": "GET", "url": "v59.0/sobjects/Account"}]},),
            "composite.run": (
                {"compositeRequest": [{"method": "POST", "url": "/services/data/v59.0/sobjects/Account",
                                       "referenceId": "a", "body": {"Name": "A"}}]},
            ),
        },
    ),
    "netsuite": Hints(
        {"id": ("eid:K1", "eid:", "1", "2", "101"), "type": ("customer", "salesOrder"), "line": ("1", "9")},
        {"replace": ("item", "apply"), "expandSubResources": ("true",), "q": ("entity ANY_OF [1]", 'id EQUAL "1"')},
        tuple(json.dumps({"q": q}) for q in _SUITEQL),
    ),
    "business_central": Hints(
        writes={
            "customers.create": ({"displayName": "A"},),
            "items.create": ({"number": "I9", "displayName": "I", "type": "Inventory"},),
            "paymentTerms.create": ({"code": "NET77", "dueDateCalculation": "77D"},),
            "salesInvoices.create": ({"customerNumber": "C1001"},),
            "customerPaymentJournals.create": ({"code": "J9", "displayName": "J"},),
            "customerPayments.create": ({"journalDisplayName": "J", "customerNumber": "C1001", "amount": -5},),
            "subscriptions.create": (
                {"notificationUrl": "https://a.example/h", "resource": "salesOrders", "clientState": "s"},
            ),
            "record.update": ({"displayName": "B"}, {"externalDocumentNumber": "P9"}, {"shipQuantity": 1}),
        },
    ),
    "s4hana": Hints(
        {
            "entity": (
                "A_SalesOrder", "A_SalesOrder('$orders')", "A_SalesOrder(", "$metadata",
                "A_BusinessPartner('$customers')",
                "A_SalesOrderItem(SalesOrder='$orders',SalesOrderItem='10')", "A_OutbDeliveryHeader", "A_Product",
                "A_OutbDeliveryHeader('$deliveries')", "A_BillingDocument('$invoices')", "A_BusinessPartner", "A_X()",
            ),
            "further": ("to_Item", "to_Partner", "$count", "$value", "Nothing"),
        },
        {"$filter": ("SalesOrder eq '1'", "CreationDate gt datetime'2026-01-01T00:00:00'")},
        ("<soapenv:Envelope xmlns:soapenv='http://schemas.xmlsoap.org/soap/envelope/'/>", "--b\r\n\r\n--b--"),
        always={
            "DeliveryDocument": "'$deliveries'", "SalesOrder": "'$orders'", "BillingDocument": "'$invoices'",
        },
        writes={
            "salesOrder.update": ({"PurchaseOrderByCustomer": "P9"},),
            "businessPartner.update": ({"OrganizationBPName1": "B"},),
            "salesOrder.create": (
                {"SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10",
                 "OrganizationDivision": "00", "SoldToParty": "$customers",
                 "to_Item": [{"Material": "WIDGET", "RequestedQuantity": "2"}]},
            ),
            "delivery.create": (
                {"to_DeliveryDocumentItem": [{"ReferenceSDDocument": "$orders", "ReferenceSDDocumentItem": "10"}]},
            ),
            "businessPartner.create": ({"BusinessPartnerCategory": "2", "OrganizationBPName1": "A"},),
        },
    ),
    "hubspot": Hints(
        {
            "type": ("deals", "companies", "contacts", "products", "line_items", "0-3"),
            "from": ("deals", "companies", "contacts"), "to": ("companies", "line_items", "deals"),
            "version": ("v3", "2026-03", "v9"), "app": ("4200042", "1"), "pipeline": ("default",),
            "stage": ("closedwon",), "name": ("name", "dealname", "erp_order_id"),
        },
        {"idProperty": ("customer_number", "name"), "associations": ("companies,line_items", "x")},
        writes={
            "object.create": (
                {"properties": {"name": "A"}}, {"properties": {"dealname": "D", "dealstage": "closedwon"}},
            ),
            "object.update": ({"properties": {"name": "A"}}, {"properties": {"dealstage": "closedwon"}}),
            "property.create": ({"name": "p1", "label": "P", "type": "string", "fieldType": "text", "groupName": "g"},),
        },
    ),
    "stripe": Hints(
        {},
        {"query": ("email:'a'", "metadata['k']:'v' AND", "created>0"), "expand[]": ("customer", "data.x.y.z.w")},
        form=True,
        writes={
            "customers.create": ({"name": "A", "email": "a@example.com"},),
            "invoices.create": ({"customer": "$customers", "collection_method": "send_invoice", "days_until_due": 9},),
            "invoiceitems.create": ({"customer": "$customers", "amount": 900, "currency": "eur"},),
            "invoices.add_lines": ({"lines": [{"amount": 900, "description": "x"}]},),
            "invoices.create_preview": ({"customer": "$customers"},),
            "payment_methods.attach": ({"customer": "$customers"},),
            "payment_methods.create": ({"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}},),
            "payment_intents.create": (
                {"customer": "$customers", "amount": 900, "currency": "eur",
                 "payment_method": "pm_card_visa", "confirm": True},
            ),
            "payment_intents.capture": ({"amount_to_capture": 1},),
            "refunds.create": ({"payment_intent": "$payment_intents", "amount": 5},),
            "credit_notes.create": ({"invoice": "$invoices", "amount": 5},),
            "payouts.create": ({"amount": 5, "currency": "eur"},),
            "test_clocks.create": ({"frozen_time": 1767600000},),
            "test_helpers.fund_cash_balance": ({"amount": 900, "currency": "eur"},),
            "webhook_endpoints.create": ({"url": "https://a.example/h", "enabled_events": ["*"]},),
            "funding_instructions.create": (
                {"currency": "eur", "funding_type": "bank_transfer", "bank_transfer": {"type": "eu_bank_transfer"}},
            ),
        },
    ),
    "gocardless": Hints(
        {"name": ("payment_confirmed", "payment_failed", "mandate_activated", "payout_paid", "x")},
        writes={
            "customers.update": ({"customers": {"company_name": "B", "metadata": {"a": "b"}}},),
            "customer_bank_accounts.update": ({"customer_bank_accounts": {"metadata": {"a": "b"}}},),
            "mandates.update": ({"mandates": {"metadata": {"a": "b"}}},),
            "payments.update": ({"payments": {"retry_if_possible": True}},),
            "payments.cancel": ({"data": {"metadata": {"a": "b"}}},),
            "refunds.create": (
                {"refunds": {"amount": 5, "total_amount_confirmation": 5, "links": {"payment": "$payments"}}},
            ),
            "scenario_simulators.run": ({"data": {"links": {"resource": "$payments"}}},),
        },
    ),
    "bank_files": Hints({}, {"businessDate": ("2026-01-05",)}),
}  # fmt: skip


@dataclass
class Finding:
    """One way in which a system misbehaved, with the first request that showed it."""

    system: str
    operation: str
    kind: str
    detail: str
    request: str
    count: int = 1


@dataclass
class Report:
    """What came of the requests to one system."""

    system: str
    requests: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    written: set[str] = field(default_factory=set)
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    seconds: float = 0.0

    def found(self, operation: str, kind: str, detail: str, request: Request) -> None:
        """Write a finding down, once for each detail: an exception by its place, else by the operation too."""
        place = "" if kind == "exception" else operation
        known = self.findings.get((place, kind, detail))
        if known is not None:
            known.count += 1
            return
        query = f"?{urlencode(request.query)}" if request.query else ""
        sent = f"{request.method} {request.path}{query} {request.body[:400]!r}"
        self.findings[place, kind, detail] = Finding(self.system, operation, kind, detail, sent)


class Session:
    """One system in a world of its own, with a client that knows what it has been told."""

    def __init__(self, env: TwinEnvironment, name: str, seed: int) -> None:
        self.env, self.name, self.rng = env, name, random.Random(f"{seed}/{name}")
        self.clock = TwinClock(env, epoch(START))
        world = World(self.clock, Chance(seed).uniform, env.aio.sleep, env.spawn, self._post)
        self.role = next((role for role, makers in STANDS.items() if name in makers), "")
        plan = RunPlan("fuzz", "", "")
        self.stand = STANDS[self.role][name](plan, SystemPlan(name), world) if self.role else None
        self.dialect = self.stand.dialect if self.stand else sample(name, world)
        self.currency = plan.world.currency
        self.server = MockServer(name, self.dialect, world)
        self.dialect.served(self.server)
        self.app = MockApp(self.server, "fuzz")
        self.hints = HINTS.get(name, Hints())
        self.ids: list[str] = []
        self.ids_at: dict[str, list[str]] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.corpus: dict[str, list[tuple[str, bytes]]] = {
            operation: [("", json.dumps(body).encode()) for body in bodies]
            for operation, bodies in self.hints.writes.items()
        }
        self.records: list[dict[str, Any]] = []
        seed_core(self.dialect.core, self.currency)
        self._core_ids()
        self._headers: dict[str, str] | None = None
        self._router = Router(self.dialect.routes)
        if self.stand:
            self._warm_up()

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 200, b""

    def call(self, request: Request) -> Response:
        """One request through the application."""
        return self.env.aio.run_until_complete(call_asgi(self.app, request))

    def _warm_up(self) -> None:
        """What the engine's connector does all day: its calls are bodies and ids to begin with."""
        connector = self.stand.connector(self.role, URL, self, self.clock)
        for step in STEPS[self.role]:
            try:
                self.env.aio.run_until_complete(step(self, connector))
            except CallFailed:
                continue  # a step that needs what this vendor does not have yet

    async def send(self, asked: HttpRequest) -> HttpAnswer:
        """One call of the connector."""
        request = Request(
            asked.method, asked.path, asked.query, dict(asked.headers), asked.body, URL, quote(asked.path, _PLAIN)
        )
        answer = await call_asgi(self.app, request)
        found = self._router.find(asked.method, asked.path)
        if isinstance(found, tuple) and not found[0].open:
            self.learn(found[0].name, request, answer)
        return HttpAnswer(answer.status, answer.headers, answer.body)

    def _core_ids(self) -> None:
        for kind, table in msgspec.structs.asdict(self.dialect.core.state).items():
            if isinstance(table, dict):
                self.ids += [key for key in list(table)[-5:] if isinstance(key, str)]
                self.known[kind] = table
                self.records += [msgspec.to_builtins(each) for each in list(table.values())[-2:]]
        self.records = [each for each in self.records if isinstance(each, dict)]

    def login(self, method: str, path: str, query: dict[str, str]) -> dict[str, str]:
        """The headers of somebody who may call."""
        if self.name == "netsuite":
            return LOGINS["netsuite"](self, method, path, query)
        if self._headers is None:
            self._headers = LOGINS.get(self.name, _bearer)(self, method, path, query)
        return dict(self._headers)

    def learn(self, operation: str, request: Request, answer: Response) -> None:
        """Remember ids and records of an answer, and what was accepted."""
        if answer.status < 300 and request.body:
            kept = self.corpus.setdefault(operation, [])
            kept.append((request.headers.get("content-type", ""), request.body))
            del kept[len(self.hints.writes.get(operation, ())) : -8]
        if answer.status == 401:
            self._headers = None
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        for record in _objects(told):
            for key, value in record.items():
                if key.lower().endswith(("id", "name", "number")) and isinstance(value, (str, int)):
                    self.ids.append(str(value))
        if answer.status < 300:
            heads = [told, *(_first_lists(told))] if isinstance(told, dict) else told if isinstance(told, list) else []
            for head in heads:
                if isinstance(head, dict) and isinstance(head.get("id"), (str, int)):
                    for part in request.path.split("/")[-2:]:
                        self.ids_at.setdefault(part, []).append(str(head["id"]))
                        del self.ids_at[part][:-20]
        if answer.status < 300 or self.rng.random() < 0.05:
            self.records += list(_objects(told))[:8]
        for name in ("location", "entityid"):
            if name in answer.headers:
                self.ids.append(answer.headers[name].rsplit("/", 1)[-1])
        del self.ids[:-400], self.records[:-200]

    # --- making requests --------------------------------------------------------------------------

    def request(self, operation: Operation) -> Request:
        """A request at an operation, with something wrong in most."""
        rng = self.rng
        parts = operation.path.split("/")
        path = "/".join(self._segment(part, before) for before, part in zip(["", *parts], parts, strict=False))
        method = operation.method if rng.random() < 0.97 else rng.choice(("GET", "PUT", "PATCH", "DELETE", "HEAD", "X"))
        query = dict(self._query() for _ in range(rng.choice((0, 0, 1, 2) if method == "GET" else (0, 0, 0, 0, 1))))
        kind, body = ("application/json", b"") if method == "GET" else self._body(operation)
        if method == "POST" and rng.random() < 0.8:
            query |= {name: self._filled(text) for name, text in self.hints.always.items()}
        headers = (
            self.login(method, path, query)
            if rng.random() < 0.97
            else {"authorization": rng.choice(("", "B", "Basic é"))}
        )
        headers["content-type"] = kind
        if rng.random() < 0.15:
            name = rng.choice(
                ("if-match", "idempotency-key", "prefer", "accept", "x-http-method", "sforce-query-options")
            )
            headers[name] = rng.choice(
                ("*", 'W/"1"', "K", "respond-async", "odata.maxpagesize=0", "x" * 300, "batchSize=x")
            )
        return Request(method, path, query, headers, body, URL, quote(path, _PLAIN))

    def _segment(self, part: str, before: str) -> str:
        if "{" not in part:
            return part
        name, known = part.strip("{}"), self.hints.params
        drawn = self.rng.random()
        if self.name == "business_central":
            return _central(self, name, drawn)
        if before in self.ids_at and self.rng.random() < 0.6:
            return self.rng.choice(self.ids_at[before])
        if name in known and drawn < 0.93:
            return self._filled(self.rng.choice(known[name]))
        if self.ids and drawn < 0.97:
            return self.rng.choice(self.ids)
        return str(self.rng.choice(ODD))

    def _query(self) -> tuple[str, str]:
        rng, known = self.rng, self.hints.queries
        if known and rng.random() < 0.5:
            name = rng.choice(sorted(known))
            text = self._filled(rng.choice(known[name]))
            return name, text if rng.random() < 0.6 else _cut(rng, text)
        value = rng.choice((*QUERY_VALUES, *self.ids[-5:])) if rng.random() < 0.8 else str(rng.choice(ODD))
        return rng.choice(QUERIES), value

    def _body(self, operation: Operation) -> tuple[str, bytes]:
        rng = self.rng
        if rng.random() < 0.08:
            return "application/json", rng.choice(GARBAGE)
        if operation.body is None and rng.random() < 0.4:
            return "application/x-www-form-urlencoded", b""
        known = self.corpus.get(operation.name)
        if known and rng.random() < 0.7:
            kind, body = rng.choice(known)
            return self._varied(kind, body)
        if self.hints.bodies and rng.random() < (0.5 if operation.body is None else 0.1):
            text = rng.choice(self.hints.bodies)
            return rng.choice(("application/json", "text/csv", "text/xml")), (
                text if rng.random() < 0.6 else _cut(rng, text)
            ).encode()
        typed = operation.body not in (None, dict[str, Any], dict[str, Any] | None, Any)
        value = _of_type(self, operation.body, 0) if typed else self._object()
        if self.hints.form or (operation.body is None and rng.random() < 0.3):
            return "application/x-www-form-urlencoded", urlencode(list(_flat(value))).encode()
        return "application/json", json.dumps(value).encode()

    def _varied(self, kind: str, body: bytes) -> tuple[str, bytes]:
        """A body that was accepted, with one thing or nothing changed."""
        try:
            value = json.loads(body)
        except ValueError:
            return kind, body if self.rng.random() < 0.5 else _cut(self.rng, body.decode("utf-8", "replace")).encode()
        value = self._resolved(value)
        if self.rng.random() < 0.6:
            value = self._one_changed(value)
        if self.hints.form:
            return "application/x-www-form-urlencoded", urlencode(list(_flat(value))).encode()
        return kind or "application/json", json.dumps(value).encode()

    def _resolved(self, value: Any) -> Any:
        """``$customers`` is one of the customers there are."""
        if isinstance(value, dict):
            return {key: self._resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        if isinstance(value, str) and value.startswith("$"):
            there = self.ids_at.get(value[1:]) or list(self.known.get(value[1:], ()))
            return self.rng.choice(there) if there else value
        return value

    def _filled(self, text: str) -> str:
        return _REFERENCE.sub(lambda found: str(self._resolved(found[0])), text)

    def _one_changed(self, value: Any) -> Any:
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.85:
            key = rng.choice(list(value))
            if rng.random() < 0.15:
                return {k: v for k, v in value.items() if k != key}
            return {**value, key: self._one_changed(value[key])}
        if isinstance(value, list) and value and rng.random() < 0.85:
            return [self._one_changed(value[0]), *value[1:]]
        return self.value()

    def _object(self) -> Any:
        """A record as the system told one, in part, with other values here and there."""
        rng = self.rng
        if not self.records or rng.random() < 0.1:
            return {rng.choice(("name", "id", "amount", "customer", "item")): self.value() for _ in range(3)}
        return self._mutated(rng.choice(self.records), 0)

    def _mutated(self, value: Any, depth: int) -> Any:
        rng = self.rng
        if rng.random() < 0.06:
            return self.value()
        if isinstance(value, dict):
            kept = [key for key in value if rng.random() < (0.6 if depth == 0 else 0.9)]
            return {key: self._mutated(value[key], depth + 1) for key in kept}
        if isinstance(value, list):
            return [self._mutated(each, depth + 1) for each in value[:3]]
        return value

    def value(self) -> Any:
        """Something odd, or something known."""
        return self.rng.choice(self.ids) if self.ids and self.rng.random() < 0.4 else self.rng.choice(ODD)


def _central(session: Session, name: str, drawn: float) -> str:
    config, rng = session.dialect.config, session.rng
    sure = {
        "tenant": config.tenant,
        "environment": config.environment,
        "company": f"companies({session.dialect.company_id})",
    }
    if name in sure and drawn < 0.95:
        return sure[name]
    sets = (
        "companies", "customers", "items", "salesOrders", "salesInvoices", "salesShipments", "customerPaymentJournals",
        "customerPayments", "journals", "subscriptions", "salesOrderLines", "paymentTerms", "generalLedgerEntries", "x",
    )  # fmt: skip
    kind = rng.choice(sets)
    there = session.ids_at.get(kind) or session.ids
    key = rng.choice(there) if there and rng.random() < 0.9 else str(rng.choice(ODD))
    return rng.choice((*[f"{kind}({key})"] * 5, kind, kind, key, "x("))


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)) and depth < 4:
        for each in list(value.values() if isinstance(value, dict) else value)[:6]:
            yield from _objects(each, depth + 1)


def _first_lists(told: dict[str, Any]) -> Iterator[Any]:
    """The records of a page, or the one record of an envelope."""
    for each in told.values():
        if isinstance(each, list):
            yield from each
        elif isinstance(each, dict):
            yield each


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A value as form fields: ``a[b][0]=c``."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(each, f"{name}[{key}]" if name else key)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from _flat(each, f"{name}[{number}]")
    else:
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        yield name or "value", text.encode("utf-8", "replace").decode()


def _cut(rng: random.Random, text: str) -> str:
    at, upto = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return text[:at] + rng.choice(("", "'", "(", "\x00", "é", "0", ",")) + text[upto:]


def _of_type(session: Session, kind: Any, depth: int) -> Any:
    """A value of a body's type, with something else now and then."""
    rng = session.rng
    if rng.random() < 0.1 or depth > 6:
        return session.value()
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return {
            each.encode_name: _of_type(session, each.type, depth + 1)
            for each in fields
            if each.required or rng.random() < 0.5
        }
    if origin in (list, tuple):
        return [_of_type(session, inner[0] if inner else Any, depth + 1) for _ in range(rng.randrange(4))]
    if origin is dict:
        return session._object() if depth < 3 else {}
    if inner:
        return _of_type(session, rng.choice(inner), depth + 1) if not isinstance(inner[0], str) else rng.choice(inner)
    made: dict[Any, Callable[[], Any]] = {
        int: lambda: rng.choice((0, 1, 2, 100, -1, 10**12)),
        bool: lambda: rng.random() < 0.5,
        float: lambda: rng.choice((0.0, 1.5, -2.0)),
        type(None): lambda: None,
    }
    return made.get(kind, session.value)()


# --- the connector's day --------------------------------------------------------------------------------


async def _erp_day(session: Session, erp: Any) -> None:
    party = Party("A1", "Acme", "K-1", "a@acme.example", credit_limit_minor=10_000_000, currency=session.currency)
    customer = await erp.put_customer(party, "customer:A1", "c")
    lines = (DealLine("WIDGET", 2, 1_999), DealLine("GADGET", 1, 500))
    items = await erp.item_ids()
    order = await erp.put_order(
        Deal("D1", "R1", "PO1", party, lines, session.currency, 0), customer, items, "order:D1", "c"
    )
    await erp.update_customer(customer, party, "c")
    await erp.order(order)
    session.dialect.core.deliver(session.stand.names.id_of("order", order), {1: 1})
    invoice = await erp.bill(order, "bill:1", "c")
    entry = BankEntry("B1", 1_000, session.currency, "2026-01-05", None, "INV", "ACME", None)
    await erp.put_payment(entry, customer, [Allocation(invoice, 500)], "cash:B1", "c")
    await erp.open_items(customer)
    await erp.changes(session.clock.now() - 10**12)


async def _crm_day(session: Session, crm: Any) -> None:
    deal = next(iter(session.dialect.core.state.opportunities.values()))
    await crm.deal(deal.id)
    await crm.note_deal(deal.id, {"order_id": "1", "fulfilment": "open"}, "c")
    await crm.note_party(deal.account_id, "1", "c")
    await crm.changes(session.clock.now() - 10**12)


async def _bank_day(session: Session, bank: Any) -> None:
    for event in (await bank.statements("2025-12-31"))[0]:
        await bank.entries(event.object_id)


async def _provider_day(session: Session, provider: Any) -> None:
    payer = await provider.put_payer(
        Party("A1", "Acme", "K-1", "a@acme.example", currency=session.currency), "payer:1", "c"
    )
    await provider.collect(PaymentClaim("INV1", payer, 500, session.currency, "2026-02-04"), "collect:1", "c")
    await provider.changes(session.clock.now() - 1)


STEPS: dict[str, tuple[Callable[[Session, Any], Any], ...]] = {
    "erp": (_erp_day,),
    "crm": (_crm_day,),
    "bank": (_bank_day,),
    "payments": (_provider_day,),
}


# --- logins and seeds -----------------------------------------------------------------------------------


def _token(path: str, secrets: Callable[[Any], dict[str, str]]) -> Callable[..., dict[str, str]]:
    def login(session: Session, *_: Any) -> dict[str, str]:
        form = {"grant_type": "client_credentials", **secrets(session.dialect)}
        where = path.format(config=session.dialect.config)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = session.call(Request("POST", where, {}, kind, urlencode(form).encode(), URL, where))
        return {"authorization": f"Bearer {json.loads(answer.body)['access_token']}"}

    return login


def _bearer(session: Session, *_: Any) -> dict[str, str]:
    config = session.dialect.config
    version = {"gocardless-version": "2015-07-06"} if session.name == "gocardless" else {}
    for name in ("secret_key", "access_token", "token"):
        if hasattr(config, name):
            return {"authorization": f"Bearer {getattr(config, name)}", **version}
    return {}


def _basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _signed(session: Session, method: str, path: str, query: dict[str, str]) -> dict[str, str]:
    config = session.dialect.config
    keys = config.integrations[0]
    signer = TokenSigner(config.account, keys.consumer_key, keys.consumer_secret, keys.token_id, keys.token_secret)
    nonce = f"{session.rng.random()}"
    headers = {"authorization": signer.header(method, URL + path, query, session.clock.now() // 1_000_000, nonce)}
    return {**headers, "prefer": "transient"} if path.endswith("suiteql") else headers


def _client_secret(dialect: Any) -> dict[str, str]:
    return {"client_id": dialect.config.client_id, "client_secret": dialect.config.client_secret}


def _sap(session: Session, *_: Any) -> dict[str, str]:
    user = session.dialect.config.users[0]
    path = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
    headers = {**_basic(user.name, user.password), "x-csrf-token": "Fetch"}
    answer = session.call(Request("GET", path, {}, headers, b"", URL, path))
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    return {**headers, "x-csrf-token": answer.headers.get("x-csrf-token", ""), "cookie": cookie}


LOGINS: dict[str, Callable[..., dict[str, str]]] = {
    "salesforce": _token("/services/oauth2/token", _client_secret),
    "bank_iso20022": _token("/oauth2/token", _client_secret),
    "business_central": _token(
        "/{config.tenant}/oauth2/v2.0/token",
        lambda dialect: {
            "client_id": dialect.config.apps[0].client_id,
            "client_secret": dialect.config.apps[0].client_secret,
            "scope": "https://api.businesscentral.dynamics.com/.default",
        },
    ),
    "netsuite": _signed,
    "s4hana": _sap,
    "bank_files": lambda session, *_: _basic(session.dialect.config.login, session.dialect.config.password),
}


def seed_core(core: Any, currency: str) -> None:
    """Some records to begin with, by what the core is."""
    role = next(kind.__module__.split(".")[3] for kind in type(core).__mro__ if ".roles." in kind.__module__)
    if role == "erp":
        items = [core.add_item(sku, sku.title(), 1_999, 900, currency, 20) for sku in ("WIDGET", "GADGET")]
        for number in range(3):
            customer = core.add_customer(f"Customer {number}", currency, credit_limit_minor=50_000 * number)
            order = core.enter_order(
                customer.id, [(item.id, 2 + number, 1_999) for item in items], po_number=f"P{number}"
            )
            if order.credit != "hold":
                core.deliver(order.id, {1: 1})
                invoice = core.invoice_order(order.id)
                if number == 1:
                    core.receive_payment(customer.id, 1_000, applications=[(invoice.id, 500)])
    elif role == "crm":
        product = core.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 1_999})
        for number in range(3):
            account = core.create("account", {"name": f"Account {number}"})
            values = {"name": f"Deal {number}", "stage": "Closed Won", "close_date": "2026-01-31"}
            deal = core.create("opportunity", {**values, "account_id": account.id})
            line = {"opportunity_id": deal.id, "product_id": product.id, "quantity": 2, "unit_price_minor": 1_999}
            core.create("line", line)
    elif role == "bank":
        account = core.open_account("DE89370400440532013000", currency, "The company")
        for day in range(3):
            money = {
                "end_to_end_id": f"E{day}",
                "remittance": ("INV1",),
                "counterparty": "A",
                "counterparty_iban": None,
            }
            core.credit(account.id, 100 + day, **money)
            core.close_day(date(2026, 1, 5) + timedelta(days=day))
    elif role == "billing":
        for number in range(3):
            core.add_customer(name=f"Customer {number}", email=f"c{number}@example.com")
    elif role == "direct_debit":
        core.add_customer({"company_name": "Acme"})


# --- the run --------------------------------------------------------------------------------------------


def fuzz(name: str, requests: int, seed: int = 7) -> Report:
    """Send that many requests to one system; what it did wrong is in the report."""
    began = time.perf_counter()
    report = Report(name)
    with TwinEnvironment() as env:
        session = Session(env, name, seed)
        for _ in range(requests):
            _one(session, report)
    report.seconds = time.perf_counter() - began
    return report


def _one(session: Session, report: Report) -> None:
    rng, dialect = session.rng, session.dialect
    if not dialect.routes or rng.random() < 0.02:
        path = "/" + "/".join(str(rng.choice(ODD))[:40] for _ in range(rng.randrange(1, 5)))
        request, wanted = Request("GET", path, {}, {}, b"", URL, quote(path, _PLAIN)), "unknown path"
    else:
        # Reads tell what writes can be made from.
        operations = [op for op in dialect.routes if op.method == "GET"] if rng.random() < 0.3 else dialect.routes
        operation = rng.choice(operations)
        request, wanted = session.request(operation), operation.name
    report.requests += 1
    report.operations.add(wanted)
    watched = rng.random() < 0.5
    before = dialect.core.snapshot() if watched else b""
    try:
        answer = session.call(request)
    except Exception as bad:
        ours = [frame for frame in traceback.extract_tb(bad.__traceback__) if "/o2c_twin/" in frame.filename]
        frame = ours[-1]
        place = f"{frame.filename.partition('o2c_twin/')[2]}:{frame.lineno}"
        text = str(bad)[:120]
        report.found(wanted, "exception", f"{type(bad).__name__} at {place}: {text}", request)
        return
    report.statuses[answer.status] += 1
    if answer.status < 300 and request.method not in ("GET", "HEAD"):
        report.written.add(wanted)
    if answer.status >= 500 and b":Fault" not in answer.body:  # SOAP 1.1 refuses with 500
        report.found(wanted, "5xx", f"{answer.status} {answer.body[:120]!r}", request)
    if answer.body and "json" in answer.headers.get("content-type", ""):
        try:
            json.loads(answer.body)
        except ValueError as bad:
            report.found(wanted, "not JSON", str(bad)[:80], request)
    if watched and 400 <= answer.status < 500 and dialect.core.snapshot() != before:
        report.found(wanted, "refused but changed", f"status {answer.status}", request)
    session.learn(wanted, request, answer)
    session.env.run(until=session.env.now + 1_100_000)


def main() -> None:
    """Fuzz the systems and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--system", action="append", choices=names())
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", type=int, default=10, help="findings shown of each system")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    reports = [fuzz(name, options.requests, options.seed) for name in options.system or names()]
    if options.json:
        rows = [
            {"system": r.system, "requests": r.requests, "findings": [vars(f) for f in r.findings.values()]}
            for r in reports
        ]
        print(json.dumps({"systems": rows}, indent=2))
    else:
        for report in reports:
            _tell(report, options.show)
    sys.exit(1 if any(report.findings for report in reports) else 0)


def _tell(report: Report, show: int) -> None:
    kinds = Counter(finding.kind for finding in report.findings.values())
    good = sum(count for status, count in report.statuses.items() if status < 300)
    print(
        f"{report.system:<18} {report.requests:>6,} requests, {len(report.operations):>3} operations,"
        f" {good:>6,} accepted, {len(report.written):>2} writes done, {report.seconds:6.1f} s:"
        f" {dict(kinds) or 'nothing found'}"
    )
    for finding in list(report.findings.values())[:show]:
        print(f"    {finding.operation}: {finding.kind} ({finding.count}): {finding.detail}")
        print(f"        {finding.request[:600]}")


if __name__ == "__main__":
    main()
