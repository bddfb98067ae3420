"""The control plane: read what happened, inject, go back; beside the vendor's own paths and never in their way."""

import json
import re

import pytest

EVERY = [
    ("GET", "/health"),
    ("GET", "/journal"),
    ("DELETE", "/journal"),
    ("GET", "/faults"),
    ("POST", "/faults"),
    ("DELETE", "/faults"),
    ("DELETE", "/faults/1"),
    ("PUT", "/snapshots/a"),
    ("POST", "/snapshots/a/restore"),
    ("POST", "/reset"),
]


@pytest.mark.parametrize("token", ["", "wrong", "ünïcode"])
@pytest.mark.parametrize(("method", "path"), EVERY, ids=[f"{m} {p}" for m, p in EVERY])
def test_every_control_call_wants_the_token(notes, method, path, token):
    refused = notes.control(method, path, token=token)
    assert refused.status == 401
    assert "control token" in refused.body.decode()


def test_the_vendors_token_opens_no_control_plane(notes):
    assert notes.control("GET", "/health", token="acme/sync/ann").status == 401


def test_health_says_who_and_when(notes):
    notes.later(3600)
    health = json.loads(notes.control("GET", "/health").body)
    assert health == {"system": "notes", "now": notes.clock.us, "vendor": "notes", "plan": "free"}


def test_control_calls_are_not_in_the_journal(notes):
    notes.control("GET", "/health")
    assert notes.journal() == []


def test_the_journal_can_be_asked_by_operation_status_and_number(notes):
    for text in ("a", "", "b"):
        notes.create(text)
    notes.call("GET", "/v1/notes/1")
    notes.call("GET", "/v1/ledgers")
    assert [e["status"] for e in notes.journal(operation="note.create")] == [201, 422, 201]
    assert [e["operation"] for e in notes.journal(status=404)] == ["not modelled"]
    assert [e["operation"] for e in notes.journal(last=2)] == ["note.read", "not modelled"]
    assert [json.loads(e["request"])["text"] for e in notes.journal(status=201, last=1)] == ["b"]


def test_the_journal_can_be_emptied_and_goes_on_counting(notes):
    notes.create("a")
    assert notes.control("DELETE", "/journal").status == 204
    assert notes.journal() == []
    notes.create("b")
    assert json.loads(notes.control("GET", "/journal").body)["count"] == 2


def test_armed_faults_are_listed_with_their_numbers_and_can_be_disarmed(notes):
    first = notes.arm("lost-reply", operations=["note.create"], next=1)
    second = notes.arm("latency", median_s=2.5)
    listed = json.loads(notes.control("GET", "/faults").body)
    assert [(f["number"], f["fault"]) for f in listed] == [(first, "lost-reply"), (second, "latency")]
    assert listed[1]["median_s"] == 2.5
    assert notes.control("DELETE", f"/faults/{first}").status == 204
    assert [f["number"] for f in json.loads(notes.control("GET", "/faults").body)] == [second]
    missing = notes.control("DELETE", f"/faults/{first}")
    assert (missing.status, f"no fault number {first}" in missing.body.decode()) == (404, True)
    assert notes.control("DELETE", "/faults").status == 204
    assert json.loads(notes.control("GET", "/faults").body) == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (b'{"fault": "lost-', "fault not understood: Input data was truncated"),
        ({"fault": "gremlin"}, "Invalid value 'gremlin' - at `$.fault`"),
        ({}, "missing required field `fault`"),
        ({"fault": "lost-reply", "nxt": 1}, "unknown field `nxt`"),
        ({"fault": "lost-reply", "probability": 1.5}, "`float` <= 1.0 - at `$.probability`"),
        ({"fault": "server-error", "status": 404}, "`int` >= 500 - at `$.status`"),
        ({"fault": "latency", "median_s": "long"}, "Expected `float`, got `str` - at `$.median_s`"),
        ({"fault": "lost-reply", "every": 0}, "`int` >= 1 - at `$.every`"),
        (
            {"fault": "lost-reply", "operations": ["note.crate"]},
            "no operation of notes: note.crate; there are: session.open, note.search, note.create",
        ),
    ],
)
def test_a_bad_fault_is_refused_with_what_is_wrong_and_arms_nothing(notes, fault, says):
    refused = notes.control("POST", "/faults", fault)
    assert refused.status == 400
    assert says in json.loads(refused.body)["detail"]
    assert json.loads(notes.control("GET", "/faults").body) == []


def test_a_snapshot_can_be_gone_back_to_again_and_again(notes):
    notes.create("kept")
    assert notes.control("PUT", "/snapshots/before").status == 204
    for _ in range(2):
        notes.create("undone")
        assert notes.texts() == ["kept", "undone"]
        assert notes.control("POST", "/snapshots/before/restore").status == 204
        assert notes.texts() == ["kept"]


def test_a_snapshot_that_is_not_there_is_named_with_those_that_are(notes):
    notes.control("PUT", "/snapshots/monday")
    missing = notes.control("POST", "/snapshots/tuesday/restore")
    assert missing.status == 404
    assert "no snapshot 'tuesday'; there are: monday" in json.loads(missing.body)["detail"]


def test_reset_goes_back_to_the_sealed_state_with_nothing_armed_counted_or_journalled(notes):
    notes.create("seeded")
    notes.server.seal()
    notes.create("undone")
    notes.arm("server-error")
    assert notes.control("POST", "/reset").status == 204
    assert json.loads(notes.control("GET", "/journal").body) == {"count": 0, "entries": []}
    assert notes.texts() == ["seeded"]


def test_reset_of_a_system_that_was_never_sealed_says_so(notes):
    notes.create("kept")
    refused = notes.control("POST", "/reset")
    assert (refused.status, "call seal()" in refused.body.decode()) == (409, True)
    assert notes.texts() == ["kept"]


def test_a_vendor_path_that_begins_like_ours_is_the_vendors(notes):
    for path in ("/docsets", "/openapi.jsonl", "/_o2cx/health"):
        assert json.loads(notes.call("GET", path).body) == {"error": "path"}


def _document(notes):
    answer = notes.run(notes._send_control(notes.request("GET", "/openapi.json", who=None)))
    assert answer.status == 200
    return json.loads(answer.body)


def test_the_openapi_document_is_valid_for_an_independent_reader(notes):
    reader = pytest.importorskip("openapi_spec_validator")
    reader.OpenAPIV31SpecValidator(_document(notes)).validate()


def _references(node):
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def test_the_openapi_document_holds_together(notes):
    document = _document(notes)
    assert document["openapi"].startswith("3.1")
    for reference in _references(document):
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    operations = [(path, op) for path, methods in document["paths"].items() for op in methods.values()]
    ids = [op["operationId"] for _, op in operations]
    assert len(ids) == len(set(ids))
    for path, operation in operations:
        in_path = sorted(p["name"] for p in operation.get("parameters", []) if p["in"] == "path")
        assert in_path == sorted(re.findall(r"{(\w+)}", path))
        assert all(answer["description"] for answer in operation["responses"].values())


def test_the_openapi_document_says_what_the_vendor_does_and_how_we_know(notes):
    paths = _document(notes)["paths"]
    read, create = paths["/v1/notes/{id}"]["get"], paths["/v1/notes"]["post"]
    assert (read["operationId"], read["tags"], read["description"]) == (
        "note.read",
        ["note"],
        "documented: house manual 1.2",
    )
    assert [p["name"] for p in read["parameters"]] == ["id"]
    assert create["requestBody"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/NewNote"
    assert list(create["responses"]) == ["201"]
    assert "/_o2c/faults" in paths


def test_the_openapi_document_spells_out_each_fault(notes):
    document = _document(notes)
    assert {"LostReply", "Latency", "ReorderedWebhook"} <= set(document["components"]["schemas"])


def test_the_pages_are_served(notes):
    page = notes.run(notes._send_control(notes.request("GET", "/docs", who=None)))
    assert (page.status, b"openapi.json" in page.body) == (200, True)
