"""The HubSpot connector against the mock, in virtual time: every method, lost answers, failures."""

import asyncio
from dataclasses import asdict

import pytest
from tests.integration.connectors.hubspot_portal import SECOND, START, portals

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.hubspot import SHEET
from o2c_twin.integration.connectors.hubspot_login import PrivateApp, PublicApp
from o2c_twin.integration.ports import NoAnswer, NotSent
from o2c_twin.mock_systems.wire.faults import LostReply, ServerError, Throttled
from o2c_twin.mock_systems.wire.message import Request


@pytest.fixture
def open_portal():
    with portals() as found:
        yield found


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
    assert [c.write for c in SHEET] == ["note_deal", "note_deals", "note_party", "change_party"]
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
