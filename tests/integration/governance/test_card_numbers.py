"""No card number is stored: it is masked or refused, and an order number is left alone."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.governance.cards import is_iban, luhn, masked, refuse_cards
from o2c_twin.integration.governance.errors import CardNumber

# The card schemes' published test numbers.
CARDS = (
    "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005", "30569309025904",
    "6011111111111117", "3530111333300000", "6200000000000005", "6304000000000000",
)  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("joint", ["", " ", "-", ".", "\u00a0", " - ", "\u2013", "\u200b"])
def test_a_card_number_is_masked_however_it_is_written(card, joint):
    written = joint.join(card[n : n + 4] for n in range(0, len(card), 4))
    assert masked(f"pay with {written}, thanks") == f"pay with **** {card[-4:]}, thanks"
    assert masked(f"Karte{written}!") == f"Karte**** {card[-4:]}!"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("4111 1111 1111 1111 12/27 123", "**** 1111 12/27 123"),
        ("ref 4711 4111 1111 1111 1111", "ref 4711 **** 1111"),
        ("4111111111111111 and 5555-5555-5555-4444", "**** 1111 and **** 4444"),
        (
            "\u0664\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661",
            "**** 1111",
        ),
        ("0000 " * 20 + "4111 1111 1111 1111", "0000 " * 20 + "**** 1111"),
    ],
)
def test_what_stands_around_a_card_number_stays(text, left):
    assert masked(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "", "INV-2026-000123, INV-2026-000124", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00 thanks",
        "4111111111111112", "41111111111111111111", "+49 30 901820 4711", "2026-01-05T10:20:30.123456",
        "1234567890123456", "411111111111", "DE95 4111 1111 1111 1111 00", "GB82 WEST 1234 5698 7654 32",
    ],
)  # fmt: skip
def test_what_is_no_card_number_is_left_alone(text):
    assert masked(text) == text
    assert refuse_cards(text, "remittance") == text


def test_a_card_number_is_refused_with_its_place_and_without_the_number():
    with pytest.raises(CardNumber, match=r"case\.reason holds a card number ending in 1111; take it out") as refused:
        refuse_cards("take 4111 1111 1111 1111", "case.reason")
    assert "411111" not in str(refused.value)


@given(st.text("0123456789 -/.A", max_size=60))
def test_what_was_masked_once_is_clean(text):
    clean = masked(text)
    assert masked(clean) == clean
    assert refuse_cards(clean, "x") == clean


def test_few_numbers_of_sixteen_digits_are_taken_for_cards():
    rng = Random(1)
    numbers = [f"{rng.randrange(10**16):016}" for _ in range(5_000)]
    wrong = sum(masked(number) != number for number in numbers) / len(numbers)
    with_check_digit = sum(luhn(number) for number in numbers) / len(numbers)
    assert wrong < 0.03
    assert with_check_digit > 0.09


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("DE89370400440532013000", True),
        ("de89 3704 0044 0532 0130 00", True),
        ("DE88370400440532013000", False),
        ("DE89", False),
    ],
)
def test_an_iban_is_known_by_its_check_digits(text, good):
    assert is_iban(text) is good
