"""Query options and resource paths of both versions."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.odata import (
    Expand,
    Filters,
    ODataError,
    ODataQuery,
    Order,
    Queries,
    in_order,
    parse_key,
    parse_query,
    split_path,
)


def test_all_options_of_version_2():
    query = parse_query(
        {
            "$filter": "A eq 'x'",
            "$select": "A, to_Item/B",
            "$expand": "to_Item,to_Item/to_Line",
            "$orderby": "A desc,B",
            "$top": "5",
            "$skip": "10",
            "$inlinecount": "allpages",
            "$format": "json",
            "$skiptoken": "20",
            "sap-client": "100",
        },
        2,
    )
    assert query.filter is not None and query.filter({"A": "x"})
    assert (query.select, query.top, query.skip, query.count) == (("A",), 5, 10, True)
    assert query.orderby == (Order("A", True), Order("B"))
    assert (query.format, query.skiptoken) == ("json", "20")
    assert query.expand == (Expand("to_Item", ODataQuery(select=("B",), expand=(Expand("to_Line", ODataQuery()),))),)


def test_nested_options_of_version_4():
    query = parse_query(
        {
            "$expand": "Lines($select=A,B;$filter=N eq 'a;b)';$expand=Item($top=1;$count=true);$orderby=A desc),Bill",
            "$count": "true",
            "$search": "red",
        },
        4,
    )
    lines, bill = query.expand
    assert (lines.name, lines.query.select, lines.query.orderby) == ("Lines", ("A", "B"), (Order("A", True),))
    assert lines.query.filter is not None and lines.query.filter({"N": "a;b)"})
    assert lines.query.expand == (Expand("Item", ODataQuery(top=1, count=True)),)
    assert bill == Expand("Bill", ODataQuery())
    assert query.count and query.search == "red"


def test_filters_come_from_the_cache_that_is_given():
    kept = Filters(4)
    first = parse_query({"$filter": "A eq 1"}, 4, kept).filter
    assert parse_query({"$filter": "A eq 1"}, 4, kept).filter is first


@pytest.mark.parametrize(
    ("version", "query", "option"),
    [
        (2, {"$count": "true"}, "$count"),
        (4, {"$inlinecount": "allpages"}, "$inlinecount"),
        (4, {"$apply": "x"}, "$apply"),
        (2, {"$top": "-1"}, "$top"),
        (2, {"$top": "1.5"}, "$top"),
        (2, {"$skip": "99999999999"}, "$skip"),
        (2, {"$top": "²"}, "$top"),
        (2, {"$inlinecount": "yes"}, "$inlinecount"),
        (2, {"$orderby": "A down"}, "$orderby"),
        (2, {"$orderby": "A desc B"}, "$orderby"),
        (2, {"$orderby": ""}, "$orderby"),
        (2, {"$select": "A,,B"}, "$select"),
        (2, {"$select": "A-B"}, "$select"),
        (2, {"$expand": "a/b/c/d/e/f/g/h/i/j/k/l"}, "$expand"),
        (4, {"$expand": "A($top=1"}, "$expand"),
        (4, {"$expand": "A(top=1)"}, "$expand"),
        (4, {"$expand": "A)"}, "$expand"),
        (4, {"$expand": "A,A"}, "$expand"),
        (4, {"$expand": "A(" + "$expand=A(" * 30 + ")" * 31}, "$expand"),
        (4, {"$filter": "A eq"}, "$filter"),
    ],
)
def test_options_that_cannot_be_taken_are_named(version, query, option):
    with pytest.raises(ODataError) as refused:
        parse_query(query, version)
    assert refused.value.option == option


@given(st.lists(st.tuples(st.none() | st.integers(0, 3), st.text("ab", max_size=2)), max_size=12))
def test_order_is_stable_and_puts_null_first(pairs):
    rows = [{"A": a, "to": {"B": b}, "n": n} for n, (a, b) in enumerate(pairs)]
    found = in_order(rows, (Order("A", True), Order("to/B")))
    key = {None: -1} | {n: n for n in range(4)}
    assert found == sorted(rows, key=lambda row: (-key[row["A"]], row["to"]["B"], row["n"]))


def test_an_order_by_unlike_values_is_refused():
    with pytest.raises(ODataError):
        in_order([{"A": 1}, {"A": "x"}], (Order("A"),))


@pytest.mark.parametrize(
    ("version", "text", "name", "values"),
    [
        (2, "A_SalesOrder", "A_SalesOrder", None),
        (2, "A_SalesOrder()", "A_SalesOrder", {}),
        (2, "A_SalesOrder('1')", "A_SalesOrder", {"": "1"}),
        (2, "Item(SalesOrder='1',SalesOrderItem='10')", "Item", {"SalesOrder": "1", "SalesOrderItem": "10"}),
        (2, "X('a,''b''(c)=d/e')", "X", {"": "a,'b'(c)=d/e"}),
        (2, "X(guid'00000000-0000-0000-0000-00000000000a')", "X", {"": UUID(int=10)}),
        (4, "X(00000000-0000-0000-0000-00000000000A)", "X", {"": UUID(int=10)}),
        (4, "X( 00000000-0000-0000-0000-00000000000A )", "X", {"": UUID(int=10)}),
        (4, "X(a=1, b=2.50)", "X", {"a": 1, "b": Decimal("2.50")}),
        (4, "Microsoft.NAV.shipAndInvoice", "Microsoft.NAV.shipAndInvoice", None),
        (4, "$metadata", "$metadata", None),
    ],
)
def test_key_predicates(version, text, name, values):
    key = parse_key(text, version)
    assert (key.name, key.values) == (name, values)


def test_a_key_is_given_by_the_properties_of_the_entity():
    assert parse_key("X('1')", 2).under(("Id",)) == {"Id": "1"}
    assert parse_key("X(B='2',A='1')", 2).under(("A", "B")) == {"A": "1", "B": "2"}
    for text, properties in (("X('1')", ("A", "B")), ("X(C='1')", ("A",)), ("X", ("A",)), ("X(A='1')", ("A", "B"))):
        with pytest.raises(ODataError):
            parse_key(text, 2).under(properties)


@pytest.mark.parametrize(
    "text",
    ["", "X(", "X('1'", "X(1,2)", "X(A='1',A='2')", "X(A=)", "X('a' 'b')", "X(A)", "X(A=1,'2')", "X('1',)", "(1)"],
)
def test_keys_that_cannot_be_read(text):
    with pytest.raises(ODataError) as refused:
        parse_key(text, 2)
    assert refused.value.option == "key"


@given(st.text(alphabet="X()',=1aA/ -%", max_size=30), st.sampled_from([2, 4]))
def test_any_segment_is_read_or_refused(text, version):
    try:
        parse_key(text, version)
    except ODataError as refused:
        assert 0 <= refused.position <= len(text)


@given(st.text(max_size=20))
def test_any_string_survives_a_key(value):
    quoted = "'" + value.replace("'", "''") + "'"
    assert parse_key(f"X({quoted})", 2).values == {"": value}
    assert split_path(f"/a/X({quoted})/b") == ["a", f"X({quoted})", "b"]


def test_paths_are_split_outside_of_quotes():
    assert split_path("/odata/X('a/b')/to_Item/") == ["odata", "X('a/b')", "to_Item"]
    assert split_path("/") == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {"$select": st.sampled_from(["A", "A,B", "A,,B"])},
            optional={
                "$filter": st.sampled_from(["A eq 1", "A eq 2", "A eq"]),
                "$top": st.sampled_from(["1", "x"]),
                "company": st.just("1"),
            },
        ),
        max_size=8,
    )
)
def test_kept_options_are_those_that_were_sent(texts):
    kept = Queries(4, capacity=2)
    for query in texts:
        try:
            fresh = parse_query(query, 4)
        except ODataError:
            with pytest.raises(ODataError):
                kept(query)
            continue
        found = kept(query)
        assert (found.select, found.top) == (fresh.select, fresh.top)
        assert (found.filter is None) == (fresh.filter is None)
        for row in ({"A": 1}, {"A": 2}):
            assert fresh.filter is None or found.filter(row) == fresh.filter(row)
