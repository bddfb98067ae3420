"""The HubSpot connector against the mock, in virtual time: every method, lost answers, pages, pushes."""

import asyncio
import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.hubspot import SHEET, HubSpotCrm
from o2c_twin.integration.connectors.hubspot_login import PrivateApp, PublicApp
from o2c_twin.integration.ports import NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic
from o2c_twin.mock_systems.vendors.hubspot import HubSpotConfig, Subscription, make
from o2c_twin.mock_systems.wire.faults import LostReply, ServerError, Throttled
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

START = epoch(datetime(2026, 1, 5, tzinfo=UTC))
SECOND = 1_000_000
PUSH_URL = "https://engine.example/webhooks/crm"
SUBSCRIPTIONS = (
    Subscription("deal.associationChange"),
    Subscription("deal.propertyChange", "dealstage"),
    Subscription("company.creation"),
    Subscription("company.propertyChange", "name"),
    Subscription("company.propertyChange", "credit_limit"),
)


def keyed_draw(stream, *key):
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Portal:
    """A portal in virtual time, people who work on it, and a connector."""

    def __init__(self, **settings):
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.pushes = []
        self._tasks = []
        world = World(self.clock, keyed_draw, self.env.aio.sleep, self._spawn, self._post)
        self.config = HubSpotConfig(**settings)
        self.dialect = make(world, self.config)
        self.core = self.dialect.core
        self.server = MockServer("crm", self.dialect, world)
        self.http = direct({"crm": self.server}, self.env.aio.sleep)
        public = PublicApp(self.config.client_id, self.config.client_secret, self.config.refresh_token)
        self.crm = self.connect(public if self.config.app == "public" else PrivateApp(self.config.access_token))
        self.product = self.core.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 1_999})

    def connect(self, app, http=None):
        secret = self.config.client_secret
        return HubSpotCrm("crm", "https://crm.test", http or self.http, self.clock, app, secret, lambda: PUSH_URL)

    def _spawn(self, work, name):
        self._tasks.append(self.env.spawn(work, name))
        return self._tasks[-1]

    async def _post(self, url, headers, body):
        self.pushes.append((body, headers))
        return 200, b""

    def do(self, work):
        """Run one coroutine to its end; its result."""
        return self.env.aio.run_until_complete(work)

    def later(self, seconds):
        self.env.run(until=self.env.now + round(seconds * SECOND))

    def failure(self, work):
        with pytest.raises(CallFailed) as caught:
            self.do(work)
        return caught.value

    # --- people -------------------------------------------------------------------------------------

    def company(self, name="Acme", **custom):
        values = {"customer_number": f"K-{name}", "payment_terms_days": 45, "credit_limit": 5_000, **custom}
        return self.core.create("account", {"name": name}, values).id

    def open_deal(self, company, lines=1, **custom):
        custom = {"po_number": "PO-1", "deal_ref": f"D-{self.core.state.numbers.last.get('opportunity', 0)}", **custom}
        values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": company}
        deal = self.core.create("opportunity", values, custom).id
        for n in range(lines):
            line = {"opportunity_id": deal, "product_id": self.product.id, "quantity": n + 1, "unit_price_minor": 1_950}
            self.core.create("line", line)
        return deal

    def win(self, company, lines=1, **custom):
        deal = self.open_deal(company, lines, **custom)
        self.core.update("opportunity", deal, {"stage": "Closed Won"})
        return deal

    def close(self):
        for task in self._tasks:
            task.cancel()
        self.env.close()


@pytest.fixture
def open_portal():
    opened = []

    def found(**settings):
        opened.append(Portal(**settings))
        return opened[-1]

    yield found
    for portal in opened:
        portal.close()


@pytest.fixture
def portal(open_portal):
    return open_portal()


# --- the sheet --------------------------------------------------------------------------------------


def test_the_sheet_says_what_the_mock_promises():
    promises = {p.operation: p for p in make_promises()}
    for capability in SHEET:
        claims = asdict(capability)
        promise = promises[capability.operation]
        assert {name: getattr(promise, name) for name in claims if name != "write"} == {
            name: value for name, value in claims.items() if name != "write"
        }
    assert [c.write for c in SHEET] == ["note_deal", "note_deals", "note_party"]
    assert guard_of(SHEET, "note_deal").guard == "external-id"


def make_promises():
    from o2c_twin.mock_systems.vendors.hubspot import HubSpotDialect

    return HubSpotDialect.promises


# --- reading ----------------------------------------------------------------------------------------


def test_a_deal_is_read_with_its_company_and_its_lines_in_order(portal):
    company = portal.company(credit_limit=1_234)
    deal_id = portal.win(company, lines=3)
    deal = portal.do(portal.crm.deal(deal_id))
    assert (deal.crm_id, deal.reference, deal.po_number, deal.erp_order_id) == (deal_id, "D-0", "PO-1", None)
    assert [(x.sku, x.quantity, x.unit_price_minor) for x in deal.lines] == [
        ("WIDGET", 1, 1_950),
        ("WIDGET", 2, 1_950),
        ("WIDGET", 3, 1_950),
    ]
    assert (deal.currency, deal.won_at) == ("EUR", START)
    party = deal.party
    assert (party.crm_id, party.name, party.number) == (company, "Acme", "K-Acme")
    assert (party.terms_days, party.credit_limit_minor, party.erp_id) == (45, 123_400, None)
    assert portal.do(portal.crm.party(company)) == party


def test_a_deal_with_more_lines_than_a_page_is_read_whole(portal):
    deal_id = portal.win(portal.company(), lines=620)
    deal = portal.do(portal.crm.deal(deal_id))
    assert [line.quantity for line in deal.lines] == list(range(1, 621))


def test_a_portal_without_the_odd_name_of_line_items_is_read_too(open_portal):
    portal = open_portal(spaced_line_items=False)
    assert len(portal.do(portal.crm.deal(portal.win(portal.company(), lines=2))).lines) == 2


def test_the_price_is_the_one_agreed_after_discount(portal):
    deal_id = portal.open_deal(portal.company())
    line = portal.core.state.opportunities[deal_id].lines[0]
    portal.core.update("line", line, {"quantity": 2, "unit_price_minor": 2_000}, {"hs_discount_percentage": "10"})
    assert portal.do(portal.crm.deal(deal_id)).lines[0].unit_price_minor == 1_800
    portal.core.update("line", line, {}, {"hs_discount_percentage": "33.333"})
    failure = portal.failure(portal.crm.deal(deal_id))
    assert (failure.cause, failure.retryable) == ("rejected", False)


def test_of_several_companies_the_primary_one_buys(portal):
    company, other = portal.company(), portal.company("Other")
    deal_id = portal.win(company)
    dialect = portal.dialect
    dialect.links.put(
        dialect.links.pair(dialect.portal.shapes["deals"], dialect.portal.shapes["companies"]),
        portal.core.get("opportunity", deal_id),
        portal.core.get("account", other),
        False,
    )
    assert portal.do(portal.crm.deal(deal_id)).party.crm_id == company


def test_records_that_make_no_sense_are_refused_with_a_reason(portal):
    lonely = portal.win(None)
    assert portal.failure(portal.crm.deal(lonely)).cause == "rejected"
    assert portal.failure(portal.crm.deal("1")).cause == "missing"
    assert portal.failure(portal.crm.party("1")).cause == "missing"
    deal_id = portal.win(portal.company())
    line = portal.core.state.opportunities[deal_id].lines[0]
    portal.core.update("line", line, {}, {"hs_sku": ""})
    assert "properties.hs_sku: is missing" in portal.failure(portal.crm.deal(deal_id)).detail
    portal.core.update("line", line, {"quantity": 2}, {"hs_sku": "W", "as written quantity": "2.5"})
    assert "not a whole number" in portal.failure(portal.crm.deal(deal_id)).detail


# --- writing ----------------------------------------------------------------------------------------


def test_what_became_of_a_deal_is_written_on_it(portal):
    deal_id, notes = portal.win(portal.company()), {}
    for n, name in enumerate(("order_number", "order_id", "fulfilment", "invoice_number", "payment", "credit")):
        notes[name] = f"v{n}"
    portal.do(portal.crm.note_deal(deal_id, notes, "note"))
    custom = portal.core.state.opportunities[deal_id].custom
    assert [custom[name] for name in ("erp_order_number", "erp_order_id", "erp_fulfilment_status")] == [
        "v0",
        "v1",
        "v2",
    ]
    assert [custom[name] for name in ("erp_invoice_number", "erp_payment_status", "erp_credit_status")] == [
        "v3",
        "v4",
        "v5",
    ]
    assert portal.do(portal.crm.deal(deal_id)).erp_order_id == "v1"
    assert portal.server.journal.entries[-1].operation


def test_the_erps_id_is_written_on_the_company(portal):
    company = portal.company()
    portal.do(portal.crm.note_party(company, "4711", "c"))
    assert portal.do(portal.crm.party(company)).erp_id == "4711"
    assert portal.failure(portal.crm.note_party("1", "4711", "c")).cause == "missing"
    other = portal.company("Other")
    assert portal.failure(portal.crm.note_party(other, "4711", "c")).cause == "rejected"  # unique here


def test_a_note_whose_answer_was_lost_is_written_again_without_harm(portal):
    deal_id = portal.win(portal.company())
    portal.server.faults.add(LostReply(operations=("object.update",), next=1))
    failure = portal.failure(portal.crm.note_deal(deal_id, {"order_id": "7"}, "note"))
    assert (failure.cause, failure.retryable) == ("unknown-outcome", True)
    before = portal.core.state.opportunities[deal_id].custom.copy()
    assert before["erp_order_id"] == "7"
    portal.do(portal.crm.note_deal(deal_id, {"order_id": "7"}, "note"))
    assert portal.core.state.opportunities[deal_id].custom == before
    assert len(portal.core.state.opportunities) == 1


# --- failures ---------------------------------------------------------------------------------------


def test_a_throttled_call_knows_how_long_to_wait_from_the_policys_name(portal):
    company = portal.company()

    async def many():
        for _ in range(200):
            await portal.crm.party(company)

    failure = portal.failure(many())
    assert (failure.cause, failure.retry_after_s) == ("throttled", 10.0)
    portal.later(failure.retry_after_s + 0.5)
    portal.do(portal.crm.party(company))


def test_the_pages_of_a_feed_wait_out_the_limit_of_a_second_but_not_for_ever(portal):
    async def searches():
        for _ in range(6):
            await portal.crm.changes(START)

    portal.do(searches())
    assert any(entry.throttled for entry in portal.server.journal.entries)
    assert portal.clock.now() - START <= 5 * SECOND
    assert portal.do(portal.crm.changes(START))[1] == START

    async def busy():
        while True:  # somebody else searches as fast as the account may
            headers = {"authorization": f"Bearer {portal.config.access_token}"}
            await portal.server.call(Request("POST", "/crm/v3/objects/deals/search", {}, headers, b"{}"))
            await portal.env.aio.sleep(0.05)

    other = portal._spawn(busy(), "busy")
    failure = portal.failure(portal.crm.changes(START))
    other.cancel()
    assert (failure.cause, failure.retry_after_s) == ("throttled", 1.0)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Throttled(next=1), "throttled"),
        (ServerError(next=1), "unknown-outcome"),
        (ServerError(status=503, next=1), "unavailable"),
    ],
)
def test_trouble_of_the_system_is_sorted_by_what_may_be_done(portal, fault, cause):
    company = portal.company()
    portal.server.faults.add(fault)
    failure = portal.failure(portal.crm.party(company))
    assert (failure.cause, failure.retryable) == (cause, True)
    portal.do(portal.crm.party(company))


def test_a_token_that_expired_is_renewed_once_and_the_call_made_again(open_portal):
    portal = open_portal(app="public")
    company = portal.company()
    portal.do(portal.crm.party(company))
    portal.later(1_900)
    portal.do(portal.crm.party(company))
    asked = [entry.operation for entry in portal.server.journal.entries]
    assert asked == ["token.v1", "object.read", "object.read", "token.v1", "object.read"]


@pytest.mark.parametrize("app", [PublicApp("o2c-app", "wrong", "o2c-refresh-token"), PublicApp("x", "y", "z")])
def test_an_app_nobody_knows_is_a_login_that_failed(open_portal, app):
    portal = open_portal(app="public")
    failure = portal.failure(portal.connect(app).party("1"))
    assert (failure.cause, failure.retryable) == ("login", False)


def test_a_private_token_that_is_refused_is_not_tried_again(portal):
    failure = portal.failure(portal.connect(PrivateApp("pat-wrong")).party("1"))
    assert (failure.cause, failure.retryable) == ("login", False)
    assert len(portal.server.journal.entries) == 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((423, b""), "unavailable"),
        ((477, b"", {"retry-after": "60"}), "unavailable"),
        ((409, b""), "rejected"),
        ((400, b""), "rejected"),
        ((403, b""), "login"),
        ((521, b""), "unknown-outcome"),
        ((200, b"<html>"), "unknown-outcome"),
        ((200, {}), "rejected"),
        (NotSent("no"), "unavailable"),
        (NoAnswer("no"), "unknown-outcome"),
    ],
)
def test_an_answer_is_sorted_by_what_may_be_done_about_it(portal, http, refusal, answer, cause):
    http.answers(answer)
    failure = refusal(portal.connect(PrivateApp("t"), http).party("1"))
    assert failure.cause == cause
    assert failure.retry_after_s == (60.0 if isinstance(answer, tuple) and answer[0] == 477 else 0.0)


def test_calls_side_by_side_whose_token_expired_fetch_one_new_one(portal, http):
    logins = []

    async def send(request):
        if request.path.endswith("/token"):
            logins.append(request)
            return await http.reply((200, b'{"access_token":"T%d"}' % len(logins)))
        await asyncio.sleep(0.01 if request.path.endswith("2") else 0)
        if request.headers["authorization"] == "Bearer T1":
            return await http.reply((401, b"{}"))
        return await http.reply((204, b""))

    http.send = send
    crm = portal.connect(PublicApp("a", "b", "c"), http)

    async def both():
        await asyncio.gather(crm.note_deal("1", {}, "a"), crm.note_deal("2", {}, "b"))

    asyncio.run(both())
    assert len(logins) == 2


# --- the feed ---------------------------------------------------------------------------------------


def test_changes_are_won_deals_without_an_order_and_changed_companies(portal):
    company = portal.company()
    won, ordered = portal.win(company), portal.win(company, erp_order_id="7")
    portal.open_deal(company)
    portal.later(60)
    events, until = portal.do(portal.crm.changes(0))
    assert [(e.event_id, e.flow, e.object_id, e.lane, e.source_at) for e in events] == [
        (f"crm:won:{won}", "order", won, f"party:{company}", START),
        (f"crm:party:{company}:{START // 1_000}", "customer", company, f"party:{company}", START),
    ]
    assert ordered != won
    assert until == START
    again, _ = portal.do(portal.crm.changes(until))
    assert again == events
    assert portal.do(portal.crm.changes(START + SECOND))[0] == []


def test_every_change_of_a_busy_time_is_told_once_search_has_learned_of_it(portal):
    """Polls that go on where the last one said, while search learns of changes late and out of order."""
    company = portal.company()
    made, told, since = [], {}, 0
    for _ in range(60):
        made.append(portal.win(company, lines=0))
        portal.later(2.3)
        events, since = portal.do(portal.crm.changes(since))
        told.update((e.object_id, None) for e in events if e.flow == "order")
    portal.later(31)
    events, _ = portal.do(portal.crm.changes(since))
    told.update((e.object_id, None) for e in events if e.flow == "order")
    assert sorted(told) == sorted(made)
    assert len(events) < 60  # the window moves on


def test_a_feed_of_many_pages_is_complete_though_records_change_meanwhile(open_portal):
    portal = open_portal(search_lag_s=0.0)
    made = []
    for n in range(1_000):
        made.append(portal.company(f"C{n}"))
        if n % 3 == 0:
            portal.later(0.001)
    portal.later(60)
    calls = portal.server.call
    turned = iter(range(1_000))

    async def slow(request):
        if request.path.endswith("companies/search"):
            await portal.env.aio.sleep(0.5)
            # Somebody changes a record of the first page while the second is fetched.
            portal.core.update("account", made[next(turned)], {"city": "Bonn"})
        return await calls(request)

    portal.server.call = slow
    portal.http = direct({"crm": portal.server}, portal.env.aio.sleep)
    crm = portal.connect(PrivateApp(portal.config.access_token))
    events, _ = portal.do(crm.changes(0))
    assert {e.object_id for e in events} == set(made)


def test_more_changes_in_one_millisecond_than_a_page_holds_are_paged(open_portal):
    portal = open_portal(search_lag_s=0.0)
    made = [portal.company(f"C{n}") for n in range(650)]
    portal.later(60)
    events, _ = portal.do(portal.crm.changes(0))
    assert sorted(e.object_id for e in events) == sorted(made)


def test_more_than_search_will_ever_show_is_a_case_for_a_person(portal, http, refusal):
    stamp = {"hs_lastmodifieddate": "2026-01-05T00:00:00.000Z", "hs_primary_associated_company": None}

    async def send(request):
        body = json.loads(request.body)
        page = [{"id": str(n), "properties": stamp} for n in range(200)]
        after = int(body.get("after", 0)) + 200
        return await http.reply((200, {"results": page, "paging": {"next": {"after": str(after)}}}))

    http.send = send
    failure = refusal(portal.connect(PrivateApp("t"), http).changes(START))
    assert (failure.cause, failure.retryable) == ("rejected", False)


# --- pushes -----------------------------------------------------------------------------------------


def test_pushes_tell_the_same_events_as_polls(open_portal):
    portal = open_portal(search_lag_s=0.0)
    portal.dialect.subscribe(PUSH_URL, SUBSCRIPTIONS)
    company = portal.company()
    won = portal.win(company)
    portal.later(5)
    ((body, headers),) = portal.pushes
    pushed, answer = portal.crm.pushed(body, headers)
    polled, _ = portal.do(portal.crm.changes(0))
    assert sorted(map(repr, pushed)) == sorted(map(repr, polled))
    assert {e.event_id for e in pushed} == {f"crm:won:{won}", f"crm:party:{company}:{START // 1_000}"}
    assert answer == b""


def test_a_deal_won_later_is_in_its_companys_lane_when_the_association_was_told_before(portal):
    portal.dialect.subscribe(PUSH_URL, SUBSCRIPTIONS)
    company = portal.company()
    deal = portal.open_deal(company)
    portal.later(100)
    portal.core.update("opportunity", deal, {"stage": "Closed Won"})
    portal.later(5)
    first, second = portal.pushes
    portal.crm.pushed(*first)
    (event,) = portal.crm.pushed(*second)[0]
    assert (event.event_id, event.lane) == (f"crm:won:{deal}", f"party:{company}")
    # A process that did not hear of it gives the deal a lane of its own: the same event all the same.
    (alone,) = portal.connect(PrivateApp("t")).pushed(*second)[0]
    assert (alone.event_id, alone.lane) == (event.event_id, f"deal:{deal}")


def test_a_company_put_to_another_deal_is_forgotten_when_taken_away(portal):
    portal.dialect.subscribe(PUSH_URL, SUBSCRIPTIONS)
    deal = portal.open_deal(portal.company())
    portal.core.update("opportunity", deal, {"account_id": None})
    portal.core.update("opportunity", deal, {"stage": "Closed Won"})
    portal.later(5)
    events = [e for push in portal.pushes for e in portal.crm.pushed(*push)[0] if e.flow == "order"]
    assert [e.lane for e in events] == [f"deal:{deal}"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body, headers: (body + b" ", headers),
        lambda body, headers: (body, {**headers, "x-hubspot-signature-v3": "AAAA"}),
        lambda body, headers: (body, {**headers, "x-hubspot-signature-v3": "é"}),
        lambda body, headers: (body, {**headers, "x-hubspot-request-timestamp": str(START // 1_000)}),
        lambda body, headers: (body, {**headers, "x-hubspot-request-timestamp": "soon"}),
        lambda body, headers: (body, {}),
    ],
)
def test_a_push_whose_signature_does_not_hold_is_not_believed(portal, spoil):
    portal.dialect.subscribe(PUSH_URL, SUBSCRIPTIONS)
    portal.company()
    portal.later(5)
    with pytest.raises(NotAuthentic):
        portal.crm.pushed(*spoil(*portal.pushes[0]))
    assert portal.crm.pushed(*portal.pushes[0])[0]


def test_an_old_push_is_not_believed_though_its_signature_holds(portal):
    portal.dialect.subscribe(PUSH_URL, SUBSCRIPTIONS)
    portal.company()
    portal.later(1 + 299)
    assert portal.crm.pushed(*portal.pushes[0])[0]
    portal.later(10)
    with pytest.raises(NotAuthentic, match="five minutes"):
        portal.crm.pushed(*portal.pushes[0])


def test_a_push_to_another_address_is_not_believed(portal):
    portal.dialect.subscribe("https://other.example/webhooks/crm", SUBSCRIPTIONS)
    portal.company()
    portal.later(5)
    with pytest.raises(NotAuthentic):
        portal.crm.pushed(*portal.pushes[0])


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"", b'[{"subscriptionType":5}]', b'[{"objectId":"../../x"}]'])
def test_a_signed_push_that_is_no_list_of_events_is_refused(portal, body):
    headers = portal.dialect.webhooks.sign(PUSH_URL, body, portal.clock.now())
    with pytest.raises(ValueError, match=r"."):
        portal.crm.pushed(body, headers)


def test_events_that_concern_nobody_are_taken_and_passed_over(portal):
    body = json.dumps(
        [
            {"subscriptionType": "contact.creation", "occurredAt": 1, "objectId": 5},
            {"subscriptionType": "deal.propertyChange", "occurredAt": 1, "objectId": 5, "propertyName": "dealname",
             "propertyValue": "closedwon"},
            {"subscriptionType": "company.deletion", "occurredAt": 1, "objectId": 5},
            {"subscriptionType": "deal.merge", "occurredAt": 1},
        ]
    ).encode()  # fmt: skip
    assert portal.crm.pushed(body, portal.dialect.webhooks.sign(PUSH_URL, body, portal.clock.now())) == ([], b"")


def test_the_connector_is_refused_by_the_mock_as_by_the_vendor_without_a_token(portal):
    answer = portal.do(portal.server.call(Request("GET", "/crm/v3/objects/deals")))
    assert answer.status == 401
