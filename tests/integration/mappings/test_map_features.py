"""What a map file can say: defaults, constants, look-ups, entities, foreign currency, intercompany, versions."""

from decimal import Decimal

import pytest
from tests.integration.mappings.conftest import SCHEMAS

from o2c_twin.integration.mappings import MappingError, NotMapped

SALE = {"id": "S-1", "price": "100.00", "currency": "USD", "sold_at": "2026-01-05T10:00:00Z", "lines": []}
TEXT = "  - {from: id, to: text}\n"


def made(maps, change=None, given=None, entity=""):
    return maps.compiled("sale-to-entry", entity)(SALE | (change or {}), given or {})


def test_the_first_source_that_has_a_value_is_taken(build):
    maps = build("  - {from: [buyer, id], to: text}\n")
    assert made(maps) == made(maps, {"buyer": ""}) == made(maps, {"buyer": None}) == {"text": "S-1"}
    assert made(maps, {"buyer": "B"}) == {"text": "B"}


def test_a_missing_value_is_left_out_emptied_defaulted_or_refused_as_the_rule_says(build):
    maps = build(
        TEXT
        + "  - {from: buyer, to: price_list}\n"
        + "  - {from: buyer_group, to: tax_code, missing: 'null'}\n"
        + "  - {from: quantity, to: quantity, by: whole, default: 1}\n",
        examples="examples: [{in: {id: a}, out: {text: a, tax_code: null, quantity: 1}}]\n",
    )
    assert made(maps) == {"text": "S-1", "tax_code": None, "quantity": 1}
    assert made(maps, {"buyer": "b", "quantity": "2.0"})["quantity"] == 2
    maps = build("  - {from: buyer, to: text, missing: refuse}\n", examples="examples: [{in: {}, refused: buyer}]\n")
    with pytest.raises(NotMapped, match="map sale-to-entry: buyer: is missing"):
        made(maps)


def test_constants_texts_around_a_value_and_a_chain_of_transformations(build):
    maps = build(
        "  - {from: id, to: text, by: [trim, {cut: {length: 3}}, {pattern: {pattern: 'Sale {}!'}}]}\n"
        "  - {value: true, to: paid}\n"
        "  - {from: sold_at, to: booked_on, by: [instant, day]}\n",
        examples="examples: [{in: {id: a, sold_at: '2026-01-05T00:00:00Z'},"
        " out: {text: 'Sale a!', paid: true, booked_on: 2026-01-05}}]\n",
    )
    assert made(maps, {"id": "  ABCDE "}) == {"text": "Sale ABC!", "paid": True, "booked_on": "2026-01-05"}


def test_a_day_is_the_day_in_utc(build):
    maps = build(
        TEXT + "  - {from: sold_at, to: booked_on, by: [instant, day]}\n",
        examples="examples: [{in: {id: a, sold_at: '2026-01-05T23:30:00-05:00'},"
        " out: {text: a, booked_on: 2026-01-06}}]\n",
    )
    assert made(maps, {"sold_at": "2026-12-31T23:59:59-00:01"})["booked_on"] == "2027-01-01"


def test_a_code_that_is_not_in_the_list_is_what_the_rule_says_of_the_others(build):
    maps = build(
        TEXT + "  - {from: buyer, to: country, by: {code: {list: countries, otherwise: FR}}}\n",
        examples="examples: [{in: {id: a, buyer: Peru}, out: {text: a, country: FR}}]\n",
    )
    assert [made(maps, {"buyer": each})["country"] for each in ("Germany", "Peru", "")] == ["DE", "FR", "FR"]
    assert "country" not in made(maps)


def test_seconds_since_1970_are_an_instant_and_its_day(build):
    schemas = {name: text.replace("    paid: flag\n    secret", "    paid: flag\n    made: whole\n    secret")
               for name, text in SCHEMAS.items()}  # fmt: skip
    maps = build(
        TEXT + "  - {from: made, to: booked_on, by: [seconds, day]}\n",
        examples="examples: [{in: {id: a, made: 0}, out: {text: a, booked_on: 1970-01-01}}]\n",
        schemas=schemas,
    )
    days = [made(maps, {"made": each})["booked_on"] for each in (-1, 86_399, 86_400)]
    assert days == ["1969-12-31", "1970-01-01", "1970-01-02"]


def test_a_code_is_translated_there_and_back(build):
    maps = build(TEXT + "  - {from: country, to: country, by: {code: {list: countries}}, invertible: true}\n")
    ready = maps.compiled("sale-to-entry")
    entry = ready(SALE | {"country": "France"})
    assert entry == {"text": "S-1", "country": "FR"}
    assert ready.inverse(entry) == {"country": "France"}
    with pytest.raises(NotMapped, match="country: 'Italy' is not in code list countries; add it there"):
        ready(SALE | {"country": "Italy"})
    with pytest.raises(NotMapped, match="'IT' is not in code list countries"):
        ready.inverse(entry | {"country": "IT"})


def test_numbers_and_words_of_yaml_are_codes_as_they_are_written(build):
    codes = {"codes/c.yaml": "codes: c\npairs: {010: NO, 1.10: on, '': empty}\n"}
    maps = build(
        "  - {from: id, to: text, by: {code: {list: c}}}\n",
        examples="examples: [{in: {id: '010'}, out: {text: 'NO'}}, {in: {id: '1.10'}, out: {text: 'on'}}]\n",
        codes=codes,
    )
    assert maps.codes["c"].pairs == {"010": "NO", "1.10": "on", "": "empty"}


def test_an_entity_has_its_own_price_list_tax_and_numbering(build):
    maps = build(
        TEXT + "  - {value: standard, to: price_list}\n",
        "entities:\n"
        "  DE01:\n    note: Prices of the German list; its own number range.\n    fields:\n"
        "      - {value: DE-2026, to: price_list}\n      - {value: VAT19, to: tax_code}\n"
        "      - {from: id, to: document_number, by: {pattern: {pattern: 'DE01-{}'}}}\n"
        "  FR01:\n    fields: [{value: TVA20, to: tax_code}]\n",
        "examples:\n"
        "  - {in: {id: a}, out: {text: a, price_list: standard}}\n"
        "  - {entity: FR01, in: {id: a}, out: {text: a, price_list: standard, tax_code: TVA20}}\n",
    )
    assert made(maps) == {"text": "S-1", "price_list": "standard"}
    assert made(maps, entity="DE01") == {
        "text": "S-1", "price_list": "DE-2026", "tax_code": "VAT19", "document_number": "DE01-S-1",
    }  # fmt: skip
    assert made(maps, entity="FR01") == {"text": "S-1", "price_list": "standard", "tax_code": "TVA20"}


def test_where_each_deal_brings_its_entity_the_rules_for_that_come_between_the_general_ones_and_its_own(build):
    maps = build(
        TEXT + "  - {value: standard, to: price_list}\n",
        "entities:\n"
        "  '*':\n    fields: [{value: group, to: price_list}, {value: NONE, to: tax_code}]\n"
        "  FR01:\n    fields: [{value: TVA20, to: tax_code}]\n",
        "examples:\n"
        "  - {in: {id: a}, out: {text: a, price_list: standard}}\n"
        "  - {entity: '*', in: {id: a}, out: {text: a, price_list: group, tax_code: NONE}}\n",
    )
    given = {"text": "S-1", "price_list": "group"}
    for entity, tax_code in (("*", "NONE"), ("*FR01", "TVA20"), ("*UK01", "NONE")):
        assert maps.of_entity("sale-to-entry", entity)(SALE, {}) == given | {"tax_code": tax_code}
    assert made(maps, entity="FR01") == {"text": "S-1", "price_list": "standard", "tax_code": "TVA20"}
    assert maps.entities == ("FR01",)


def test_rules_of_one_entity_and_of_each_that_write_the_same_field_twice_are_refused(build):
    with pytest.raises(MappingError, match=r"payer and payer\.name write the same field|payer\.name and payer write"):
        build(
            TEXT,
            "entities:\n"
            "  '*':\n    fields: [{from: id, to: payer.name}]\n"
            "  FR01:\n    fields: [{from: id, to: payer}]\n",
        )


FX = """\
given: {rates: rates}
currency: {from: currency}
fx: {source: ECB, date: sold_at, target: EUR, rounding: half-even, note: Reference rates.}
"""
FX_FIELDS = (
    TEXT
    + "  - {from: price, to: amount, by: to-minor}\n"
    + "  - {from: price, to: group_amount, by: [to-minor, convert]}\n"
)
FX_EXAMPLE = """\
examples:
  - given: {rates: {USD/EUR 2026-01-05: 0.8005}}
    in: {id: a, price: 1.00, currency: USD, sold_at: '2026-01-05T23:00:00Z'}
    out: {text: a, amount: 100, group_amount: 80}
"""


def test_an_amount_is_converted_by_the_rule_of_the_map(build):
    maps = build(FX_FIELDS, FX, FX_EXAMPLE)
    asked = []

    def rates(source, date, base, target):
        asked.append((source, date, base, target))
        return Decimal("0.92345") if date == "2026-01-05" else None

    assert made(maps, given={"rates": rates}) == {"text": "S-1", "amount": 10000, "group_amount": 9234}
    assert asked == [("ECB", "2026-01-05", "USD", "EUR")]
    own = made(maps, {"currency": "EUR"}, {"rates": rates})
    assert own["group_amount"] == own["amount"] == 10000
    assert len(asked) == 1
    with pytest.raises(NotMapped, match="ECB has no rate USD to EUR on 2026-01-06; load the rates of that day"):
        made(maps, {"sold_at": "2026-01-06T00:00:00Z"}, {"rates": rates})
    with pytest.raises(NotMapped, match="a float is not exact"):
        made(maps, given={"rates": lambda *_: 0.92})
    with pytest.raises(NotMapped, match="sold_at: is missing, and the day of the rate"):
        made(maps, {"sold_at": None}, {"rates": rates})


def test_between_companies_of_the_group_a_document_is_marked(build):
    maps = build(TEXT, "intercompany: {from: buyer_group, among: [G1, G2]}\n")
    ready = maps.compiled("sale-to-entry")
    assert [ready.intercompany(SALE | {"buyer_group": each}) for each in ("G1", "G2", "X", None)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not build(TEXT).compiled("sale-to-entry").intercompany(SALE)


def test_whether_a_value_is_one_of_several_can_be_a_field(build):
    maps = build(
        TEXT + "  - {from: buyer, to: paid, by: {among: {values: [cash, card]}}}\n",
        examples="examples: [{in: {id: a, buyer: cash}, out: {text: a, paid: true}}]\n",
    )
    assert made(maps, {"buyer": "invoice"})["paid"] is False


def test_a_code_the_target_does_not_know_is_refused_at_the_latest_when_it_comes(build):
    maps = build(
        TEXT + "  - {from: buyer, to: country}\n",
        examples="examples: [{in: {id: a, buyer: DE}, out: {text: a, country: DE}}]\n",
    )
    with pytest.raises(NotMapped, match="buyer: 'IT' is none of DE, FR; map it through a code list"):
        made(maps, {"buyer": "IT"})


def test_a_chain_is_undone_from_its_end(build):
    chain = "[whole, {pattern: {pattern: 'L{}', of: whole}}, {pattern: {pattern: '({})'}}]"
    maps = build(
        TEXT + f"  - {{from: quantity, to: price_list, by: {chain}, invertible: true}}\n",
        examples="examples: [{in: {id: a, quantity: 7.0}, out: {text: a, price_list: (L7)}}]\n",
    )
    ready = maps.compiled("sale-to-entry")
    assert ready.inverse({"price_list": "(L12)"}) == {"quantity": 12}
    for wrong in ("12", "(L1.5)", "(L)", "(M12)", "L12", "("):
        with pytest.raises(NotMapped, match="price_list"):
            ready.inverse({"price_list": wrong})


def test_the_way_back_needs_a_field_that_is_declared_invertible(build):
    with pytest.raises(NotMapped, match="no field is declared invertible"):
        build(TEXT).compiled("sale-to-entry").inverse({})


def test_a_lists_items_are_refused_with_their_own_field(build):
    maps = build(
        TEXT
        + "  - each: lines\n    to: lines\n    fields:\n"
        + "      - {from: sku, to: item}\n      - {from: price, to: amount, by: to-minor}\n",
        "currency: {from: currency}\n",
        "examples: [{in: {id: a, currency: JPY, lines: [{sku: s, price: 5}]},"
        " out: {text: a, lines: [{item: s, amount: 5}]}}]\n",
    )
    line = {"sku": "x", "price": "1.50"}
    assert made(maps, {"lines": [line]})["lines"] == [{"item": "x", "amount": 150}]
    with pytest.raises(NotMapped) as refused:
        made(maps, {"lines": [line, line | {"price": "1.505"}]})
    assert refused.value.field == "price"
    with pytest.raises(NotMapped, match="lines: is a str, not a list"):
        made(maps, {"lines": "x"})


# --- versions ------------------------------------------------------------------------------------


def test_the_hash_of_a_map_is_what_it_does_and_not_how_it_is_told(build):
    head = "currency: {from: currency}\n"
    amount = "  - {from: price, to: amount, by: to-minor}\n"
    country = "  - {from: country, to: country, by: {code: {list: countries}}}\n"
    example = "examples: [{in: {id: a, price: 1, currency: EUR, country: France}, out: %s}]\n"
    plain = example % "{text: a, amount: 100, country: FR}"

    def hashed(fields, codes=None, examples=plain, top=head):
        more = {} if codes is None else {"codes": codes}
        return build(fields, top, examples, **more).content_hash("sale-to-entry")

    base = hashed(TEXT + amount + country)
    assert len(base) == 16
    assert base == hashed(TEXT + "  # told otherwise\n" + amount + country)
    assert base == hashed(TEXT.replace("}", ", note: the number}") + amount + country)
    rounded = amount.replace("to-minor", "{to-minor: {rounding: half-up}}")
    defaulted = country.replace("}}}", "}}, default: DE}")
    fixed = head.replace("{from: currency}", "EUR")
    changed = {
        hashed(TEXT + rounded + country),
        hashed(TEXT + amount + defaulted),
        hashed(TEXT + amount + country, top=fixed),
    }
    assert len(changed | {base}) == 4
    same_codes = {"codes/c.yaml": "codes: countries\ntitle: other words\npairs: {Germany: DE, France: FR}\n"}
    more_codes = {"codes/c.yaml": "codes: countries\npairs: {Germany: DE, France: FR, Gallia: X}\n"}
    assert base == hashed(TEXT + amount + country, same_codes)
    with_more = TEXT + amount + country.replace("to: country", "to: price_list")
    priced = example % "{text: a, amount: 100, price_list: FR}"
    assert hashed(with_more, same_codes, priced) != hashed(with_more, more_codes, priced)


def test_a_map_that_changed_needs_a_new_version(build):
    text = "  - {from: id, to: text%s}\n"
    released, told, changed = build(text % ""), build(text % ", note: n"), build(text % ", by: trim")
    assert told.unversioned(released) == released.unversioned(released) == ()
    assert changed.unversioned(released) == ("sale-to-entry",)
    raised = build(text % ", by: trim", version=2)
    assert raised.unversioned(released) == ()
