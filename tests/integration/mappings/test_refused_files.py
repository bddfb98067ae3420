"""A file that does not fit is refused when it is loaded, with its place and the remedy."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.mappings import MappingError, load_folder, load_maps, shipped_files

# In the small estate's map the fields begin in line 8: six lines of head, then "fields:".
FIRST = 8


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("  - {from: idd, to: text}\n", "shop.Sale has no field 'idd'; did you mean 'id'?"),
        ("  - {from: id, to: txt}\n", "books.Entry has no field 'txt'; did you mean 'text'?"),
        ("  - {from: address.town, to: text}\n", "shop.Address has no field 'town'; there are: city"),
        ("  - {from: id.x, to: text}\n", "shop.Sale.id is a text, with nothing inside; end the path there"),
        ("  - {from: lines.sku, to: text}\n", "shop.Sale.lines is a list, with nothing inside; use 'each'"),
        ("  - {from: secret, to: text}\n", "shop.Sale.secret is only written, never read; choose another"),
        ("  - {from: id, to: number}\n", "books.Entry.number is only read, never written; remove the line"),
        ("  - {from: price, to: text}\n", "text is a text, not a decimal number, exact; choose another"),
        ("  - {from: price, to: amount}\n", "not a decimal number, exact; write 'by: to-minor'"),
        ("  - {from: sold_at, to: booked_on}\n", "booked_on is an ISO 8601 date, not an instant as ISO 8601 text"),
        ("  - {from: id, to: paid}\n", "paid is true or false, not a text; choose another"),
        ("  - {from: price, to: amount, by: to-minor}\n", "whose currency? write 'currency:' at the top"),
        ("  - {from: id, to: text, by: whole}\n", "'whole number' cannot take a text; it takes a decimal number"),
        ("  - {from: id, to: text, by: shout}\n", "no transformation 'shout'; "),
        ("  - {from: id, to: text, by: trimm}\n", "no transformation 'trimm'; did you mean 'trim'?"),
        ("  - {from: id, to: text, by: cut}\n", "cut needs 'length': characters kept"),
        ("  - {from: id, to: text, by: {cut: {length: 0}}}\n", "length must be a whole number from 1"),
        ("  - {from: id, to: text, by: {cut: {len: 3}}}\n", "unknown key 'len' in text: cut; did you mean 'length'?"),
        ("  - {from: id, to: text, by: {pattern: {pattern: x}}}\n", "needs one {} where the value goes"),
        ("  - {from: country, to: country, by: {code: {list: lands}}}\n", "no code list 'lands'; there are: countries"),
        ("  - {from: country, to: country}\n", "country does not know 'Germany'; there are: DE, FR"),
        (
            "  - {from: country, to: country, by: {code: {list: countries, otherwise: IT}}}\n",
            "country does not know 'IT'; there are: DE, FR",
        ),
        (
            "  - {from: country, to: country, by: {code: {list: countries, otherwise: DE, unknown: keep}}}\n",
            "unknown and otherwise say two things of the same codes; keep one of them",
        ),
        (
            "  - {from: id, to: text, by: {code: {list: countries, otherwise: DE}}, invertible: true}\n",
            "cannot be undone; remove 'invertible'",
        ),
        ("  - {from: id, to: text, by: {lookup: {in: t}}}\n", "no table 't' is given; there are: none"),
        ("  - {given: who, to: text}\n", "'who' is not given; there are: none"),
        ("  - {from: price, to: group_amount, by: [to-minor, convert]}\n", "the map has no FX rule; write 'fx:"),
        ("  - {from: id, to: text, default: x}\n", "its source is always there; remove the default"),
        ("  - {from: buyer, to: text}\n", "text must be there, and its source may be missing; add 'default: ...'"),
        ("  - {from: address.city, to: text}\n", "text must be there, and its source may be missing"),
        ("  - {from: buyer, to: text, default: 5}\n", "default '5' has the wrong type; it must be a text"),
        ("  - {value: 1.5, to: quantity}\n", "value '1.5' has the wrong type; it must be a whole number"),
        ("  - {value: IT, to: country}\n", "country does not know 'IT'; there are: DE, FR"),
        ("  - {from: paid, to: paid, missing: skip}\n", "no value 'skip'; there are: omit, null, refuse"),
        ("  - {from: id, to: text}\n  - {from: buyer, to: text}\n", "text is written twice; keep one"),
        ("  - {from: id, to: payer.name}\n  - {from: address, to: payer}\n", "payer and payer.name write the same"),
        ("  - {from: buyer, to: payer.city}\n", "nothing is written to books.Payer.name, which must be there"),
        ("  - {from: buyer, to: price_list}\n", "nothing is written to books.Entry.text, which must be there"),
        ("  - {each: lines, to: lines}\n", "'each' (a list) and 'fields' (of its items) belong together"),
        ("  - {each: lines, to: lines, fields: []}\n", "'fields' is empty; say what becomes of each item"),
        ("  - {each: id, to: lines, fields: [{from: a, to: b}]}\n", "shop.Sale.id is a text; name a list"),
        ("  - {from: lines, to: lines}\n", "its source is a list; write 'each' and 'fields'"),
        ("  - {from: address, to: payer}\n", "its source is an object; name its 'map', or a field inside"),
        (
            "  - {each: lines, to: lines, fields: [{from: sku, to: item}]}\n",
            "nothing is written to books.EntryLine.amount",
        ),
        ("  - {from: address, to: payer, map: no-map}\n", "no map 'no-map'; there are: sale-to-entry"),
        ("  - {from: id, to: text, invertible: maybe}\n", "invertible must be true or false"),
        ("  - {from: [id, buyer], to: text, invertible: true}\n", "only one source can be found again"),
        ("  - {from: id, to: text, by: trim, invertible: true}\n", "'without outer blanks' cannot be undone"),
        ("  - {from: id, to: text, since: soon}\n", "'soon' is no date; write it as 2026-01-31"),
        ("  - {from: id}\n", "fields[1] needs 'to' and one of from, given, value, each"),
        ("  - {from: id, value: x, to: text}\n", "needs 'to' and one of from, given, value, each; keep one"),
        ("  - {from: id, too: text}\n", "unknown key 'too' in fields[1]; did you mean 'to'?"),
        ("  - {from: id, from: id, to: text}\n", "'from' is given twice in fields[1]"),
        ("  - id\n", "fields[1] must hold 'name: value' lines"),
    ],
)
def test_a_rule_that_does_not_fit_is_named_with_its_line_and_the_remedy(build, fields, said):
    with pytest.raises(MappingError) as refused:
        build(fields)
    matching = [problem for problem in refused.value.problems if said in problem]
    assert matching, refused.value.problems
    line = int(matching[0].split(":")[1])
    assert matching[0].startswith("maps/1.yaml:")
    # "Nothing is written" is said of the map, or of the list it is about; all else of the rule's own line.
    assert line >= FIRST or "nothing is written" in said


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("colour: red\n", "unknown key 'colour' in the map"),
        ("currency: euro\n", "'euro' is no currency code; give three capitals such as EUR"),
        ("currency: {from: id}\n", "currency.from: id is not always a currency"),
        ("currency: {given: c}\ngiven: {c: text}\n", "c is no currency; write 'c: currency'"),
        ("given: {c: money}\n", "no type 'money'; "),
        ("fx: {source: ECB, date: sold_at}\n", "fx has no 'target'"),
        ("fx: {source: ECB, date: id, target: EUR}\n", "fx.date: id is a text; name a date or an instant"),
        ("fx: {source: ECB, date: sold_at, target: EUR, rounding: up}\n", "no rule 'up'; "),
        ("intercompany: {from: price, among: [a]}\n", "intercompany.from: price is no text"),
        ("intercompany: {from: buyer}\n", "intercompany needs 'from' (a path) and 'among'"),
        ("worth: {amount: amount}\n", "worth: in which currency?"),
        ("currency: EUR\nworth: {amount: text}\n", "worth: text is a text; name a number"),
        ("currency: EUR\nworth: {amount: amount, each: lines}\n", "with 'each' also 'quantity'"),
        ("entities: {DE01: {fields: [{from: nix, to: text}]}}\n", "shop.Sale has no field 'nix'"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(build, head, said):
    with pytest.raises(MappingError) as refused:
        build("  - {from: id, to: text}\n", head)
    assert any(said in problem for problem in refused.value.problems), refused.value.problems


@pytest.mark.parametrize("key", ["map", "version", "source", "target", "owner", "since", "fields"])
def test_what_every_map_needs_is_asked_for(build, key):
    text = "map: m\nversion: 1\nsource: shop.Sale\ntarget: books.Entry\nowner: o\nsince: 2026-01-05\nfields: []\n"
    lines = [line for line in text.splitlines() if not line.startswith(f"{key}:")]
    with pytest.raises(MappingError, match=f"no '{key}'; every map needs one"):
        load_maps({"maps/1.yaml": "\n".join(lines)}, {}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "maps/1.yaml:1:1: is empty; begin with 'map:'"),
        ("map: [", "maps/1.yaml:"),
        ("map: a\n\tb: c\n", "maps/1.yaml:2"),
        ("- a\n", "the map must hold 'name: value' lines"),
        ("map: &a x\nowner: *a\n", "is used again by an alias; write the value itself"),
        ("map: &a [*a]\n", "is used again by an alias"),
        ("map: " + "[" * 2_000, "maps/1.yaml:"),
        ("map: \x07", "no text; remove it"),
        ("map: a\nnote: \ud800", "maps/1.yaml:2:1: a character that is no text; remove it"),
    ],
)
def test_what_is_no_map_file_at_all_is_refused(text, said):
    with pytest.raises(MappingError) as refused:
        load_maps({"maps/1.yaml": text}, {}, {})
    assert said in str(refused.value)


# --- examples ------------------------------------------------------------------------------------

IN = "{id: a, price: 1, currency: EUR, sold_at: '2026-01-05T00:00:00Z', lines: []}"


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ("", "no 'examples'; show at least one document"),
        (f"examples:\n  - {{in: {IN}}}\n", "examples[1] needs 'in' and one of 'out' and 'refused'"),
        (f"examples:\n  - {{in: {IN}, out: {{text: b}}}}\n", "text should be ''b'' and comes out as ''a''"),
        (f"examples:\n  - {{in: {IN}, out: {{}}}}\n", "text should be absent and comes out as ''a''"),
        (f"examples:\n  - {{in: {IN}, out: {{text: a, payer: {{city: x}}}}}}\n", "payer should be"),
        (f"examples:\n  - {{in: {IN}, refused: price}}\n", "is not refused"),
        ("examples:\n  - {in: {id: null}, out: {text: a}}\n", "is refused: map sale-to-entry: id: is missing"),
        ("examples:\n  - {in: {id: null}, refused: price}\n", "not with 'price'"),
        (f"examples:\n  - {{in: {IN}, out: {{text: a}}, entity: FR}}\n", "no entity 'FR'; there are: none"),
    ],
)
def test_an_example_that_is_not_kept_refuses_the_file(build, examples, said):
    with pytest.raises(MappingError) as refused:
        build("  - {from: id, to: text}\n", examples=examples)
    assert said in str(refused.value)
    assert not examples or "maps/1.yaml:10" in str(refused.value)


def test_an_example_of_the_canonical_model_must_be_one():
    text = (
        "map: m\nversion: 1\nsource: canonical.Party\ntarget: books.Entry\nowner: o\nsince: 2026-01-05\n"
        "fields: [{from: name, to: text}]\nexamples: [{in: {name: 5}, out: {text: a}}]\n"
    )
    schema = {"schemas/books.yaml": "system: books\nobjects: {Entry: {text: text!}}\n"}
    with pytest.raises(MappingError, match=r"'in' is no canonical\.Party"):
        load_maps({"maps/1.yaml": text}, {}, schema)


# --- between files -------------------------------------------------------------------------------

BACK = """\
map: entry-to-sale
version: 1
source: books.Entry
target: shop.Sale
partial: true
owner: finance
since: 2026-01-05
fields:
  - {from: text, to: buyer%s}
examples: [{in: {text: a}, out: {buyer: a}}]
"""


def test_a_value_that_comes_back_to_where_it_started_is_refused_unless_the_map_says_why(build):
    there = "  - {from: buyer, to: text, missing: refuse}\n"
    example = "examples: [{in: {buyer: a}, out: {text: a}}]\n"
    with pytest.raises(MappingError) as refused:
        build(there, examples=example, more=(BACK % "",))
    assert refused.value.problems == (
        "maps/1.yaml:8:5: a value comes back to where it started: shop.Sale.buyer → books.Entry.text → "
        "shop.Sale.buyer; name one master, or say in 'both_ways' of one rule why it ends",
    )
    build(there, examples=example, more=(BACK % ", both_ways: written once",))


def test_maps_that_contain_each_other_are_refused(build):
    inner = """\
map: %s
version: 1
source: shop.Node
target: books.Node
owner: o
since: 2026-01-05
fields:
  - {from: id, to: id}
  - {from: next, to: next, map: %s}
examples: [{in: {id: a}, out: {id: a}}]
"""
    schemas = {
        f"schemas/{name}.yaml": f"system: {name}\nobjects: {{Node: {{id: text!, next: {{object: Node}}}}}}\n"
        for name in ("shop", "books")
    }
    with pytest.raises(MappingError) as refused:
        load_maps({"maps/1.yaml": inner % ("a", "b"), "maps/2.yaml": inner % ("b", "a")}, {}, schemas)
    assert "maps/1.yaml:9:5: map a contains itself: a → b → a; take one of them out" in refused.value.problems


def test_an_inner_map_must_fit_and_be_given_what_it_needs(build):
    inner = """\
map: address-to-payer
version: 1
source: shop.Address
target: books.Payer
owner: o
since: 2026-01-05
given: {who: text}
fields: [{given: who, to: name}]
examples: [{given: {who: a}, in: {}, out: {name: a}}]
"""
    example = "examples: [{in: {id: a, address: {}}, given: {who: b}, out: {text: a, payer: {name: b}}}]\n"
    fields = "  - {from: id, to: text}\n  - {from: address, to: payer, map: address-to-payer}\n"
    with pytest.raises(MappingError, match="must be given who; write 'who: text' under 'given'"):
        build(fields, examples=example, more=(inner,))
    maps = build(fields, "given: {who: text}\n", example, more=(inner,))
    assert maps.compiled("sale-to-entry")({"id": "a"}, {"who": "b"}) == {"text": "a"}
    wrong = inner.replace("shop.Address", "shop.SaleLine")
    with pytest.raises(MappingError, match=r"works on shop\.SaleLine, not on shop\.Address"):
        build(fields, "given: {who: text}\n", example, more=(wrong,))


def test_all_problems_of_all_files_are_told_at_once(build):
    with pytest.raises(MappingError) as refused:
        build("  - {from: a, to: b}\n  - {from: id, to: text, by: x}\n", "since: x\n", more=("map: m\n",))
    assert len(refused.value.problems) > 6
    assert any(problem.startswith("maps/2.yaml") for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("system: x\n", "no 'objects'"),
        ("system: x\nobjects: {A: {f: txt}}\n", "A.f: no type 'txt'; did you mean 'text'?"),
        ("system: x\nobjects: {A: {f: {object: B}}}\n", "A.f: no object 'B'; there are: A"),
        ("system: x\nobjects: {A: {f: {type: text, list: A}}}\n", "needs one of 'type', 'object' and 'list'"),
        ("system: x\nobjects: {A: {f: {type: text, access: none}}}\n", "no value 'none'; there are: both, read"),
        ("system: canonical\nobjects: {A: {f: text}}\n", "give the system a name of its own"),
    ],
)
def test_a_schema_that_makes_no_sense_is_refused(schema, said):
    with pytest.raises(MappingError) as refused:
        load_maps({}, {}, {"schemas/x.yaml": schema})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ("codes: c\n", "a code list needs 'pairs'"),
        ("codes: c\npairs: {}\n", "a code list needs 'pairs'"),
        ("codes: c\npairs: {a: [b]}\n", "code a must have one code on the other side"),
        ("codes: c\npairs: {a: b, a: c}\n", "'a' is given twice"),
    ],
)
def test_a_code_list_that_makes_no_sense_is_refused(codes, said):
    with pytest.raises(MappingError) as refused:
        load_maps({}, {"codes/c.yaml": codes}, {})
    assert said in str(refused.value)


def test_a_code_of_the_source_that_its_list_lacks_is_refused(build):
    fields = "  - {from: id, to: text}\n  - {from: country, to: country, by: {code: {list: countries}}}\n"
    build(fields)
    short = {"codes/countries.yaml": "codes: countries\npairs: {Germany: DE}\n"}
    with pytest.raises(MappingError, match="code 'France' is missing in code list countries; add it there"):
        build(fields, codes=short)
    other = {"codes/countries.yaml": "codes: countries\npairs: {Germany: DE, France: FX}\n"}
    with pytest.raises(MappingError, match="country does not know 'FX'; did you mean 'FR'"):
        build(fields, codes=other)


def test_two_of_one_name_are_refused(build):
    fields = "  - {from: id, to: text}\n"
    with pytest.raises(MappingError, match=r"there is a map 'entry-to-sale' already, in maps/2\.yaml"):
        build(fields, more=(BACK % "", BACK % ""))


def test_a_folder_is_read_whole(tmp_path):
    for part, name, text in (
        ("maps", "m.yaml", BACK % ""),
        ("schemas", "s.yaml", "system: shop\nobjects: {Sale: {buyer: text}}\n"),
        ("schemas", "b.yaml", "system: books\nobjects: {Entry: {text: text!}}\n"),
    ):
        (tmp_path / part).mkdir(exist_ok=True)
        (tmp_path / part / name).write_text(text, encoding="utf-8")
    assert list(load_folder(tmp_path).specs) == ["entry-to-sale"]
    (tmp_path / "maps" / "latin.yaml").write_bytes("map: ü".encode("latin-1"))
    with pytest.raises(MappingError, match="not UTF-8"):
        load_folder(tmp_path)


# --- any damage at all ---------------------------------------------------------------------------

RATES = "rates: ECB\nholds_days: 4\npairs: {USD/EUR: {2026-01-05: 0.9234, 2026-01-06: 0.9201}}\n"
SHIPPED = shipped_files()
TEXTS = {"maps": SHIPPED.maps, "codes": SHIPPED.codes, "schemas": SHIPPED.schemas, "rates": {"rates/ecb.yaml": RATES}}


@settings(max_examples=40)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_never_anything_else(data):
    part = data.draw(st.sampled_from(sorted(TEXTS)))
    name = data.draw(st.sampled_from(sorted(TEXTS[part])))
    text = TEXTS[part][name]
    start = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 30))
    put = data.draw(
        st.sampled_from(["", "x", "- ", ": ", "{", "]", "null", "1.5", "[]", "\n", "  ", "*a", "!!x ", "'"])
    )
    damaged = {each: dict(found) for each, found in TEXTS.items()}
    damaged[part][name] = text[:start] + put + text[start + cut :]
    try:
        load_maps(damaged["maps"], damaged["codes"], damaged["schemas"], damaged["rates"])
    except MappingError as refused:
        assert refused.problems
        assert all(re.match(r"[\w/]+\.yaml:\d+(:\d+)?: .", problem) for problem in refused.problems), refused.problems
