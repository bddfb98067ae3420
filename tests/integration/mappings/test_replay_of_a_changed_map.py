"""Before a changed map is released, past documents show what it would have done."""

from decimal import Decimal

from o2c_twin.integration.mappings import Document, replay
from o2c_twin.integration.mappings.replay import FieldChange, Money
from o2c_twin.integration.model import Deal, DealLine, Party

HEAD = "currency: {from: currency}\nworth: {amount: amount}\n"
TEXT = "  - {from: id, to: text}\n"
EXAMPLE = "examples: [{in: {id: a, price: 1, currency: EUR}, out: %s}]\n"


def sale_map(build, fields, out="{text: a, amount: 100}"):
    return build(TEXT + fields, HEAD, EXAMPLE % out).compiled("sale-to-entry")


def sale(key, price, currency="EUR", **more):
    return Document(key, {"id": key, "price": price, "currency": currency, **more})


def test_a_changed_rounding_rule_is_seen_in_documents_fields_and_money(build):
    old = sale_map(build, "  - {from: price, to: amount, by: {to-minor: {rounding: half-up}}}\n")
    new = sale_map(build, "  - {from: price, to: amount, by: {to-minor: {rounding: down}}}\n")
    past = [sale("a", "1.005"), sale("b", "2.00"), sale("c", "-1.005"), sale("d", "10.5", "JPY"), sale("e", "x")]
    found = replay(old, new, past)
    assert found.documents == 5
    assert [change.key for change in found.changes] == ["a", "c", "d"]
    assert found.changes[0].fields == (FieldChange("amount", 101, 100),)
    assert found.fields == {"amount": 3}
    # In euro two changes cancel out: the sums agree, and yet two cents moved.
    assert found.money == {"EUR": Money(200, 200, 2), "JPY": Money(11, 10, 1)}
    assert list(found.lines()) == [
        "3 of 5 documents change; 0 newly refused, 0 no longer",
        "amount: in 3 documents",
        "EUR: 200 before, 200 after, 2 moved (minor units)",
        "JPY: 11 before, 10 after, 1 moved (minor units)",
    ]


def test_documents_that_are_newly_refused_or_no_longer_are_told_apart(build):
    old = sale_map(build, "  - {from: price, to: amount, by: to-minor}\n")
    new = sale_map(build, "  - {from: price, to: amount, by: {to-minor: {rounding: down}}}\n")
    past = [sale("fine", "1.00"), sale("freed", "1.001")]
    (change,) = replay(old, new, past).changes
    assert (change.key, change.refused_new, change.new_worth) == ("freed", "", 100)
    assert "more decimals than the currency" in change.refused_old
    (change,) = replay(new, old, past).changes
    assert (change.refused_old, change.old_worth) == ("", 100)
    assert "more decimals" in change.refused_new
    assert next(replay(new, old, past).lines()) == "1 of 2 documents change; 1 newly refused, 0 no longer"
    assert replay(new, old, past).money == {"EUR": Money(100, 100, 0)}


def test_a_map_replayed_against_itself_changes_nothing(maps):
    order = maps.compiled("deal-to-sales-order")
    assert replay(order, order, deals()).changes == ()


def deals():
    given = {"customer": "77", "items": {"P-1": "501", "P-2": "502"}}
    for n in (1, 2):
        lines = tuple(DealLine(f"P-{each}", 3, 1999) for each in range(1, n + 1))
        yield Document(f"D-{n}", Deal(str(n), f"D-{n}", None, Party("1", "A"), lines, "EUR", 0), given)


def test_an_orders_worth_is_the_sum_of_its_lines(maps):
    order = maps.compiled("deal-to-sales-order")
    found = replay(order, lambda_of(order), deals())
    assert found.fields == {"item.items.rate": 2}
    assert found.money == {"EUR": Money(5997 * 3, 6000 * 3, 9)}
    assert found.changes[1].fields == (
        FieldChange("item.items[0].rate", Decimal("19.99"), Decimal("20.00")),
        FieldChange("item.items[1].rate", Decimal("19.99"), Decimal("20.00")),
    )


def lambda_of(order):
    """The same map, but prices are rounded to whole euros."""

    class Rounded:
        spec, worth_in_minor, written_currency = order.spec, order.worth_in_minor, order.written_currency

        def __call__(self, document, given):
            made = order(document, given)
            for line in made["item"]["items"]:
                line["rate"] = line["rate"].quantize(Decimal(1)).quantize(Decimal("0.01"))
            return made

    return Rounded()


def test_a_list_that_grows_and_a_field_that_goes_are_seen(build):
    old = sale_map(build, "  - {from: price, to: amount, by: to-minor}\n  - {from: buyer, to: price_list}\n")
    new = sale_map(build, "  - {from: price, to: amount, by: to-minor}\n  - {value: x, to: tax_code}\n", EXTRA)
    (change,) = replay(old, new, [sale("a", "1", buyer="b")]).changes
    assert change.fields == (FieldChange("price_list", "b", None), FieldChange("tax_code", None, "x"))
    assert (change.old_worth, change.new_worth) == (100, 100)


EXTRA = "{text: a, amount: 100, tax_code: x}"
