"""What every mock does with a call, the same over each transport."""

import json

import pytest

from o2c_twin.mock_systems.wire.journal import Journal


def test_a_note_created_is_the_note_read(notes):
    created = notes.create("hello")
    assert (created.status, json.loads(created.body)) == (201, {"id": "1", "text": "hello", "weight": None})
    read = notes.call("GET", "/v1/notes/1")
    assert (read.status, read.body) == (200, created.body)
    assert read.headers["content-type"] == "application/json;charset=UTF-8"
    assert read.headers["x-tenant"] == "acme"


@pytest.mark.parametrize("path", ["/v1/notes/1", "/v1/notes/1/"])
def test_a_trailing_slash_makes_no_difference(notes, path):
    notes.create("hello")
    assert notes.call("GET", path).status == 200


def test_a_static_path_wins_over_a_parameter(notes):
    assert json.loads(notes.call("GET", "/v1/notes/latest").body) == {"rows": 0}


def test_a_method_the_static_path_lacks_goes_to_the_parameter_beside_it(notes):
    assert notes.call("DELETE", "/v1/notes/latest").status == 204


def test_a_method_no_operation_has_is_answered_with_those_there_are(notes):
    refused = notes.call("PUT", "/v1/notes/")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, POST")


def test_the_query_and_odd_characters_in_the_path_arrive_decoded(notes):
    notes.create("a b")
    notes.create("ab")
    assert [n["text"] for n in json.loads(notes.call("GET", "/v1/notes?text=a b").body)] == ["a b"]
    assert json.loads(notes.call("GET", "/v1/notes/ü 1").body) == {"error": "no note ü 1"}


def test_an_answer_without_a_body_has_none(notes):
    notes.create("hello")
    gone = notes.call("DELETE", "/v1/notes/1")
    assert (gone.status, gone.body) == (204, b"")
    assert notes.texts() == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/ledgers", 404), ("PATCH", "/v1/notes/1", 405)])
def test_what_is_not_modelled_gets_the_vendors_answer_and_is_journalled_as_such(notes, method, path, status):
    assert notes.call(method, path).status == status
    entry = notes.journal()[-1]
    assert (entry["operation"], entry["method"], entry["path"], entry["status"]) == (
        "not modelled",
        method,
        path,
        status,
    )


def test_a_wrong_token_gets_the_vendors_login_error(notes):
    refused = notes.create("hello", who="nobody")
    assert (refused.status, json.loads(refused.body)) == (401, {"error": "token not known"})
    assert "x-tenant" not in refused.headers
    assert notes.texts() == []


def test_an_open_operation_needs_no_token(notes):
    assert notes.call("POST", "/v1/session", who=None).status == 200


def test_a_body_is_read_whatever_its_content_type(notes):
    assert notes.call("POST", "/v1/notes", b'{"text": "x"}', content_type="text/plain").status == 201


@pytest.mark.parametrize("body", [b'{"text": ', b'{"text": 1}', b"{}", b""], ids=["cut", "wrong type", "empty", "none"])
def test_a_body_that_does_not_fit_is_refused_in_the_vendors_shape_and_changes_nothing(notes, body):
    refused = notes.call("POST", "/v1/notes", body)
    assert refused.status == 400
    assert "error" in json.loads(refused.body)
    assert notes.texts() == []


def test_decimals_in_open_fields_keep_every_digit(notes):
    created = notes.call("POST", "/v1/notes", b'{"text": "x", "weight": 0.10000000000000000001}')
    assert b'"weight":0.10000000000000000001' in created.body


def test_a_refusal_of_the_handler_is_the_answer(notes):
    assert notes.create("").status == 422
    assert notes.texts() == []


def test_the_journal_says_who_did_what_when_and_with_which_result(notes):
    notes.later(5)
    notes.create("hello", x_correlation_id="deal-7")
    notes.call("GET", "/v1/notes/9")
    created, missed = notes.journal()
    assert created == {
        "at": notes.clock.us,
        "system": "notes",
        "operation": "note.create",
        "caller": "ann",
        "method": "POST",
        "path": "/v1/notes",
        "status": 201,
        "throttled": False,
        "fault": None,
        "duration_us": 0,
        "request": '{"text": "hello"}',
        "response": '{"id":"1","text":"hello","weight":null}',
    }
    assert (missed["operation"], missed["status"]) == ("note.read", 404)


def test_the_journal_keeps_its_size_and_its_sink_sees_all(open_notes):
    seen = []
    notes = open_notes(journal=Journal(size=3, sink=seen.append))
    for i in range(10):
        notes.create(f"n{i}")
    assert [json.loads(e["request"])["text"] for e in notes.journal()] == ["n7", "n8", "n9"]
    assert [json.loads(e.request)["text"] for e in seen] == [f"n{i}" for i in range(10)]
    assert notes.server.journal.count == 10
