"""Answers are decoded to what a map reads, and the map makes of that what it makes of the whole plain record."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from o2c_twin.integration.mappings import NotMapped, shipped_maps

SHIPPED = shipped_maps()
READING = [name for name, spec in SHIPPED.specs.items() if not spec.source.startswith("canonical.")]
WITH = {"currency": "EUR", "rates": None}
PLAIN = msgspec.json.Decoder(dict, float_hook=str)
junk = st.sampled_from([None, "", "x", 7, True, [], {}, "7.5", "2026-01-05T10:00:00Z"])
VALUES = {
    "whole": st.integers(0, 99),
    "minor": st.integers(0, 99),
    "instant": st.integers(0, 99),
    "number": st.integers(0, 10**6).map(lambda n: n / 100) | st.integers(0, 99) | st.integers(0, 9999).map(str),
    "currency": st.sampled_from(["EUR", "JPY"]),
    "iso-instant": st.sampled_from(["2026-01-05T10:00:00Z", "1970-01-01T00:00:01.000+0000"]),
    "flag": st.booleans(),
}


def records(title):
    """Records of a type, with what may be missing left out or null at times, and with more than anybody reads."""
    schema = SHIPPED.schemas.objects[title]
    parts = {"unheard_of": junk}
    for name, field in schema.fields.items():
        inner = records(f"{schema.system}.{field.of}") if field.of else None
        value = VALUES.get(field.type, st.sampled_from(field.choices) if field.choices else st.text("aé1", max_size=4))
        value = st.lists(inner, max_size=3) if field.type == "list" else inner if inner is not None else value
        parts[name] = st.none() | value if field.nullable else value
    needed = {name: each for name, each in parts.items() if name in schema.fields and not schema.fields[name].nullable}
    return st.fixed_dictionaries(needed, optional={name: each for name, each in parts.items() if name not in needed})


def outcome(make):
    try:
        return make()
    except (NotMapped, msgspec.ValidationError) as refused:
        return type(refused)


@pytest.mark.parametrize("name", READING)
def test_of_a_record_in_order_both_ways_make_the_same_and_say_the_same(name):
    ready = SHIPPED.compiled(name)

    @settings(max_examples=60)
    @given(records(ready.spec.source))
    def same(record):
        body = json.dumps(record).encode()
        try:
            wanted = ready(PLAIN.decode(body), WITH)
        except NotMapped as refused:
            with pytest.raises(NotMapped) as found:
                ready.read(ready.decode(body), WITH)
            assert str(found.value) == str(refused)
        else:
            assert ready.read(ready.decode(body), WITH) == wanted

    same()


@pytest.mark.parametrize("name", READING)
def test_of_a_damaged_record_neither_way_makes_what_the_other_refuses(name):
    ready = SHIPPED.compiled(name)

    @settings(max_examples=60)
    @given(records(ready.spec.source), st.data())
    def same(record, data):
        record[data.draw(st.sampled_from(sorted(record)))] = data.draw(junk)
        body = json.dumps(record).encode()
        by_row = outcome(lambda: ready.read(ready.decode(body), WITH))
        plain = outcome(lambda: ready(PLAIN.decode(body), WITH))
        if not isinstance(by_row, type):
            assert by_row == plain
        elif by_row is NotMapped:
            assert plain is NotMapped

    same()


def test_only_what_a_map_reads_is_decoded_and_numbers_stay_exact():
    row = SHIPPED.compiled("invoice-to-status").row()
    assert set(row.__struct_fields__) == {"id", "tranId", "createdFrom", "total", "amountRemaining", "lastModifiedDate"}
    decoded = msgspec.json.decode(b'{"id": "1", "total": 0.1, "amountRemaining": 12345678901234567.89}', type=row)
    assert (decoded.total, decoded.amountRemaining) == (Decimal("0.1"), Decimal("12345678901234567.89"))
    assert decoded.tranId is None


@example("class", "_x")
@example("ä-b", "None")
@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_a_field_may_have_any_name(one, two):
    from o2c_twin.integration.mappings import MappingError, load_maps

    fields = {one: "text", two: "text"} if "." not in one + two and "[" not in one + two else {"a": "text"}
    schema = {"system": "s", "objects": {"Thing": fields, "Copy": {"all": "text"}}}
    rule = {"from": list(fields), "to": "all"}
    held = {"map": "m", "version": 1, "source": "s.Thing", "target": "s.Copy", "owner": "o", "since": "2026-01-05"}
    text = json.dumps({**held, "fields": [rule], "examples": [{"in": {}, "out": {}}]})
    try:
        ready = load_maps({"m.yaml": text}, {}, {"s.yaml": json.dumps(schema)}).compiled("m")
    except MappingError:
        return  # a name of a file's own grammar, such as one with blanks at its end
    for name in fields:
        body = json.dumps({name: "v"}).encode()
        assert ready.read(ready.decode(body), {}) == ready(json.loads(body), {}) == {"all": "v"}
