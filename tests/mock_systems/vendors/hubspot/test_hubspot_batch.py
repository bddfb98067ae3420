"""Batches: all or none, or item by item with trace ids; upserts by a unique property."""

import pytest


def _batch(portal, kind, what, *inputs, **more):
    return portal.call("POST", f"{kind}/batch/{what}", {"inputs": list(inputs), **more})


def test_records_are_created_read_changed_and_archived_in_batches(portal):
    made = _batch(portal, "companies", "create", *({"properties": {"name": n}} for n in "ab"))
    assert (made.status, made.json["status"]) == (201, "COMPLETE")
    ids = [r["id"] for r in made.json["results"]]
    changed = _batch(portal, "companies", "update", *({"id": i, "properties": {"city": "Bonn"}} for i in ids))
    assert (changed.status, [r["properties"]["city"] for r in changed.json["results"]]) == (200, ["Bonn", "Bonn"])
    read = _batch(portal, "companies", "read", *({"id": i} for i in ids), properties=["name"])
    assert (read.status, [r["properties"]["name"] for r in read.json["results"]]) == (200, ["a", "b"])
    assert _batch(portal, "companies", "archive", *({"id": i} for i in ids), {"id": "1"}).status == 204
    gone = _batch(portal, "companies", "read", *({"id": i} for i in ids))
    assert (gone.status, gone.json["numErrors"], gone.json["results"]) == (207, 1, [])
    assert gone.json["errors"][0]["context"] == {"ids": ids}


def test_reading_what_is_partly_there_is_a_mixed_answer(quick):
    id_ = quick.create("products", name="W", erp_item_id="I-1")
    read = _batch(quick, "products", "read", {"id": "I-1"}, {"id": "I-2"}, idProperty="erp_item_id", properties=[])
    assert (read.status, read.json["numErrors"]) == (207, 1)
    (found,) = read.json["results"]
    assert (found["id"], found["properties"]["erp_item_id"]) == (id_, "I-1")


def test_without_trace_ids_one_bad_item_fails_the_batch_and_leaves_no_trace(quick):
    quick.create("contacts", email="a@b.example")
    before = quick.dialect.snapshot()
    clash = _batch(
        quick,
        "contacts",
        "create",
        *({"properties": {"email": e}} for e in ("x@b.example", "a@b.example", "y@b.example")),
    )
    assert clash.error == (409, "CONFLICT")
    assert quick.dialect.snapshot() == before
    bad = _batch(quick, "contacts", "create", {"properties": {"email": "z@b.example"}}, {"properties": {"x": "1"}})
    assert bad.problems == [("x", "PROPERTY_DOESNT_EXIST")]
    assert quick.dialect.snapshot() == before


def test_with_trace_ids_each_item_stands_for_itself(portal):
    portal.create("contacts", email="a@b.example")
    made = _batch(
        portal,
        "contacts",
        "create",
        *(
            {"properties": {"email": e}, "objectWriteTraceId": str(n)}
            for n, e in enumerate(("x@b.example", "a@b.example", "bad", "y@b.example"))
        ),
    )
    assert (made.status, made.json["numErrors"]) == (207, 2)
    assert [r["objectWriteTraceId"] for r in made.json["results"]] == ["0", "3"]
    failed = [(e["category"], e["context"]["objectWriteTraceId"]) for e in made.json["errors"]]
    assert failed == [("CONFLICT", ["1"]), ("VALIDATION_ERROR", ["2"])]
    assert portal.call("GET", "contacts/y@b.example", query={"idProperty": "email"}).status == 200
    twice = _batch(
        portal, "contacts", "create", *({"properties": {"email": "bad"}, "objectWriteTraceId": "1"} for _ in "ab")
    )
    assert twice.status == 400  # trace ids must be each item's own


def test_an_upsert_makes_what_is_not_there_and_changes_what_is(portal):
    def put(city):
        return _batch(
            portal,
            "companies",
            "upsert",
            *(
                {"id": k, "idProperty": "erp_customer_id", "properties": {"name": k, "city": city}}
                for k in ("C1", "C2")
            ),
        )

    first, second = put("Bonn"), put("Köln")
    assert [r["new"] for r in first.json["results"]] == [True, True]
    assert [r["new"] for r in second.json["results"]] == [False, False]
    assert [r["id"] for r in first.json["results"]] == [r["id"] for r in second.json["results"]]
    assert [r["properties"]["city"] for r in second.json["results"]] == ["Köln", "Köln"]


@pytest.mark.parametrize("name", ["name", "", "hs_object_id", "no_such"])
def test_an_upsert_needs_a_unique_property(quick, name):
    answer = _batch(quick, "companies", "upsert", {"id": "1", "idProperty": name, "properties": {}})
    assert answer.error == (400, "VALIDATION_ERROR")
    assert "non-unique 0-2 property" in answer.json["message"]


def test_changing_what_is_not_there_fails_the_whole_batch(quick):
    id_ = quick.create("companies", name="Acme")
    answer = _batch(
        quick, "companies", "update", {"id": id_, "properties": {"name": "N"}}, {"id": "1", "properties": {}}
    )
    assert answer.error == (404, "OBJECT_NOT_FOUND")
    assert quick.read("companies", id_)["name"] == "Acme"


@pytest.mark.parametrize("what", ["create", "update", "upsert", "read", "archive"])
def test_a_batch_carries_a_hundred(quick, what):
    inputs = [{"id": "1", "properties": {"name": "x"}, "idProperty": "erp_customer_id"}] * 101
    answer = _batch(quick, "companies", what, *inputs)
    assert answer.error == (400, "VALIDATION_ERROR")
    assert "100" in answer.json["message"]
    assert _batch(quick, "companies", what).status in (200, 201, 204)
