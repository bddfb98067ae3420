"""Search: what it finds, in what order and pages, and how late it knows."""

import random

import pytest

from o2c_twin.mock_systems.vendors.hubspot import search


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([("name", "EQ", "acme")], "a"),
        ([("name", "NEQ", "Acme")], "bc"),
        ([("credit_limit", "GT", "1000")], "b"),
        ([("credit_limit", "GTE", "1000.0")], "ab"),
        ([("credit_limit", "LT", "2000")], "a"),
        ([("credit_limit", "BETWEEN", "1", "1000")], "a"),
        ([("city", "IN", ["bonn", "köln"])], "ab"),
        ([("city", "NOT_IN", ["Bonn"])], "b"),
        ([("city", "HAS_PROPERTY")], "ab"),
        ([("city", "NOT_HAS_PROPERTY")], "c"),
        ([("name", "CONTAINS_TOKEN", "bol*")], "b"),
        ([("name", "CONTAINS_TOKEN", "*corp")], "bc"),
        ([("name", "NOT_CONTAINS_TOKEN", "corp")], "a"),
        ([("name", "CONTAINS_TOKEN", "corp"), ("city", "HAS_PROPERTY")], "b"),
        ([("erp_customer_id", "EQ", "C-2")], "b"),
        ([("createdate", "LTE", "1767225600000")], "abc"),
        ([("hs_lastmodifieddate", "GT", "1767225600000")], ""),
    ],
)
def test_a_filter_finds_what_it_says(quick, filters, names):
    ids = {
        "a": quick.create("companies", name="Acme", credit_limit="1000", city="Bonn"),
        "b": quick.create("companies", name="Bolt Corp", credit_limit="2000", city="Köln", erp_customer_id="C-2"),
        "c": quick.create("companies", name="Cord Corp"),
    }
    assert quick.found("companies", *filters) == [ids[name] for name in names]


def test_groups_are_alternatives_and_free_text_looks_at_the_usual_properties(quick):
    one, two = quick.create("companies", name="Acme"), quick.create("companies", name="Bolt", domain="bolt.example")
    groups = [{"filters": [{"propertyName": "name", "operator": "EQ", "value": name}]} for name in ("Acme", "Bolt")]
    both = quick.call("POST", "companies/search", {"filterGroups": groups}).json
    assert (both["total"], [r["id"] for r in both["results"]]) == (2, [one, two])
    assert quick.found("companies", query="BOLT.ex") == [two]
    assert quick.found("companies", query="acme bolt") == []


def test_results_are_sorted_and_paged_and_show_only_the_properties_asked_for(quick):
    ids = [quick.create("companies", name=f"C{n}", credit_limit=str(limit)) for n, limit in enumerate((30, 100, 20))]
    bare = quick.create("companies", name="no limit")
    order = {"sorts": [{"propertyName": "credit_limit", "direction": "DESCENDING"}], "limit": 3}
    first = quick.search("companies", **order, properties=["city"]).json
    assert [r["id"] for r in first["results"]] == [ids[1], ids[0], ids[2]]
    assert sorted(first["results"][0]["properties"]) == ["city", "createdate", "hs_lastmodifieddate", "hs_object_id"]
    assert first["paging"] == {"next": {"after": "3"}}
    second = quick.search("companies", **order, after=first["paging"]["next"]["after"]).json
    assert ([r["id"] for r in second["results"]], "paging" in second) == ([bare], False)


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "HAS_PROPERTY"}] * 11}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "HAS_PROPERTY"}] * 9}] * 3},
        {"filterGroups": [{"filters": [{"propertyName": "colour", "operator": "EQ", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "LIKE", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "credit_limit", "operator": "GT", "value": "much"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "IN"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "EQ"}]}]},
        {"limit": 201},
        {"limit": 0},
        {"after": "x"},
        {"sorts": [{"propertyName": "colour"}]},
        {"sorts": ["name", "city"]},
        {"query": "x" * 3_001},
        {"filterGroups": "x"},
    ],
)
def test_a_search_that_cannot_be_is_refused(quick, body):
    assert quick.call("POST", "companies/search", body).error == (400, "VALIDATION_ERROR")


def test_no_page_goes_beyond_ten_thousand_results(quick):
    for n in range(3):
        quick.core.create("account", {"name": f"C{n}"})
    assert quick.search("companies", after="9990", limit=10).status == 200
    quick.later(1)
    beyond = quick.search("companies", after="10000", limit=10)
    assert beyond.error == (400, "VALIDATION_ERROR")
    assert quick.search("companies", after="9990", limit=11).status == 400


def test_more_than_ten_thousand_are_reached_by_restarting_the_window(quick, monkeypatch):
    monkeypatch.setattr(search, "MOST_RESULTS", 4)
    ids = []
    for n in range(9):
        ids.append(quick.core.create("account", {"name": f"C{n}"}).id)
        quick.later(1)
    seen: dict[str, None] = {}
    since, after = 0, None
    order = {"sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}], "limit": 2}
    for _ in range(20):
        quick.later(1)
        page = quick.search("companies", ("hs_lastmodifieddate", "GTE", str(since)), **order, after=after).json
        seen.update(dict.fromkeys(r["id"] for r in page["results"]))
        after = page.get("paging", {}).get("next", {}).get("after")
        if after is None:
            break
        if after == "4":
            last = page["results"][-1]["properties"]["hs_lastmodifieddate"]
            since, after = 1_767_225_600_000 + int(float(last[17:19]) * 1_000), None
    assert list(seen) == ids


# --- the index --------------------------------------------------------------------------------------


def test_search_learns_late_and_shows_the_record_as_it_was(portal):
    id_ = portal.create("companies", name="Acme", city="Bonn")
    assert portal.found("companies") == []
    assert portal.read("companies", id_)["name"] == "Acme"
    portal.later(31)
    assert portal.found("companies", ("city", "EQ", "Bonn")) == [id_]
    portal.call("PATCH", f"companies/{id_}", {"properties": {"city": "Köln"}})
    assert portal.found("companies", ("city", "EQ", "Bonn")) == [id_]
    assert portal.found("companies", ("city", "EQ", "Köln")) == []
    portal.later(31)
    assert portal.found("companies", ("city", "EQ", "Köln")) == [id_]
    portal.call("DELETE", f"companies/{id_}")
    assert portal.found("companies") == [id_]
    portal.later(31)
    assert portal.found("companies") == []


def test_a_later_change_may_be_seen_before_an_earlier_one_so_that_a_watermark_misses_records(open_portal):
    portal = open_portal()
    ids = []
    for n in range(30):
        ids.append(portal.core.create("account", {"name": f"C{n}"}).id)
        portal.later(0.5)
    shown = portal.found("companies", limit=100)
    assert 0 < len(shown) < 30
    last = max(ids.index(id_) for id_ in shown)
    assert any(id_ not in shown for id_ in ids[:last])
    portal.later(31)
    assert portal.found("companies", limit=100) == ids


def test_a_portal_without_the_oddity_knows_at_once(open_portal):
    portal = open_portal(search_lag_s=0.0)
    id_ = portal.create("companies", name="Acme")
    assert portal.found("companies") == [id_]


def test_narrowing_finds_the_same_as_looking_at_every_record(open_portal):
    """Filters that narrow the search to a few candidates, against the same filters in a form that does not."""
    chance = random.Random(7)
    portal = open_portal()
    ids = []
    for n in range(60):
        if ids and chance.random() < 0.6:
            id_ = chance.choice(ids)
            if id_ in portal.core.tables["account"]:
                portal.core.update("account", id_, {"city": chance.choice("ab")}, {"erp_customer_id": f"K{n}"})
        else:
            ids.append(portal.core.create("account", {"name": f"C{n}"}, {"erp_customer_id": f"K{n}"}).id)
        if chance.random() < 0.1:
            portal.core.delete("account", ids.pop())
        portal.later(1 + chance.random() * 4)
        since = str((portal.clock.us - round(chance.random() * 60e6)) // 1_000)
        found = set(portal.found("companies", ("hs_lastmodifieddate", "GTE", since), limit=200))
        assert found == {row.id for row in _visible(portal) if row.modified_at // 1_000 >= int(since)}
        key = f"K{n}"
        keyed = {row.id for row in _visible(portal) if row.custom["erp_customer_id"] == key}
        assert set(portal.found("companies", ("erp_customer_id", "EQ", key))) == keyed


def _visible(portal):
    index = portal.dialect.index
    rows = (index.visible("account", id_, portal.clock.us) for id_ in index.ids("account"))
    return [row for row in rows if row is not None]
