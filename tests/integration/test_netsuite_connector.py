"""The NetSuite connector: idempotent writes, the vendor's failures, paging, money."""

import asyncio
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.netsuite_client import external_id
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party
from o2c_twin.integration.ports import NoAnswer, NotSent

MADE = (204, b"", {"location": "https://acme.example/services/rest/record/v1/salesOrder/4711"})
PARTY = Party("A1", "Acme", "K-1", credit_limit_minor=100_050)
DEAL = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("WIDGET", 3, 1_999),), "EUR", 0)
ENTRY = BankEntry("B1", 10_000, "EUR", "2026-01-05", None, "INV1", "ACME", None)


class Clock:
    def now(self):
        return 1_767_607_200_000_000


@pytest.fixture
def erp(http):
    signer = TokenSigner("123456_SB1", "ck", "cs", "tk", "ts")
    return NetSuiteErp("erp", "https://acme.example", http, Clock(), signer, "EUR")


def _problem(status, code, detail="as told"):
    return status, {"status": status, "o:errorDetails": [{"detail": detail, "o:errorCode": code}]}


def _rows(*rows, more=False):
    return 200, {"items": list(rows), "hasMore": more, "count": len(rows)}


def _put_order(erp, key="order:D1"):
    return erp.put_order(DEAL, "101", {"WIDGET": "7"}, key, "order:R-1")


# --- writes -----------------------------------------------------------------------------------------


def test_a_write_with_a_key_is_an_upsert_by_that_key_and_gives_the_id_in_location(erp, http):
    http.answers(MADE)
    assert asyncio.run(_put_order(erp)) == "4711"
    (call,) = http.sent
    assert (call.method, call.path) == ("PUT", "/services/rest/record/v1/salesOrder/eid:order:D1")
    assert json.loads(call.body) == {
        "entity": {"id": "101"},
        "item": {"items": [{"item": {"id": "7"}, "quantity": 3, "rate": 19.99}]},
        "otherRefNum": "PO-1",
    }
    assert b'"rate":19.99}' in call.body  # exact: never through a float
    assert call.headers["x-correlation-id"] == "order:R-1"


def test_a_naive_write_has_no_key_and_creates(erp, http):
    http.answers(MADE)
    asyncio.run(_put_order(erp, None))
    assert http.asked == ["POST /services/rest/record/v1/salesOrder"]


def test_a_write_whose_answer_has_no_location_may_have_been_made(erp, http, refusal):
    http.answers((204, b""))
    failure = refusal(_put_order(erp))
    assert (failure.cause, failure.retryable) == ("unknown-outcome", True)


@given(st.text(max_size=30), st.text(max_size=30))
@example("cash:1/2", "cash:1~2F2")
def test_another_key_is_another_external_id_and_each_stands_for_itself_in_an_address(one, two):
    assert re.fullmatch(r"[A-Za-z0-9_.~:@-]*", external_id(one))
    assert (external_id(one) == external_id(two)) == (one == two)


@pytest.mark.parametrize("key", ["order:0060e0000000001AAA", "bill:103", "cash:B000000001", "customer:001"])
def test_the_usual_keys_are_their_own_external_ids(key):
    assert external_id(key) == key


def test_a_bank_reference_may_hold_anything(erp, http):
    http.answers(MADE)
    asyncio.run(erp.put_payment(ENTRY, "101", [Allocation("9", 10_000)], "cash:2026/01 5%", "c"))
    assert http.sent[0].path == "/services/rest/record/v1/customerPayment/eid:cash:2026~2F01~205~25"
    assert json.loads(http.sent[0].body) == {
        "customer": {"id": "101"},
        "payment": 100.00,
        "checkNum": "B1",
        "apply": {"items": [{"doc": {"id": "9"}, "apply": True, "amount": 100.00}]},
    }


@pytest.mark.parametrize("write", ["order", "payment"])
def test_an_amount_in_another_currency_than_the_books_is_refused_and_not_sent(http, refusal, write):
    signer = TokenSigner("123456_SB1", "ck", "cs", "tk", "ts")
    erp = NetSuiteErp("erp", "https://acme.example", http, Clock(), signer, "USD")
    call = _put_order(erp) if write == "order" else erp.put_payment(ENTRY, "101", [], "cash:B1", "c")
    failure = refusal(call)
    assert (failure.cause, failure.detail) == ("rejected", "EUR is not the currency of the books, USD")
    assert http.sent == []


def test_an_item_the_erp_does_not_have_is_refused_and_not_sent(erp, http, refusal):
    failure = refusal(erp.put_order(DEAL, "101", {}, "order:D1", "c"))
    told = "map deal-to-sales-order: sku: no 'WIDGET' in items; create it in the target system first"
    assert (failure.cause, failure.detail) == ("rejected", told)
    assert http.sent == []


# --- failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (_problem(429, "CONCURRENCY_LIMIT_EXCEEDED"), "throttled"),
        (_problem(401, "INVALID_LOGIN"), "unavailable"),  # an overloaded account answers so at times
        (_problem(401, "INVALID_LOGIN_ATTEMPT"), "unavailable"),
        (_problem(403, "INSUFFICIENT_PERMISSION"), "login"),
        (_problem(404, "NONEXISTENT_ID"), "missing"),
        (_problem(400, "USER_ERROR"), "rejected"),
        (_problem(500, "UNEXPECTED_ERROR"), "unknown-outcome"),
        ((503, b"<html>maintenance</html>"), "unavailable"),
        (NotSent("refused"), "unavailable"),
        (NoAnswer("reset"), "unknown-outcome"),
    ],
)
def test_an_answer_is_sorted_by_what_may_be_done_about_it(erp, http, refusal, answer, cause):
    http.answers(answer)
    assert refusal(_put_order(erp)).cause == cause


@pytest.mark.parametrize(
    ("row", "read"),
    [
        ({"id": "1"}, "order"),
        ({"id": "1", "status": None}, "order"),
        ({"id": "1", "tranId": "INV1", "total": "abc", "amountRemaining": 0, "lastModifiedDate": "x"}, "invoice"),
        (
            {"id": "1", "tranId": "INV1", "total": 1.001, "amountRemaining": 0, "lastModifiedDate": "2026-01-05"},
            "invoice",
        ),
        ({"id": "1", "tranId": "IF1", "createdFrom": None}, "shipment"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused_with_a_reason_and_stops_nothing(erp, http, refusal, row, read):
    http.answers((200, row))
    failure = refusal(getattr(erp, read)("1"))
    assert failure.cause == "rejected"
    assert "answer not understood" in failure.detail


def test_no_two_calls_of_one_second_have_the_same_nonce(erp, http):
    http.answers(*[MADE] * 300)

    async def many():
        for _ in range(300):
            await _put_order(erp)

    asyncio.run(many())
    nonces = {re.search(r'oauth_nonce="(\w+)"', call.headers["authorization"]).group(1) for call in http.sent}
    assert len(nonces) == 300
    assert all(len(nonce) >= 6 for nonce in nonces)


# --- billing ----------------------------------------------------------------------------------------

_EXISTS = _problem(400, "USER_ERROR", "This entity already exists.")


def _order(status):
    return 200, {"id": "103", "status": {"id": "x", "refName": status}}


def test_a_bill_carries_its_key_for_a_transform_cannot_be_upserted(erp, http):
    http.answers(MADE)
    assert asyncio.run(erp.bill("103", "bill:104", "c")) == "4711"
    assert http.asked == ["POST /services/rest/record/v1/salesOrder/103/!transform/invoice"]
    assert http.sent[0].body == b'{"externalId":"bill:104"}'


def test_a_bill_that_was_made_already_is_found_by_its_key(erp, http):
    http.answers(_EXISTS, _rows({"id": "105"}))
    assert asyncio.run(erp.bill("103", "bill:104", "c")) == "105"
    assert "externalid = 'bill:104'" in json.loads(http.sent[1].body)["q"]


@pytest.mark.parametrize("status", ["Billed", "Pending Fulfillment", "Partially Fulfilled", "Closed"])
def test_a_delivery_that_was_billed_with_another_has_nothing_left_to_bill(erp, http, status):
    http.answers(_EXISTS, _rows(), _order(status))
    assert asyncio.run(erp.bill("103", "bill:104", "c")) == ""


@pytest.mark.parametrize("status", ["Pending Billing", "Pending Billing/Partially Fulfilled"])
def test_a_bill_that_is_refused_while_something_waits_for_it_is_refused(erp, http, refusal, status):
    http.answers(_problem(400, "USER_ERROR", "Period closed."), _rows(), _order(status))
    failure = refusal(erp.bill("103", "bill:104", "c"))
    assert failure.cause == "rejected"
    assert "Period closed." in failure.detail


def test_a_naive_bill_has_no_key_to_be_found_by(erp, http, refusal):
    http.answers(_EXISTS)
    assert refusal(erp.bill("103", None, "c")).cause == "rejected"
    assert http.sent[0].body == b"{}"


# --- reading ----------------------------------------------------------------------------------------


def test_all_pages_of_a_query_are_read(erp, http):
    page = [{"id": str(n), "itemid": f"SKU{n}"} for n in range(1_000)]
    http.answers(_rows(*page, more=True), _rows({"id": "x", "itemid": "LAST"}))
    items = asyncio.run(erp.item_ids())
    assert (len(items), items["LAST"]) == (1_001, "x")
    assert [call.query["offset"] for call in http.sent] == ["0", "1000"]
    assert all(call.headers["prefer"] == "transient" for call in http.sent)


def test_a_page_that_promises_more_and_holds_nothing_is_the_last(erp, http):
    http.answers(_rows(more=True))
    assert asyncio.run(erp.item_ids()) == {}


def _change(id_, second, kind="SalesOrd", source=None):
    return {"id": id_, "type": kind, "createdfrom": source, "modified": f"2026-01-05 10:00:{second:02d}"}


def test_records_that_change_while_they_are_listed_push_no_other_out_of_the_list(http, refusal):
    """The vendor pages by count; a record that is changed moves to the end and the others close up."""
    signer = TokenSigner("123456_SB1", "ck", "cs", "tk", "ts")
    erp = NetSuiteErp("erp", "https://acme.example", http, Clock(), signer)
    table = {n: n // 100 for n in range(2_500)}  # id: second of its last change

    async def send(request):
        since = re.search(r"TO_DATE\('2026-01-0\d (\d\d):00:(\d\d)'", json.loads(request.body)["q"])
        first = int(since.group(2)) if since.group(1) == "10" else 0
        rows = sorted((second, n) for n, second in table.items() if second >= first)
        offset = int(request.query["offset"])
        page = rows[offset : offset + 1_000]
        table.update(dict.fromkeys(range(50), 59))  # meanwhile fifty old ones are changed
        return await http.reply(_rows(*[_change(n, second) for second, n in page], more=len(rows) > offset + 1_000))

    http.send = send
    events, _ = asyncio.run(erp.changes(1_767_571_200_000_000))
    assert {int(e.object_id) for e in events} == set(range(2_500))
    assert len({e.event_id for e in events}) == len(events)


def test_more_changes_in_one_second_than_a_page_holds_are_all_found(erp, http):
    full = [_change(n, 7) for n in range(1_000)]
    http.answers(
        _rows(*full, more=True),
        _rows(*full, more=True),
        _rows(*[_change(n, 7) for n in range(1_000, 2_000)], more=True),
        _rows(_change(2_000, 8)),
    )
    events, _ = asyncio.run(erp.changes(0))
    assert len(events) == 2_001
    assert [call.query["offset"] for call in http.sent] == ["0", "0", "1000", "2000"]


def test_changes_are_events_in_the_lane_of_their_order(erp, http):
    http.answers(
        _rows(
            _change(103, 1),
            _change(104, 2, "ItemShip", 103),
            _change(105, 3, "CustInvc", 103),
            _change(9, 4, "CustInvc"),
        )
    )
    events, until = asyncio.run(erp.changes(0))
    assert [(e.flow, e.object_id, e.lane) for e in events] == [
        ("order-status", "103", "order:103"),
        ("delivery", "104", "order:103"),
        ("invoice", "105", "order:103"),
        ("invoice", "9", "order:9"),
    ]
    assert until == events[-1].source_at


def test_an_invoice_made_from_no_order_is_read(erp, http):
    row = {
        "id": "9",
        "tranId": "INV9",
        "total": 100.5,
        "amountRemaining": 0.0,
        "lastModifiedDate": "2026-01-05T10:00:00Z",
    }
    http.answers((200, row))
    invoice = asyncio.run(erp.invoice("9"))
    assert (invoice.order_erp_id, invoice.total_minor, invoice.open_minor) == (None, 10_050, 0)


def test_a_quote_in_a_customer_number_stays_in_its_literal(erp, http):
    http.answers(_rows())
    assert asyncio.run(erp.customer_by_number("O'Neill' OR 1=1")) is None
    assert json.loads(http.sent[0].body)["q"].endswith("entityid = 'O''Neill'' OR 1=1'")


# --- pushes -----------------------------------------------------------------------------------------


def _notice(**fields):
    notice = {"type": "invoice", "id": "105", "event": "edit", "lastModifiedDate": "2026-01-05T10:00:00Z"}
    return json.dumps({**notice, "createdFrom": "103", **fields}).encode()


def test_a_push_is_the_event_a_poll_would_have_found(erp, http):
    http.answers(_rows(_change(105, 0, "CustInvc", 103)))
    polled, _ = asyncio.run(erp.changes(0))
    assert erp.pushed(_notice(), {}) == (polled, b"")


@pytest.mark.parametrize("fields", [{"type": "vendorBill"}, {"event": "delete"}])
def test_what_is_not_ours_is_taken_and_forgotten(erp, fields):
    assert erp.pushed(_notice(**fields), {}) == ([], b"")


@pytest.mark.parametrize("fields", [{"id": "../x"}, {"id": ""}, {"createdFrom": "1/2"}, {"id": "٣"}, {"id": 5}])
def test_an_id_that_is_none_is_refused_before_it_gets_into_an_address(erp, fields):
    with pytest.raises(ValueError, match=r"internal id|Expected `str`"):
        erp.pushed(_notice(**fields), {})
