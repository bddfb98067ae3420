"""Calls for many of the connectors: what they claim, what they send, and what they make of each item's answer."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.connectors import hubspot, salesforce
from o2c_twin.integration.connectors.hubspot import HubSpotCrm
from o2c_twin.integration.connectors.hubspot_login import PrivateApp
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.connectors.writes import ONE_OF_MANY, WRITES
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.vendors.hubspot.promises import PROMISES as HUBSPOT_PROMISES
from o2c_twin.mock_systems.vendors.salesforce.promises import PROMISES as SALESFORCE_PROMISES
from o2c_twin.mock_systems.wire.faults import LostReply, Throttled
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

START = epoch(datetime(2026, 1, 5, tzinfo=UTC))
VENDORS = ("salesforce", "hubspot")
SHEETS = {"salesforce": (salesforce.SHEET, SALESFORCE_PROMISES), "hubspot": (hubspot.SHEET, HUBSPOT_PROMISES)}
CLAIMS = ("guard", "retention_s", "index_lag_s", "bulk_limit", "partial")
NOTE = {"order_number": "SO1", "fulfilment": "shipped"}


def _draw(stream, *key):
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Crm:
    """The mock of a vendor in virtual time, and the connector to it."""

    def __init__(self, vendor):
        plan = RunPlan("bulk", "", "")
        plan = replace(plan, systems={**plan.systems, "crm": SystemPlan(vendor, latency_s=0.0)})
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.world = World(self.clock, _draw, asyncio.sleep, self.env.spawn, self._post)
        self.estate = build_estate(plan, self.world)
        self.wire = direct(self.estate.servers, asyncio.sleep)
        self.connector = self.estate.connectors(self, lambda system: f"http://{system}.test").crm
        self.core, self.fields = self.estate.crm, self.estate.crm_fields
        self.sent = []

    async def send(self, request):
        self.sent.append(request)
        return await self.wire.send(request)

    async def _post(self, url, headers, body):
        return 200, b""

    def deals(self, count):
        account = self.core.create("account", {"name": "Acme"}, {}).id
        values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": account}
        return [self.core.create("opportunity", {**values, "currency": "EUR"}, {}).id for _ in range(count)]

    def note(self, ids, correlation="note:1"):
        return self.env.aio.run_until_complete(self.connector.note_deals([(id_, NOTE) for id_ in ids], correlation))

    def told(self, id_):
        return self.core.state.opportunities[id_].custom.get(self.fields.erp_order_number)


@pytest.fixture(params=VENDORS)
def crm(request):
    opened = Crm(request.param)
    yield opened
    opened.env.close()


def _causes(outcomes):
    return [None if each is None else each.cause for each in outcomes]


# --- the sheets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_sheet_claims_the_mock_promises(vendor):
    sheet, promises = SHEETS[vendor]
    by_operation = {promise.operation: promise for promise in promises}
    for capability in sheet:
        # What a vendor offers beyond what the connector makes use of (a version guard) is no claim.
        claims = {name: getattr(capability, name) for name in CLAIMS}
        assert {name: getattr(by_operation[capability.operation], name) for name in claims} == claims
    lines = {capability.write: capability for capability in sheet}
    many = [name for name in lines if name in ONE_OF_MANY]
    assert many == ["note_deals"]
    for name in many:
        assert lines[name].bulk_limit > 1
        assert lines[name].partial
        # What a lost answer may have done, and what may be done about it, is the same for one and for many.
        assert lines[name].guard == lines[ONE_OF_MANY[name]].guard


def test_every_method_for_many_belongs_to_one_write_that_takes_no_key():
    assert {WRITES[one].many: one for one in ONE_OF_MANY.values()} == ONE_OF_MANY
    assert not any(WRITES[one].keyed for one in ONE_OF_MANY.values())
    assert not set(ONE_OF_MANY) & set(WRITES)


# --- against the mocks --------------------------------------------------------------------------------------


def test_as_many_as_the_sheet_says_are_changed_by_one_call_and_one_more_is_refused(crm):
    limit = next(each.bulk_limit for each in crm.connector.sheet if each.write == "note_deals")
    ids = crm.deals(limit + 1)
    crm.note(ids[:2])
    before = len(crm.sent)
    assert crm.note(ids[:limit]) == [None] * limit
    assert len(crm.sent) == before + 1
    assert {crm.told(id_) for id_ in ids[:limit]} == {"SO1"}
    with pytest.raises(CallFailed) as caught:
        crm.note(ids)
    assert (caught.value.cause, crm.told(ids[-1])) == ("rejected", None)


def test_a_bad_item_among_good_ones_is_told_in_its_place_and_the_others_are_changed(crm):
    ids = crm.deals(9)
    crm.core.delete("opportunity", ids[4])
    outcomes = crm.note(ids)
    assert _causes(outcomes) == [None] * 4 + ["missing"] + [None] * 4
    assert not outcomes[4].retryable
    assert {crm.told(id_) for n, id_ in enumerate(ids) if n != 4} == {"SO1"}


def test_a_lost_answer_leaves_all_unknown_and_the_same_again_changes_nothing_more(crm):
    ids = crm.deals(3)
    crm.note(ids[:2])
    crm.estate.servers["crm"].faults.add(LostReply(probability=1.0))
    with pytest.raises(CallFailed) as caught:
        crm.note(ids)
    assert caught.value.cause == "unknown-outcome"
    assert {crm.told(id_) for id_ in ids} == {"SO1"}


def test_a_throttled_call_is_throttled_as_a_whole_and_changes_nothing(crm):
    ids = crm.deals(3)
    crm.note(crm.deals(2))
    crm.estate.servers["crm"].faults.add(Throttled(probability=1.0))
    with pytest.raises(CallFailed) as caught:
        crm.note(ids)
    assert caught.value.cause == "throttled"
    assert {crm.told(id_) for id_ in ids} == {None}


# --- answers of all kinds -----------------------------------------------------------------------------------


@pytest.fixture
def org(http):
    http.answers((200, {"access_token": "T1"}))
    return SalesforceCrm("crm", "https://acme.example", http, "app", "secret")


@pytest.fixture
def portal(http):
    return HubSpotCrm("crm", "https://api.example", http, None, PrivateApp("token"), "secret", lambda: "")


def _noted(connector, *ids):
    return asyncio.run(connector.note_deals([(id_, NOTE) for id_ in ids], "note"))


def test_salesforce_is_sent_a_collection_that_is_not_all_or_none(org, http):
    http.answers((200, [{"id": "1", "success": True, "errors": []}, {"id": "2", "success": True, "errors": []}]))
    assert _noted(org, "1", "2") == [None, None]
    assert http.asked[-1] == "PATCH /services/data/v59.0/composite/sobjects"
    fields = {"ERP_Order_Number__c": "SO1", "Fulfilment_Status__c": "shipped"}
    assert json.loads(http.sent[-1].body) == {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Opportunity"}, "id": id_, **fields} for id_ in "12"],
    }


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("UNABLE_TO_LOCK_ROW", "unavailable"),
        ("SERVER_UNAVAILABLE", "unavailable"),
        ("REQUEST_LIMIT_EXCEEDED", "throttled"),
        ("ENTITY_IS_DELETED", "missing"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "rejected"),
    ],
)
def test_salesforce_says_of_each_item_what_it_is(org, http, code, cause):
    refused = {"success": False, "errors": [{"statusCode": code, "message": "as told", "fields": []}]}
    http.answers((200, [refused, {"id": "2", "success": True, "errors": []}]))
    first, second = _noted(org, "1", "2")
    assert (first.cause, second) == (cause, None)
    assert code in first.detail


def test_an_item_of_salesforce_that_is_not_understood_is_that_items_trouble(org, http):
    http.answers((200, [{"success": "maybe"}, {"success": False}, {"success": True}]))
    assert _causes(_noted(org, "1", "2", "3")) == ["rejected", "rejected", None]


@pytest.mark.parametrize("body", [{"records": []}, [], [{"success": True}], b"<html>", b""])
def test_an_answer_of_salesforce_that_does_not_tell_of_every_item_leaves_all_unknown(org, http, refusal, body):
    http.answers((200, body))
    assert refusal(org.note_deals([("1", NOTE), ("2", NOTE)], "note")).cause == "unknown-outcome"


def test_hubspot_is_sent_a_batch_whose_items_stand_for_themselves(portal, http):
    http.answers((200, {"status": "COMPLETE", "results": [{"id": "1"}, {"id": "2"}]}))
    assert _noted(portal, "1", "2") == [None, None]
    assert http.asked[-1] == "POST /crm/v3/objects/deals/batch/update"
    values = {"erp_order_number": "SO1", "erp_fulfilment_status": "shipped"}
    inputs = [{"id": id_, "properties": values, "objectWriteTraceId": str(n)} for n, id_ in enumerate("12")]
    assert json.loads(http.sent[-1].body) == {"inputs": inputs}


def _error(category="VALIDATION_ERROR", **context):
    return {"status": "error", "category": category, "message": "as told", "context": context}


@pytest.mark.parametrize(
    ("results", "errors", "causes"),
    [
        ([{"id": "1"}], [_error(objectWriteTraceId=["1"])], [None, "rejected"]),
        ([{"id": "1"}], [_error("OBJECT_NOT_FOUND", ids=["2"])], [None, "missing"]),
        ([{"id": "2"}], [_error("RATE_LIMITS", objectWriteTraceId=["0"])], ["throttled", None]),
        ([], [_error(ids=["1"]), _error(objectWriteTraceId=["1"])], ["rejected", "rejected"]),
        # Merged into another record, it is answered under that one's id.
        ([{"id": "900", "objectWriteTraceId": "0"}, {"id": "2"}], [], [None, None]),
        ([{"id": "1"}], [], [None, "unknown-outcome"]),
        ([{"id": "1"}], [{"message": "somebody's trouble"}], [None, "rejected"]),
        ([{"id": "1"}], [{"context": {"ids": "2"}}], [None, "rejected"]),
    ],
)
def test_hubspot_says_of_each_item_what_it_is(portal, http, results, errors, causes):
    http.answers((207, {"status": "COMPLETE", "results": results, "numErrors": len(errors), "errors": errors}))
    assert _causes(_noted(portal, "1", "2")) == causes


@pytest.mark.parametrize("body", [[], b"<html>", b"", {"results": [1]}])
def test_an_answer_of_hubspot_that_is_none_leaves_all_unknown(portal, http, refusal, body):
    http.answers((200, body))
    assert refusal(portal.note_deals([("1", NOTE), ("2", NOTE)], "note")).cause == "unknown-outcome"


def test_a_batch_hubspot_refuses_as_a_whole_is_refused(portal, http, refusal):
    http.answers((400, {"status": "error", "category": "VALIDATION_ERROR", "message": "Duplicate IDs"}))
    assert refusal(portal.note_deals([("1", NOTE), ("2", NOTE)], "note")).cause == "rejected"
