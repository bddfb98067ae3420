"""The capability sheet under attack: every write done twice, after a lost answer or long after."""

import json

import pytest

from o2c_twin.mock_systems.vendors.hubspot.promises import PROMISES
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import TransportFault

BY_OPERATION = {promise.operation: promise for promise in PROMISES}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
READS = ("object.search", "batch.read", "associations.read", "token.v1", "token.v3")
URL = "https://engine.example/hooks"


def test_every_write_operation_is_on_the_sheet_and_nothing_else(quick):
    writes = {
        op.name
        for op in quick.dialect.routes
        if op.method in WRITES and op.name not in READS and not op.name.endswith(".dated")
    }
    assert writes == set(BY_OPERATION)
    assert quick.dialect.promises == PROMISES


def _prepared(portal):
    """Records the attacks work on, by name."""
    company, other = (
        portal.create("companies", name="Acme", erp_customer_id="C-1"),
        portal.create("companies", name="O"),
    )
    deal = portal.deal((5, company))
    webhook = portal.call("POST", "/webhooks/v3/4200042/subscriptions", {"eventType": "deal.creation"}).json["id"]
    return {"company": company, "other": other, "deal": deal, "subscription": webhook}


def _pair(deal, company):
    return {"from": {"id": deal}, "to": {"id": company},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]}  # fmt: skip


CALLS = {
    "object.update": lambda r: ("PATCH", f"companies/{r['company']}", {"properties": {"city": "Bonn"}}),
    "object.archive": lambda r: ("DELETE", f"companies/{r['other']}", None),
    "batch.update": lambda r: (
        "POST", "companies/batch/update", {"inputs": [{"id": r["company"], "properties": {"city": "B"}}]}),
    "batch.upsert": lambda r: (
        "POST", "companies/batch/upsert",
        {"inputs": [{"id": "C-9", "idProperty": "erp_customer_id", "properties": {"name": "N"}}]}),
    "batch.archive": lambda r: ("POST", "companies/batch/archive", {"inputs": [{"id": r["other"]}]}),
    "association.put": lambda r: (
        "PUT", f"/crm/v4/objects/deals/{r['deal']}/associations/companies/{r['other']}",
        [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]),
    "association.putDefault": lambda r: (
        "PUT", f"/crm/v4/objects/deals/{r['deal']}/associations/default/companies/{r['other']}", None),
    "association.remove": lambda r: (
        "DELETE", f"/crm/v4/objects/deals/{r['deal']}/associations/companies/{r['company']}", None),
    "associations.create": lambda r: (
        "POST", "/crm/v4/associations/deals/companies/batch/create", {"inputs": [_pair(r["deal"], r["other"])]}),
    "associations.createDefault": lambda r: (
        "POST", "/crm/v4/associations/deals/companies/batch/associate/default",
        {"inputs": [_pair(r["deal"], r["other"])]}),
    "associations.archive": lambda r: (
        "POST", "/crm/v4/associations/deals/companies/batch/archive",
        {"inputs": [{"from": {"id": r["deal"]}, "to": [{"id": r["company"]}]}]}),
    "property.create": lambda r: (
        "POST", "/crm/v3/properties/deals",
        {"name": "route", "label": "R", "type": "string", "fieldType": "text", "groupName": "dealinformation"}),
    "property.update": lambda r: ("PATCH", "/crm/v3/properties/deals/po_number", {"label": "PO"}),
    "property.archive": lambda r: ("DELETE", "/crm/v3/properties/deals/po_number", None),
    "webhook.configure": lambda r: (
        "PUT", "/webhooks/v3/4200042/settings", {"targetUrl": URL, "throttling": {"maxConcurrentRequests": 5}}),
    "webhook.clear": lambda r: ("DELETE", "/webhooks/v3/4200042/settings", None),
    "subscription.update": lambda r: ("PATCH", f"/webhooks/v3/4200042/subscriptions/{r['subscription']}",
                                      {"active": True}),
    "subscription.archive": lambda r: ("DELETE", f"/webhooks/v3/4200042/subscriptions/{r['subscription']}", None),
}  # fmt: skip


def _things(portal):
    """What there is, without times and event numbers: the same however often a harmless call is repeated."""
    shapes = portal.dialect.portal.shapes.values()
    records = {
        shape.type.name: {
            row.id: [shape.value(row, p) for p in shape.properties if not p.endswith("lastmodifieddate")]
            for row in portal.dialect.portal.rows(shape)
        }
        for shape in shapes
    }
    hooks = portal.dialect.webhooks.state
    return (
        records,
        portal.dialect.links.kept,
        {s.type.name: sorted(s.properties) for s in shapes},
        hooks.target_url,
        {s.id: (s.event_type, s.active) for s in hooks.subscriptions.values()},
    )


@pytest.mark.parametrize("operation", [p.operation for p in PROMISES if p.guard == "external-id"])
def test_a_write_sent_again_after_its_answer_was_lost_is_done_once(quick, operation):
    method, path, body = CALLS[operation](_prepared(quick))
    quick.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault) as lost:
        quick.call(method, path, body)
    assert lost.value.applied
    once = _things(quick)
    for days in (0, 400):
        quick.later(days * 86_400)
        again = quick.call(method, path, body)
        # Done already: the same success, or a refusal that says so.
        assert again.status in (200, 201, 204, 404, 409), again.text
        assert _things(quick) == once


@pytest.mark.parametrize(
    ("operation", "path", "body"),
    [
        ("object.create", "companies", {"properties": {"name": "Twice"}}),
        ("batch.create", "companies/batch/create", {"inputs": [{"properties": {"name": "Twice"}}]}),
    ],
)
def test_a_plain_create_sent_again_makes_a_second_record_and_only_a_late_search_tells(
    open_portal, operation, path, body
):
    portal, promise = open_portal(), BY_OPERATION[operation]
    portal.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault):
        portal.call("POST", path, body)
    by_name = ("name", "EQ", "Twice")
    assert portal.found("companies", by_name) == []  # within the lag search knows nothing
    portal.later(promise.index_lag_s)
    assert len(portal.found("companies", by_name)) == 1
    portal.call("POST", path, body)
    portal.later(promise.index_lag_s)
    assert len(portal.found("companies", by_name)) == 2


def test_no_change_is_hidden_from_search_longer_than_the_sheet_says(open_portal):
    portal = open_portal()
    assert portal.dialect.config.search_lag_s <= BY_OPERATION["object.create"].index_lag_s
    seen_late = 0
    for n in range(40):
        id_ = portal.create("companies", name=f"N{n}")
        portal.later(15)
        seen_late += portal.found("companies", ("hs_object_id", "EQ", id_)) == []
        portal.later(BY_OPERATION["object.create"].index_lag_s - 15)
        assert portal.found("companies", ("hs_object_id", "EQ", id_)) == [id_]
    assert seen_late > 5


def test_a_create_with_a_unique_property_is_refused_the_second_time(quick):
    body = {"properties": {"name": "Twice", "erp_customer_id": "K"}}
    quick.server.faults.add(LostReply(operations=("object.create",), next=1))
    with pytest.raises(TransportFault):
        quick.call("POST", "companies", body)
    assert quick.call("POST", "companies", body).error == (400, "VALIDATION_ERROR")
    assert quick.call("GET", "companies/K", query={"idProperty": "erp_customer_id"}).status == 200


def test_a_subscription_made_twice_is_there_twice_and_the_list_tells(quick):
    for _ in range(2):
        quick.call("POST", "/webhooks/v3/4200042/subscriptions", {"eventType": "deal.creation", "active": True})
    assert len(quick.call("GET", "/webhooks/v3/4200042/subscriptions").json["results"]) == 2


@pytest.mark.parametrize("operation", [p.operation for p in PROMISES if p.bulk_limit > 1])
def test_a_bulk_call_carries_what_the_sheet_says_and_no_more(quick, operation):
    promise, made = BY_OPERATION[operation], _prepared(quick)
    if operation == "batch.create":
        path, item = "companies/batch/create", {"properties": {"name": "x"}}
    else:
        _, path, body = CALLS[operation](made)
        item = body["inputs"][0]
    assert quick.call("POST", path, {"inputs": [item] * promise.bulk_limit}).status < 300
    assert quick.call("POST", path, {"inputs": [item] * (promise.bulk_limit + 1)}).error == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("operation", ["batch.create", "batch.update", "batch.upsert"])
def test_where_the_sheet_says_partial_one_item_may_fail_alone(quick, operation):
    _prepared(quick)
    assert BY_OPERATION[operation].partial
    good = {"properties": {"name": "x"}, "id": "C-1", "idProperty": "erp_customer_id", "objectWriteTraceId": "g"}
    bad = {**good, "properties": {"bad": "x"}, "objectWriteTraceId": "b"}
    answer = quick.call("POST", f"companies/batch/{operation.partition('.')[2]}", {"inputs": [bad, good]})
    assert (answer.status, answer.json["numErrors"], len(answer.json["results"])) == (207, 1, 1)


# Taking away what is not there is no error.
@pytest.mark.parametrize("operation", ["associations.create", "associations.createDefault"])
def test_where_it_does_not_one_bad_item_changes_nothing(quick, operation):
    assert not BY_OPERATION[operation].partial
    made = _prepared(quick)
    _, path, body = CALLS[operation](made)
    before = _things(quick)
    bad = json.loads(json.dumps(body["inputs"][0]).replace(made["other"], "1"))
    assert quick.call("POST", path, {"inputs": [*body["inputs"], bad]}).status == 404
    assert _things(quick) == before


def test_the_last_writer_wins_as_no_version_guards_a_write(quick):
    assert {p.version_guard for p in PROMISES} == {"none"}
    id_ = quick.create("companies", name="A")
    for name in ("B", "C"):
        answer = quick.raw(
            "PATCH", f"/crm/v3/objects/companies/{id_}", json.dumps({"properties": {"name": name}}).encode(),
            authorization=f"Bearer {quick.token}", if_match='"1"',
        )  # fmt: skip
        assert answer.status == 200
    assert quick.read("companies", id_)["name"] == "C"


def test_the_change_feed_does_not_tell_of_deletions(quick):
    """Search, which is the feed, finds no archived record."""
    assert {p.deletes_visible for p in PROMISES} == {False}
    id_ = quick.create("companies", name="A")
    quick.call("DELETE", f"companies/{id_}")
    assert quick.found("companies", ("hs_lastmodifieddate", "GTE", "0")) == []
