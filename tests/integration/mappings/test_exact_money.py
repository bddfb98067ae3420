"""Money passes a map to the last digit, or not at all."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.mappings.money import Rounder, digits, number, whole

currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
minors = st.integers(-(10**30), 10**30)


@given(minors, currencies)
def test_minor_units_come_back_through_their_decimal(minor, currency):
    exact = Rounder()
    amount = exact.to_decimal(minor, currency)
    assert -amount.as_tuple().exponent == digits(currency)
    assert exact.to_minor(amount, currency) == exact.to_minor(str(amount), currency) == minor


@given(st.decimals(-(10**12), 10**12, places=6), currencies)
def test_rounding_is_the_rule_that_was_named(amount, currency):
    unit = Decimal(1).scaleb(-digits(currency))
    wanted = amount.quantize(unit, ROUND_HALF_UP)
    assert Rounder("half-up").to_minor(amount, currency) * unit == wanted
    assert abs(Rounder("half-even").to_minor(amount, currency) * unit - amount) <= unit / 2
    assert abs(Rounder("down").to_minor(amount, currency) * unit) <= abs(amount)


@pytest.mark.parametrize(
    ("rule", "amount", "minor"),
    [
        ("half-up", "0.125", 13), ("half-even", "0.125", 12), ("down", "0.129", 12),
        ("half-up", "-0.125", -13), ("half-even", "-0.135", -14), ("down", "-0.129", -12),
    ],
)  # fmt: skip
def test_halves_are_rounded_as_named(rule, amount, minor):
    assert Rounder(rule).to_minor(amount, "EUR") == minor


def test_an_amount_finer_than_its_currency_is_refused_unless_a_rule_is_named():
    for amount, currency in (("0.001", "EUR"), ("0.1", "JPY"), ("0.0001", "KWD")):
        with pytest.raises(ValueError, match="more decimals than the currency; mend the amount, or name a rounding"):
            Rounder().to_minor(amount, currency)


@pytest.mark.parametrize("amount", ["1e70", "1" * 70, "1" * 61 + ".5"])
@pytest.mark.parametrize("rule", ["exact", "half-up"])
def test_no_digit_is_lost_in_silence(rule, amount):
    with pytest.raises(ValueError, match="too many digits to be an amount"):
        Rounder(rule).to_minor(amount, "EUR")


def test_the_smallest_amount_is_not_nothing_unless_a_rule_rounds_it():
    assert Rounder("half-up").to_minor("1e-9999", "EUR") == 0
    with pytest.raises(ValueError, match="more decimals than the currency"):
        Rounder().to_minor("1e-9999", "EUR")


@pytest.mark.parametrize("value", [0.1, 1.0, float("nan")])
def test_a_float_is_never_money(value):
    with pytest.raises(ValueError, match="a float is not exact"):
        number(value)
    with pytest.raises(ValueError, match="a float is not exact"):
        Rounder("half-up").to_minor(value, "EUR")


@pytest.mark.parametrize("value", [True, None, [], "", "ten", "inf", "sNaN"])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="is no number"):
        number(value)


@pytest.mark.parametrize("value", ["1.5", "1e-1", "1e99999999"])
def test_a_fraction_is_no_whole_number(value):
    with pytest.raises(ValueError, match="is not a whole number"):
        whole(value)


@pytest.mark.parametrize("minor", [1.0, "1", None, True])
def test_only_whole_minor_units_become_a_decimal(minor):
    with pytest.raises(ValueError, match="no whole number of minor units"):
        Rounder().to_decimal(minor, "EUR")


@given(minors, st.decimals("0.0001", 10_000, places=6), currencies, currencies)
def test_a_conversion_is_rounded_once(minor, rate, source, target):
    made = Rounder("half-up").converted(minor, source, rate, target)
    unit = Decimal(1).scaleb(-digits(target))
    with localcontext(prec=80):
        assert abs(made * unit - Decimal(minor).scaleb(-digits(source)) * rate) <= unit / 2
