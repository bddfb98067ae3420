"""The Salesforce connector: what it makes of the vendor's answers and pushes, good and bad."""

import asyncio
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest

from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.ports import NoAnswer, NotSent

TOKEN = (200, {"access_token": "T1"})
DEAL_ID = "0060e0000000001AAA"
ACCOUNT = {
    "Id": "0010e0000000001AAA",
    "Name": "Acme",
    "Customer_Number__c": "K-1",
    "Payment_Terms_Days__c": 45.0,
    "Credit_Limit__c": 1234.56,
    "ERP_Id__c": None,
    "SystemModstamp": "2026-01-05T10:00:00.000+0000",
}


def _line(code="WIDGET", quantity=2.0, price=19.99):
    return {"Product2": {"ProductCode": code}, "Quantity": quantity, "UnitPrice": price}


def _page(*records, done=True, following=None):
    return {"totalSize": len(records), "done": done, "records": list(records), "nextRecordsUrl": following}


def _deal(lines=None, account=ACCOUNT, **fields):
    row = {
        "Id": DEAL_ID,
        "Name": "Deal",
        "Deal_Ref__c": "D-1",
        "PO_Number__c": "PO-1",
        "ERP_Order_Id__c": None,
        "SystemModstamp": "2026-01-05T10:00:00.000Z",
        "Account": account,
        "OpportunityLineItems": _page(_line()) if lines is None else lines,
    }
    return _page({**row, **fields})


def _error(code):
    return [{"errorCode": code, "message": "as told"}]


@pytest.fixture
def crm(http):
    return SalesforceCrm("crm", "https://acme.example", http, "app", "se cret&", "EUR")


# --- login ------------------------------------------------------------------------------------------


def test_it_logs_in_once_and_signs_each_call_with_the_token(crm, http):
    http.answers(TOKEN, (200, ACCOUNT), (200, ACCOUNT))
    asyncio.run(crm.party("0010e0000000001AAA"))
    asyncio.run(crm.party("0010e0000000001AAA"))
    login, *calls = http.sent
    form = {"grant_type": ["client_credentials"], "client_id": ["app"], "client_secret": ["se cret&"]}
    assert parse_qs(login.body.decode()) == form
    assert [call.headers["authorization"] for call in calls] == ["Bearer T1", "Bearer T1"]


def test_an_expired_session_is_renewed_once_and_the_call_made_again(crm, http):
    expired = (401, _error("INVALID_SESSION_ID"))
    http.answers(TOKEN, expired, (200, {"access_token": "T2"}), (204, b""))
    asyncio.run(crm.note_deal(DEAL_ID, {"order_number": "SO1"}, "note"))
    assert http.sent[-1].headers["authorization"] == "Bearer T2"
    assert http.sent[-1].body == b'{"ERP_Order_Number__c":"SO1"}'


def test_a_session_that_is_refused_twice_is_not_tried_for_ever(crm, http, refusal):
    expired = (401, _error("INVALID_SESSION_ID"))
    http.answers(TOKEN, expired, TOKEN, expired)
    failure = refusal(crm.note_deal(DEAL_ID, {}, "note"))
    assert (failure.cause, failure.retryable) == ("login", False)
    assert len(http.sent) == 4


def test_calls_side_by_side_whose_session_expired_log_in_for_themselves_at_most(crm, http):
    """A refusal of the old token does not throw away the new one somebody has fetched meanwhile."""
    http.answers(TOKEN, (200, ACCOUNT))
    asyncio.run(crm.party("0010e0000000001AAA"))
    logins = []

    async def send(request):
        if request.path.endswith("/token"):
            logins.append(request)
            return await http.reply((200, b'{"access_token":"T%d"}' % (len(logins) + 1)))
        slow = request.path.endswith("2AAA")
        await asyncio.sleep(0.01 if slow else 0)
        if request.headers["authorization"] == "Bearer T1":
            return await http.reply((401, b"[]"))
        return await http.reply((204, b""))

    http.send = send

    async def both():
        await asyncio.gather(crm.note_deal("0060e0000000001AAA", {}, "a"), crm.note_deal("0060e0000000002AAA", {}, "b"))

    asyncio.run(both())
    assert len(logins) == 1


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (400, {"error": "invalid_client"}, "login"),
        (401, {"error": "invalid_grant"}, "login"),
        (429, b"", "throttled"),
        (503, b"", "unavailable"),
        (502, b"", "unavailable"),  # what was to follow the login was never sent
        (200, b"<html>", "unknown-outcome"),
        (200, {"token": "none"}, "rejected"),
    ],
)
def test_a_login_that_fails_says_why(crm, http, refusal, status, body, cause):
    http.answers((status, body))
    assert refusal(crm.note_deal(DEAL_ID, {}, "note")).cause == cause


# --- failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (403, _error("REQUEST_LIMIT_EXCEEDED"), "throttled"),
        (403, _error("INSUFFICIENT_ACCESS"), "login"),
        (400, _error("UNABLE_TO_LOCK_ROW"), "unavailable"),
        (503, _error("SERVER_UNAVAILABLE"), "unavailable"),
        (500, _error("UNKNOWN_EXCEPTION"), "unknown-outcome"),
        (400, _error("FIELD_CUSTOM_VALIDATION_EXCEPTION"), "rejected"),
        (404, _error("NOT_FOUND"), "missing"),
        (408, b"", "unavailable"),
        (302, b"", "rejected"),
        (502, b"<html>bad gateway</html>", "unknown-outcome"),
    ],
)
def test_an_answer_is_sorted_by_what_may_be_done_about_it(crm, http, refusal, status, body, cause):
    http.answers(TOKEN, (status, body))
    assert refusal(crm.note_deal(DEAL_ID, {}, "note")).cause == cause


@pytest.mark.parametrize(("trouble", "cause"), [(NotSent("no"), "unavailable"), (NoAnswer("no"), "unknown-outcome")])
def test_trouble_on_the_wire_is_told_apart_by_what_it_may_have_changed(crm, http, refusal, trouble, cause):
    http.answers(TOKEN, trouble)
    assert refusal(crm.note_deal(DEAL_ID, {}, "note")).cause == cause


@pytest.mark.parametrize("body", [b'{"records": [', b"", b"<html>", b"[]", b"null", b"\xff"])
def test_an_answer_that_is_cut_off_may_be_asked_for_again(crm, http, refusal, body):
    http.answers(TOKEN, (200, body))
    failure = refusal(crm.deal(DEAL_ID))
    assert (failure.cause, failure.retryable) == ("unknown-outcome", True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Mon, 05 Jan 2026 10:02:00 GMT", "date": "Mon, 05 Jan 2026 10:00:30 GMT"}, 90.0),
        ({"retry-after": "Mon, 05 Jan 2026 10:00:00 GMT", "date": "Mon, 05 Jan 2026 10:02:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 05 Jan 2026 10:02:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "inf"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "²"}, 0.0),
        ({}, 0.0),
    ],
)
def test_how_long_a_system_asks_to_wait_is_read_in_both_spellings_of_the_standard(crm, http, refusal, headers, seconds):
    http.answers(TOKEN, (503, b"", headers))
    assert refusal(crm.note_deal(DEAL_ID, {}, "note")).retry_after_s == seconds


# --- records ----------------------------------------------------------------------------------------


def test_a_deal_is_read_with_its_account_and_lines_to_the_cent(crm, http):
    lines = _page(_line(price=19.99), _line("GADGET", 1, 1_000_000.01))
    http.answers(TOKEN, (200, _deal(lines)))
    deal = asyncio.run(crm.deal(DEAL_ID))
    assert [(x.sku, x.quantity, x.unit_price_minor) for x in deal.lines] == [
        ("WIDGET", 2, 1_999),
        ("GADGET", 1, 100_000_001),
    ]
    assert (deal.party.number, deal.party.terms_days, deal.party.credit_limit_minor) == ("K-1", 45, 123_456)
    assert (deal.reference, deal.po_number, deal.erp_order_id) == ("D-1", "PO-1", None)


def test_lines_beyond_the_first_page_of_a_deal_are_fetched(crm, http):
    first = _page(_line("A"), done=False, following="/services/data/v59.0/query/01g-2")
    http.answers(
        TOKEN, (200, _deal(first)), (200, _page(_line("B"), done=False, following="/next")), (200, _page(_line("C")))
    )
    assert [line.sku for line in asyncio.run(crm.deal(DEAL_ID)).lines] == ["A", "B", "C"]
    assert http.asked[-2:] == ["GET /services/data/v59.0/query/01g-2", "GET /next"]


@pytest.mark.parametrize(
    "row",
    [
        _deal(_page(_line(quantity=1.5))),
        _deal(_page(_line(price=19.999))),
        _deal(_page({"Quantity": 1, "UnitPrice": 1})),
        _deal(account=None),
        _deal(SystemModstamp="yesterday"),
    ],
    ids=["half a piece", "a tenth of a cent", "no product", "no account", "no date"],
)
def test_a_deal_that_makes_no_sense_is_refused_with_a_reason_and_stops_nothing(crm, http, refusal, row):
    http.answers(TOKEN, (200, row))
    failure = refusal(crm.deal(DEAL_ID))
    assert (failure.cause, failure.retryable) == ("rejected", False)


def test_a_deal_without_lines_and_one_that_is_gone(crm, http, refusal):
    http.answers(TOKEN, (200, _deal(OpportunityLineItems=None)), (200, _page()))
    assert asyncio.run(crm.deal(DEAL_ID)).lines == ()
    assert refusal(crm.deal(DEAL_ID)).cause == "missing"


def test_changes_are_won_deals_without_an_order_and_changed_accounts(crm, http):
    deal = {"Id": DEAL_ID, "AccountId": ACCOUNT["Id"], "SystemModstamp": "2026-01-05T10:00:00.000Z"}
    account = {"Id": ACCOUNT["Id"], "SystemModstamp": "2026-01-05T11:00:00.000Z"}
    http.answers(TOKEN, (200, _page(deal)), (200, _page(account)))
    events, until = asyncio.run(crm.changes(1_767_571_200_000_000))
    assert [(e.flow, e.object_id, e.lane) for e in events] == [
        ("order", DEAL_ID, f"party:{ACCOUNT['Id']}"),
        ("customer", ACCOUNT["Id"], f"party:{ACCOUNT['Id']}"),
    ]
    assert until == events[1].source_at
    assert all("> 2026-01-05T00:00:00.000Z" in call.query["q"] for call in http.sent[1:])


# --- pushes -----------------------------------------------------------------------------------------

_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">{}</notifications></soapenv:Body></soapenv:Envelope>"""
_NOTICE = """<Notification><Id>04l0e0000000001AAA</Id>
  <sObject xsi:type="sf:{}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{}</sf:Id>
  <sf:AccountId>0010e0000000001AAA</sf:AccountId><sf:SystemModstamp>2026-01-05T10:00:00.000Z</sf:SystemModstamp>
  </sObject></Notification>"""


def test_an_outbound_message_with_several_notices_is_read_whole_and_acknowledged(crm):
    body = _MESSAGE.format(_NOTICE.format("Opportunity", DEAL_ID) + _NOTICE.format("Account", ACCOUNT["Id"]))
    events, answer = crm.pushed(body.encode(), {})
    assert [(e.flow, e.object_id) for e in events] == [("order", DEAL_ID), ("customer", ACCOUNT["Id"])]
    assert b"<Ack>true</Ack>" in answer


def test_a_won_deal_has_one_name_however_it_is_told(crm, http):
    pushed, _ = crm.pushed(_MESSAGE.format(_NOTICE.format("Opportunity", DEAL_ID)).encode(), {})
    row = {"Id": DEAL_ID, "AccountId": ACCOUNT["Id"], "SystemModstamp": "2026-01-07T23:00:00.000Z"}
    http.answers(TOKEN, (200, _page(row)), (200, _page()))
    polled, _ = asyncio.run(crm.changes(0))
    assert pushed[0].event_id == polled[0].event_id
    assert pushed[0].lane == polled[0].lane


def test_of_a_deleted_record_nothing_is_told_and_nothing_is_wrong(crm):
    gone = '<Notification><Id>04l</Id><sObject xsi:type="sf:Opportunity" xmlns:sf="x"/></Notification>'
    events, answer = crm.pushed(_MESSAGE.format(gone).encode(), {})
    assert events == []
    assert b"<Ack>true</Ack>" in answer


@pytest.mark.parametrize("id_", ["", "1", "' OR Id != '", "../../limits", DEAL_ID + "0", "0060e000000000ä1AA"])
def test_an_id_that_is_none_is_refused_before_it_gets_into_a_query(crm, id_):
    with pytest.raises(ValueError, match="not a record id"):
        crm.pushed(_MESSAGE.format(_NOTICE.format("Opportunity", escape(id_))).encode(), {})


@pytest.mark.parametrize("body", [b"<x/>", b"<notifications/>"])
def test_what_is_no_outbound_message_is_not_acknowledged(crm, body):
    with pytest.raises(ValueError, match="not an outbound message"):
        crm.pushed(body, {})
