"""The unmodified Python client `hubspot-api-client` against a portal on a real socket.

It is pointed at the mock by its own ``host`` parameter alone.
"""

import asyncio
import datetime
import threading
from collections.abc import Iterator

import pytest

from o2c_twin.mock_systems.vendors.hubspot import HubSpotConfig, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.live import LiveServer, run_live
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

hubspot = pytest.importorskip("hubspot")
from hubspot import HubSpot  # noqa: E402
from hubspot.crm import associations, companies, contacts, deals, line_items, products, properties  # noqa: E402
from hubspot.crm.associations.v4 import models as v4  # noqa: E402
from hubspot.crm.associations.v4.exceptions import ApiException as LinkException  # noqa: E402
from hubspot.utils.signature import Signature  # noqa: E402
from hubspot.webhooks import models as hooks  # noqa: E402

START_US = 1_767_225_600_000_000


class Clock:
    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> int:
        return self.us


class LivePortal:
    """A portal that listens on a port, in a thread of its own."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        world = World(self.clock, lambda stream, *key: 0.5, asyncio.sleep, self._spawn, self._post)
        self.dialect = make(world, HubSpotConfig(**{"search_lag_s": 0.0, "webhook_delay_s": 0.0, **settings}))
        self.server = MockServer("crm", self.dialect, world)
        self._live = LiveServer(MockApp(self.server, "control"))
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: run_live(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        self.url = self._live.url

    def _spawn(self, work, name):
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.append(task)
        return task

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.posted.append((url, headers, body))
        return 200, b""

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        async with self._live:
            self._ready.set()
            await self._done.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(30)

    def client(self, token: str = "pat-eu1-o2c-twin") -> HubSpot:
        return HubSpot(access_token=token, host=self.url)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[LivePortal]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    portal = LivePortal()
    yield portal
    portal.stop()


def _props(**values: str) -> companies.SimplePublicObjectInputForCreate:
    return companies.SimplePublicObjectInputForCreate(properties=values)


def test_an_order_to_cash_session(live):
    """A deal is won, an integration finds it, reads it whole, and writes the order's number back."""
    crm = live.client().crm
    company = crm.companies.basic_api.create(_props(name="Acme", customer_number="K-1"))
    product = crm.products.basic_api.create(_props(name="Widget", hs_sku="W-1", price="19.99"))
    deal = crm.deals.basic_api.create(
        deals.SimplePublicObjectInputForCreate(
            properties={"dealname": "D-1", "dealstage": "contractsent", "po_number": "PO-1"},
            associations=[
                {
                    "to": {"id": company.id},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}],
                }
            ],
        )
    )
    line = crm.line_items.basic_api.create(_props(hs_product_id=product.id, quantity="3"))
    crm.associations.v4.basic_api.create_default("line_items", line.id, "deals", deal.id)
    crm.deals.basic_api.update(deal.id, deals.SimplePublicObjectInput(properties={"dealstage": "closedwon"}))

    won = deals.PublicObjectSearchRequest(
        filter_groups=[
            deals.FilterGroup(
                filters=[
                    deals.Filter(property_name="dealstage", operator="EQ", value="closedwon"),
                    deals.Filter(property_name="erp_order_id", operator="NOT_HAS_PROPERTY"),
                ]
            )
        ],
        properties=["po_number", "hs_primary_associated_company"],
    )
    found = crm.deals.search_api.do_search(public_object_search_request=won)
    assert [(r.id, r.properties["hs_primary_associated_company"]) for r in found.results] == [(deal.id, company.id)]
    links = crm.associations.v4.basic_api.get_page("deals", deal.id, "line_items")
    ids = [{"id": str(link.to_object_id)} for link in links.results]
    lines = crm.line_items.batch_api.read(
        line_items.BatchReadInputSimplePublicObjectId(inputs=ids, properties=["hs_sku", "quantity", "price"],
                                                      properties_with_history=[])
    )  # fmt: skip
    (read,) = lines.results
    assert {k: read.properties[k] for k in ("hs_sku", "quantity", "price")} == {
        "hs_sku": "W-1",
        "quantity": "3",
        "price": "19.99",
    }
    crm.deals.basic_api.update(deal.id, deals.SimplePublicObjectInput(properties={"erp_order_id": "4711"}))
    assert crm.deals.search_api.do_search(public_object_search_request=won).total == 0
    assert isinstance(read.created_at, datetime.datetime)


def test_a_batch_in_which_one_deal_is_refused_comes_back_as_the_clients_multi_status(live):
    crm = live.client().crm
    new = deals.SimplePublicObjectInputForCreate(properties={"dealname": "D", "dealstage": "contractsent"})
    ids = [crm.deals.basic_api.create(new).id, "1", crm.deals.basic_api.create(new).id]
    inputs = [
        deals.SimplePublicObjectBatchInput(id=id_, properties={"po_number": "PO"}, object_write_trace_id=str(n))
        for n, id_ in enumerate(ids)
    ]
    answer = crm.deals.batch_api.update(deals.BatchInputSimplePublicObjectBatchInput(inputs=inputs))
    assert isinstance(answer, deals.BatchResponseSimplePublicObjectWithErrors)
    assert ([each.id for each in answer.results], answer.num_errors) == ([ids[0], ids[2]], 1)
    assert [(e.category, e.context["objectWriteTraceId"]) for e in answer.errors] == [("OBJECT_NOT_FOUND", ["1"])]


def test_pages_are_walked_by_the_clients_own_helper(live):
    crm = live.client().crm
    for start in (0, 100):
        inputs = [_props(name=f"C{start + n}") for n in range(100)]
        crm.companies.batch_api.create(companies.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    crm.companies.basic_api.create(_props(name="last"))
    everyone = crm.companies.get_all(properties=["name"])
    assert [c.properties["name"] for c in everyone] == [*(f"C{n}" for n in range(200)), "last"]


def test_errors_arrive_as_the_clients_exceptions(live):
    crm = live.client().crm
    with pytest.raises(companies.ApiException) as invalid:
        crm.companies.basic_api.create(_props(colour="red"))
    assert (invalid.value.status, "PROPERTY_DOESNT_EXIST" in invalid.value.body) == (400, True)
    crm.contacts.basic_api.create(_props(email="a@b.example"))
    with pytest.raises(contacts.ApiException) as conflict:
        crm.contacts.basic_api.create(_props(email="a@b.example"))
    assert conflict.value.status == 409
    with pytest.raises(deals.ApiException) as missing:
        crm.deals.basic_api.get_by_id("1")
    assert missing.value.status == 404
    with pytest.raises(deals.ApiException) as unknown:
        live.client("pat-wrong").crm.deals.basic_api.get_page()
    assert (unknown.value.status, "INVALID_AUTHENTICATION" in unknown.value.body) == (401, True)
    with pytest.raises(LinkException):
        crm.associations.v4.basic_api.create_default("deals", "1", "products", "2")


def test_a_throttled_call_names_its_policy(live):
    crm = live.client().crm
    with pytest.raises(deals.ApiException) as throttled:
        for _ in range(6):
            crm.deals.search_api.do_search(public_object_search_request=deals.PublicObjectSearchRequest())
    assert throttled.value.status == 429
    assert '"policyName":"SECONDLY"' in throttled.value.body
    live.clock.us += 2_000_000
    crm.deals.search_api.do_search(public_object_search_request=deals.PublicObjectSearchRequest())


def test_an_expired_login_is_renewed_with_the_refresh_token(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    live = LivePortal(app="public")
    try:

        def trade():
            tokens = HubSpot(host=live.url).oauth.tokens_api
            return tokens.create(
                grant_type="refresh_token",
                client_id="o2c-app",
                client_secret="o2c-app-secret",
                refresh_token="o2c-refresh-token",
            ).access_token

        client = live.client(trade())
        assert client.crm.deals.basic_api.get_page().results == []
        live.clock.us += 1_801_000_000
        with pytest.raises(deals.ApiException) as expired:
            client.crm.deals.basic_api.get_page()
        assert "EXPIRED_AUTHENTICATION" in expired.value.body
        client.access_token = trade()
        assert client.crm.deals.basic_api.get_page().results == []
        about = HubSpot(host=live.url).oauth.access_tokens_api.get(client.access_token)
        assert about.hub_id == 24_242_424
    finally:
        live.stop()


def test_a_pushed_delivery_passes_the_clients_own_signature_check(live, monkeypatch):
    client = live.client()
    client.api_key = "o2c-developer-key"
    app = 4_200_042
    client.webhooks.settings_api.configure(
        app, hooks.SettingsChangeRequest(throttling={"maxConcurrentRequests": 5}, target_url="https://me.example/h")
    )
    client.webhooks.subscriptions_api.create(
        app, hooks.SubscriptionCreateRequest(event_type="company.creation", active=True)
    )
    client.crm.companies.basic_api.create(_props(name="Acme"))
    for _ in range(200):
        if live.posted:
            break
        threading.Event().wait(0.01)
    ((url, headers, body),) = live.posted
    monkeypatch.setattr(Signature, "_is_timestamp_valid", staticmethod(lambda stamp: True))  # the portal's year is 2026
    stamp, signed = headers["x-hubspot-request-timestamp"], headers["x-hubspot-signature-v3"]
    how = {"http_uri": url, "http_method": "POST", "signature_version": "v3", "timestamp": stamp}
    assert Signature.is_valid(signed, "o2c-app-secret", body.decode(), **how)
    assert not Signature.is_valid(signed, "another secret", body.decode(), **how)


def test_every_call_an_integration_needs_is_answered_as_the_client_expects(live):
    """A table of distinct client methods: each is called once and its answer read into the client's models."""
    client = live.client()
    client.api_key = "o2c-developer-key"
    crm, links, app = client.crm, client.crm.associations.v4, 4_200_042
    done: list[str] = []

    def ok(name, result):
        done.append(name)
        return result

    modules = {
        "companies": (crm.companies, companies, {"name": "A"}, "erp_customer_id"),
        "contacts": (crm.contacts, contacts, {"firstname": "A"}, "email"),
        "deals": (crm.deals, deals, {"dealname": "A", "dealstage": "contractsent"}, "deal_ref"),
        "products": (crm.products, products, {"name": "A", "price": "1.00"}, "erp_item_id"),
        "line_items": (crm.line_items, line_items, {"name": "A", "quantity": "1"}, "erp_line_id"),
    }
    kept: dict[str, str] = {}
    for kind, (api, models, values, key) in modules.items():
        live.clock.us += 10_000_000
        made = ok(f"{kind}.create", api.basic_api.create(_props(**values)))
        kept[kind] = made.id
        change = models.SimplePublicObjectInput(properties={next(iter(values)): "B"})
        assert ok(f"{kind}.get_by_id", api.basic_api.get_by_id(made.id)).id == made.id
        assert ok(f"{kind}.update", api.basic_api.update(made.id, change)).properties[next(iter(values))] == "B"
        assert ok(f"{kind}.get_page", api.basic_api.get_page(limit=5)).results
        found = ok(f"{kind}.search", api.search_api.do_search(models.PublicObjectSearchRequest(limit=5)))
        assert found.total == 1
        new = models.BatchInputSimplePublicObjectBatchInputForCreate(inputs=[_props(**values)])
        batch = ok(f"{kind}.batch.create", api.batch_api.create(new))
        ids = [{"id": batch.results[0].id}]
        more = models.BatchReadInputSimplePublicObjectId(
            inputs=ids, properties=[next(iter(values))], properties_with_history=[]
        )
        assert ok(f"{kind}.batch.read", api.batch_api.read(more)).results[0].id == ids[0]["id"]
        changes = models.BatchInputSimplePublicObjectBatchInput(
            inputs=[models.SimplePublicObjectBatchInput(id=ids[0]["id"], properties={next(iter(values)): "C"})]
        )
        assert ok(f"{kind}.batch.update", api.batch_api.update(changes)).status == "COMPLETE"
        value = "k@b.example" if key == "email" else "K"
        put = models.BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=[models.SimplePublicObjectBatchInputUpsert(id=value, id_property=key, properties=values)]
        )
        assert ok(f"{kind}.batch.upsert", api.batch_api.upsert(put)).results[0].new is True
        gone = models.BatchInputSimplePublicObjectId(inputs=ids)
        ok(f"{kind}.batch.archive", api.batch_api.archive(gone))
        ok(f"{kind}.archive", api.basic_api.archive(batch.results[0].id))
    live.clock.us += 10_000_000
    deal, company = kept["deals"], kept["companies"]
    ok("objects.get_by_id", crm.objects.basic_api.get_by_id("0-3", deal))
    ok("v4.create_default", links.basic_api.create_default("deals", deal, "companies", company))
    spec = [v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=5)]
    ok("v4.create", links.basic_api.create("deals", deal, "companies", company, spec))
    assert ok("v4.get_page", links.basic_api.get_page("deals", deal, "companies")).results[0].to_object_id
    pair = {"from": {"id": deal}, "to": {"id": company}}
    ok(
        "v4.batch.create_default",
        links.batch_api.create_default(
            "deals", "companies", v4.BatchInputPublicDefaultAssociationMultiPost(inputs=[pair])
        ),
    )
    ok(
        "v4.batch.create",
        links.batch_api.create(
            "deals",
            "companies",
            v4.BatchInputPublicAssociationMultiPost(
                inputs=[{**pair, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]}]
            ),
        ),
    )
    ok(
        "v4.batch.get_page",
        links.batch_api.get_page(
            "deals", "companies", v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": deal}])
        ),
    )
    ok(
        "v4.batch.archive",
        links.batch_api.archive(
            "deals",
            "companies",
            v4.BatchInputPublicAssociationMultiArchive(inputs=[{"from": {"id": deal}, "to": [{"id": company}]}]),
        ),
    )
    ok("v4.archive", links.basic_api.archive("deals", deal, "companies", company))
    own = properties.PropertyCreate(
        name="route", label="R", type="string", field_type="text", group_name="dealinformation"
    )
    ok("properties.create", crm.properties.core_api.create("deals", own))
    ok("properties.get_by_name", crm.properties.core_api.get_by_name("deals", "route"))
    assert len(ok("properties.get_all", crm.properties.core_api.get_all("deals")).results) > 20
    ok(
        "properties.update",
        crm.properties.core_api.update("deals", "route", properties.PropertyUpdate(label="Route")),
    )
    ok("properties.archive", crm.properties.core_api.archive("deals", "route"))
    ok("properties.groups", crm.properties.groups_api.get_all("deals"))
    ok("pipelines.get_all", crm.pipelines.pipelines_api.get_all("deals"))
    ok("pipelines.get_by_id", crm.pipelines.pipelines_api.get_by_id("deals", "default"))
    ok("stages.get_all", crm.pipelines.pipeline_stages_api.get_all("deals", "default"))
    ok("stages.get_by_id", crm.pipelines.pipeline_stages_api.get_by_id("deals", "default", "closedwon"))
    ok("owners.get_page", crm.owners.owners_api.get_page())
    ok("owners.get_by_id", crm.owners.owners_api.get_by_id(1))
    settings, subscriptions = client.webhooks.settings_api, client.webhooks.subscriptions_api
    aim = hooks.SettingsChangeRequest(throttling={"maxConcurrentRequests": 5}, target_url="https://me.example/h")
    ok("webhooks.configure", settings.configure(app, aim))
    ok("webhooks.settings", settings.get_all(app))
    new = hooks.SubscriptionCreateRequest(event_type="deal.propertyChange", property_name="dealstage", active=False)
    made = ok("webhooks.subscribe", subscriptions.create(app, new))
    ok("webhooks.subscription", subscriptions.get_by_id(made.id, app))
    ok("webhooks.subscriptions", subscriptions.get_all(app))
    ok("webhooks.update", subscriptions.update(made.id, app, hooks.SubscriptionPatchRequest(active=True)))
    ok("webhooks.unsubscribe", subscriptions.archive(made.id, app))
    ok("webhooks.clear", settings.clear(app))
    answer = HubSpot(access_token="pat-eu1-o2c-twin", base_url=live.url).api_request(
        {"path": f"/crm/v3/objects/deals/{deal}"}
    )
    assert answer.json()["id"] == deal
    done.append("api_request")
    print(f"{len(set(done))} distinct client calls passed")
    assert len(done) == len(set(done)) == 85
    assert associations
