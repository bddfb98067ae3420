"""How the HubSpot connector hears what changed, in virtual time: pages of the feed, and pushes."""

import json

import pytest
from tests.integration.connectors.hubspot_portal import PUSH_URL, SECOND, START, SUBSCRIPTIONS, portals

from o2c_twin.integration.connectors.hubspot_login import PrivateApp
from o2c_twin.integration.runtime.errors import NotAuthentic
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.twin.transport import direct


@pytest.fixture
def open_portal():
    with portals() as found:
        yield found


@pytest.fixture
def portal(open_portal):
    return open_portal()


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
