"""The capability sheet under attack: every write done twice, after a lost answer or long after."""

import json

import msgspec
import pytest

from o2c_twin.mock_systems.vendors.salesforce import SalesforceDialect
from o2c_twin.mock_systems.vendors.salesforce.promises import PROMISES
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import TransportFault

BY_OPERATION = {promise.operation: promise for promise in PROMISES}


def test_every_write_operation_is_on_the_sheet_and_nothing_else():
    writes = {op.name for op in SalesforceDialect.routes if op.method != "GET" and not op.open}
    assert writes == set(BY_OPERATION)
    assert len(PROMISES) == len(BY_OPERATION)
    assert SalesforceDialect.promises == PROMISES


def _prepared(org):
    """Records and jobs the attacks work on, by name."""
    made = {
        "account": org.create("Account", Name="Acme", ERP_Id__c="E1"),
        "other": org.create("Account", Name="Other", ERP_Id__c="E2"),
    }
    for name in ("open", "filled", "over"):
        job = org.call("POST", "/jobs/ingest", {"operation": "insert", "object": "Account"}).json["id"]
        if name != "open":
            assert org.call("PUT", f"/jobs/ingest/{job}/batches", b"Name\nBulk\n").status == 201
        made[name] = job
    org.call("PATCH", f"/jobs/ingest/{made['over']}", {"state": "UploadComplete"})
    query = {"operation": "query", "query": "SELECT Id FROM Account"}
    made["query"] = org.call("POST", "/jobs/query", query).json["id"]
    return made


def _account(name, **fields):
    return {"attributes": {"type": "Account"}, "Name": name, **fields}


def _sub(org, name):
    return {"method": "POST", "url": f"{org.base}/sobjects/Account", "referenceId": name, "body": {"Name": name}}


CALLS = {
    "sobject.create": lambda org, r: ("POST", "/sobjects/Account", {"Name": "Twice"}),
    "sobject.update": lambda org, r: ("PATCH", f"/sobjects/Account/{r['account']}", {"Phone": "1"}),
    "sobject.postedUpdate": lambda org, r: (
        "POST", f"/sobjects/Account/{r['account']}?_HttpMethod=PATCH", {"Phone": "1"}),
    "sobject.upsert": lambda org, r: ("PATCH", "/sobjects/Account/ERP_Id__c/E9", {"Name": "Twice"}),
    "sobject.postedUpsert": lambda org, r: (
        "POST", "/sobjects/Account/ERP_Id__c/E9?_HttpMethod=PATCH", {"Name": "Twice"}),
    "sobject.delete": lambda org, r: ("DELETE", f"/sobjects/Account/{r['other']}", None),
    "sobject.deleteByKey": lambda org, r: ("DELETE", "/sobjects/Account/ERP_Id__c/E2", None),
    "collection.create": lambda org, r: ("POST", "/composite/sobjects", {"records": [_account("Twice")]}),
    "collection.update": lambda org, r: (
        "PATCH", "/composite/sobjects", {"records": [_account("Acme", id=r["account"], Phone="1")]}),
    "collection.upsert": lambda org, r: (
        "PATCH", "/composite/sobjects/Account/ERP_Id__c", {"records": [_account("Twice", ERP_Id__c="E9")]}),
    "collection.delete": lambda org, r: ("DELETE", f"/composite/sobjects?ids={r['other']}", None),
    "composite.tree": lambda org, r: (
        "POST", "/composite/tree/Account",
        {"records": [{"attributes": {"type": "Account", "referenceId": "a"}, "Name": "Twice"}]}),
    "composite.run": lambda org, r: ("POST", "/composite", {"compositeRequest": [_sub(org, "Twice")]}),
    "composite.batch": lambda org, r: (
        "POST", "/composite/batch",
        {"batchRequests": [{"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {"Name": "Twice"}}]}),
    "job.ingest.create": lambda org, r: ("POST", "/jobs/ingest", {"operation": "insert", "object": "Account"}),
    "job.ingest.upload": lambda org, r: ("PUT", f"/jobs/ingest/{r['open']}/batches", b"Name\nTwice\n"),
    "job.ingest.move": lambda org, r: ("PATCH", f"/jobs/ingest/{r['filled']}", {"state": "UploadComplete"}),
    "job.ingest.delete": lambda org, r: ("DELETE", f"/jobs/ingest/{r['over']}", None),
    "job.query.create": lambda org, r: (
        "POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"}),
    "job.query.delete": lambda org, r: ("DELETE", f"/jobs/query/{r['query']}", None),
}  # fmt: skip


def _ask(org, ask):
    method, path, body = ask
    path, _, query = path.partition("?")
    return org.call(method, path, body, dict(part.split("=") for part in query.split("&")) if query else None)


def _things(org):
    """What there is, without the times of changes and the feed that tells of them."""
    state = msgspec.to_builtins(org.core.state)
    del state["feed"], state["numbers"]
    jobs = [(job.id, job.state, job.upload) for job in org.dialect.jobs.by_id.values()]
    return json.loads(json.dumps(state, default=str), object_hook=_timeless), jobs


def _timeless(record):
    return {name: value for name, value in record.items() if name != "modified_at"}


@pytest.mark.parametrize("operation", [p.operation for p in PROMISES if p.operation in CALLS])
def test_a_write_sent_again_is_done_as_often_as_the_sheet_says(org, operation):
    ask = CALLS[operation](org, _prepared(org))
    before = _things(org)
    org.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault) as lost:
        _ask(org, ask)
    assert lost.value.applied
    once = _things(org)
    assert once != before
    for days in (0, 400):
        org.later(days * 86_400)
        org.token = ""
        again = _ask(org, ask)
        assert again.status < 500, again.text
        if BY_OPERATION[operation].guard == "external-id":
            # Done already: the same success, or a refusal that says so.
            assert _things(org) == once
        else:
            assert _things(org) != once


def test_a_query_job_is_over_when_it_is_made_so_nothing_moves_it(org):
    made = _prepared(org)
    before = _things(org)
    for _ in range(2):
        answer = org.call("PATCH", f"/jobs/query/{made['query']}", {"state": "Aborted"})
        assert answer.error == (400, "INVALIDJOBSTATE")
    assert _things(org) == before


@pytest.mark.parametrize("operation", ["sobject.create", "collection.create", "composite.tree", "composite.run"])
def test_what_may_be_made_twice_can_be_asked_for_at_once(org, operation):
    assert {promise.index_lag_s for promise in PROMISES} == {0.0}
    ask = CALLS[operation](org, _prepared(org))
    org.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault):
        _ask(org, ask)
    assert org.rows("SELECT Name FROM Account WHERE Name = 'Twice'") == [{"Name": "Twice"}]


@pytest.mark.parametrize("kind", ["ingest", "query"])
def test_a_job_whose_answer_was_lost_is_in_the_list(org, kind):
    org.server.faults.add(LostReply(operations=(f"job.{kind}.create",), next=1))
    with pytest.raises(TransportFault):
        _ask(org, CALLS[f"job.{kind}.create"](org, {}))
    assert len(org.call("GET", f"/jobs/{kind}").json["records"]) == 1


def test_a_unique_field_refuses_the_second_record(org):
    body = {"Name": "Twice", "ERP_Id__c": "E9"}
    org.server.faults.add(LostReply(operations=("sobject.create",), next=1))
    with pytest.raises(TransportFault):
        org.call("POST", "/sobjects/Account", body)
    assert org.call("POST", "/sobjects/Account", body).error == (400, "DUPLICATE_VALUE")


def _many(org, operation, count):
    """The operation with so many items."""
    fresh = [org.create("Account", Name=f"{count}/{n}") for n in range(count)]
    if operation == "collection.delete":
        return "DELETE", "/composite/sobjects?ids=" + ",".join(fresh), None
    method, path, body = CALLS[operation](org, {"account": fresh[0]})
    (name,) = body
    items = [json.loads(json.dumps(body[name][0])) for _ in range(count)]
    for n, item in enumerate(items):
        if operation == "collection.update":
            item["id"] = fresh[n]
        if operation == "collection.upsert":
            item["ERP_Id__c"] = f"N{n}"
        if operation == "composite.tree":
            item["attributes"]["referenceId"] = f"r{n}"
        if operation == "composite.run":
            item["referenceId"] = f"r{n}"
    return method, path, {name: items}


@pytest.mark.parametrize("operation", [p.operation for p in PROMISES if p.bulk_limit > 1])
def test_a_bulk_call_carries_what_the_sheet_says_and_no_more(org, operation):
    limit = BY_OPERATION[operation].bulk_limit
    ask = _many(org, operation, limit)
    before = _things(org)
    assert _ask(org, ask).status < 300
    assert _things(org) != before
    ask = _many(org, operation, limit + 1)
    before = _things(org)
    assert _ask(org, ask).status == 400
    assert _things(org) == before


@pytest.mark.parametrize(
    "operation", ["collection.create", "collection.update", "collection.upsert", "composite.run", "composite.batch"]
)
def test_where_the_sheet_says_partial_one_item_may_fail_alone(org, operation):
    assert BY_OPERATION[operation].partial
    method, path, body = _many(org, operation, 2)
    (name,) = body
    bad = body[name][0]
    inner = bad.get("body") or bad.get("richInput") or bad
    inner["Nothing__c"] = "x"
    answer = _ask(org, (method, path, body))
    assert answer.status == 200
    assert answer.text.count("INVALID_FIELD") == 1


def test_a_tree_is_planted_whole_or_not_at_all(org):
    assert not BY_OPERATION["composite.tree"].partial
    method, path, body = _many(org, "composite.tree", 2)
    body["records"][1]["Nothing__c"] = "x"
    before = _things(org)
    assert _ask(org, (method, path, body)).status == 400
    assert _things(org) == before


def test_an_etag_guards_an_account_when_the_client_sends_it(org):
    guarded = {p.operation for p in PROMISES if p.version_guard == "etag"}
    assert guarded == {"sobject.update", "sobject.postedUpdate"}
    id_ = org.create("Account", Name="A")
    read = org.call("GET", f"/sobjects/Account/{id_}").headers["ETag"]
    org.later(2)
    assert org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "1"}, if_match=read).status == 204
    assert org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "2"}, if_match=read).status == 412
    assert org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "3"}).status == 204
    assert org.read("Account", id_)["Phone"] == "3"


@pytest.mark.parametrize("operation", [p.operation for p in PROMISES if p.deletes_visible])
def test_what_was_deleted_can_be_asked_for(org, operation):
    made = _prepared(org)
    assert _ask(org, CALLS[operation](org, made)).status < 300
    span = {"start": "2025-12-31T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    told = org.call("GET", "/sobjects/Account/deleted/", query=span)
    assert [row["id"] for row in told.json["deletedRecords"]] == [made["other"]]
