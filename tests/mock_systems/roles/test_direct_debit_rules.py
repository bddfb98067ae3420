"""The direct debit provider's small rules: fees, references, IBANs, months."""

from datetime import date

import pytest

from o2c_twin.mock_systems.roles.direct_debit import SCHEMES, Terms, iban
from o2c_twin.mock_systems.roles.direct_debit.rules import check_reference
from o2c_twin.mock_systems.roles.direct_debit.schemes import iban_holds, months_after
from o2c_twin.mock_systems.roles.records import RuleError


@pytest.mark.parametrize(
    ("amount", "tenths"), [(100, 210), (10_000, 1_200), (4_567, 657), (1_000_000, 4_000), (1, 200)]
)
def test_fees_are_a_share_and_a_fixed_sum_capped_to_a_tenth_of_a_penny(amount, tenths):
    assert Terms().fee(amount) == tenths


@pytest.mark.parametrize("text", ["ACME-12345678", "REF123", "A1B2C3 D/E&F.G"])
def test_bacs_takes_these_references(text):
    check_reference(SCHEMES["bacs"], text)


@pytest.mark.parametrize(
    "text", ["", "AB1", "DDIC123456", "AAAAAA", "-ABC123", "ABC1234 ", "abc1234", "A" * 10 + "1234567890"]
)
def test_bacs_refuses_these_references(text):
    with pytest.raises(RuleError) as caught:
        check_reference(SCHEMES["bacs"], text)
    assert caught.value.field == "reference"


def test_ibans_hold_by_their_check_digits():
    assert iban("DE", "370400440532013000") == "DE89370400440532013000"
    assert iban_holds("GB60BARC20000055779911")
    assert not iban_holds("GB61BARC20000055779911")
    assert not iban_holds("GB60")
    assert not iban_holds("é" * 20)


@pytest.mark.parametrize(
    ("day", "months", "later"), [("2026-01-31", 1, "2026-02-28"), ("2026-12-02", 13, "2028-01-02")]
)
def test_months_end_where_the_month_does(day, months, later):
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(later)
