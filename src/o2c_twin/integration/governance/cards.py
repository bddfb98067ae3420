"""Card numbers in free text: found, and masked or refused before anything is stored.

PCI DSS 4.0 requirement 3.4: shown are at most the first six and the last four digits; here, the last four.
"""

import re
from collections.abc import Iterator
from unicodedata import decimal

from o2c_twin.integration.governance.errors import CardNumber

# Issuers' ranges with their lengths (ISO/IEC 7812 prefixes as the schemes publish them). A check digit alone
# would take every tenth order number for a card.
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"  # Visa: 13, 16, 19
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard: 16
    r"|3[47]\d{13}"  # American Express: 15
    r"|3(?:0[0-5]|09|[689]\d)\d{11}(?:\d{2}){0,1}"  # Diners: 14, 16
    r"|(?:6011|65\d{2}|64[4-9]\d)\d{12}(?:\d{3})?"  # Discover: 16, 19
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB: 16
    r"|62\d{14,17}"  # UnionPay: 16 to 19
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro: 12 to 19
)
_GAP = r"[ \u00a0\u2007\u200b\u202f.\-\u2010-\u2015/_]{0,3}"
_RUN = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{11,}}(?!\d)")
_GROUP = re.compile(r"\d+")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}")


def masked(text: str) -> str:
    """The text with every card number as ``**** 1234``."""
    found = list(_cards(text))
    for start, end, number in reversed(found):
        text = f"{text[:start]}**** {number[-4:]}{text[end:]}"
    return text


def refuse_cards(text: str, place: str) -> str:
    """The text itself. Raises `CardNumber`, which names the place and the last four digits, when it holds one."""
    for _, _, number in _cards(text):
        remedy = "take it out, and never send card numbers here"
        raise CardNumber(f"{place} holds a card number ending in {number[-4:]}; {remedy}")
    return text


def _cards(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and digits of each card number, from left to right."""
    text = _plain_digits(text)
    accounts = list(ibans(text))
    for run in _RUN.finditer(text):
        if any(start < run.end() and run.start() < end for start, end in accounts):
            continue
        groups = [(each.start() + run.start(), each.group()) for each in _GROUP.finditer(run.group())]
        first = 0
        while first < len(groups):
            last = _card_from(groups, first)
            if last is None:
                first += 1
                continue
            digits = "".join(group for _, group in groups[first : last + 1])
            yield groups[first][0], groups[last][0] + len(groups[last][1]), digits
            first = last + 1


def _card_from(groups: list[tuple[int, str]], first: int) -> int | None:
    """The last group of the longest card number that begins with a group; a date or a code may follow it."""
    found, digits = None, ""
    for last in range(first, len(groups)):
        digits += groups[last][1]
        if len(digits) > 19:
            break
        if len(digits) >= 12 and _ISSUERS.fullmatch(digits) and luhn(digits):
            found = last
    return found


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2:
            value *= 2
            value -= 9 * (value > 9)
        total += value
    return total % 10 == 0


def _plain_digits(text: str) -> str:
    """The text with the digits of other scripts as ours, each in its place."""
    if text.isascii():
        return text
    return "".join(str(decimal(c)) if not c.isascii() and c.isdecimal() else c for c in text)


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each IBAN in a text; what follows it may look like its continuation."""
    at = 0
    while (found := _IBAN.search(text, at)) is not None:
        start, at = found.start(), found.start() + 2
        for end in range(found.end(), start + 14, -1):
            followed = end < len(text) and text[end].isalnum()
            if not followed and text[end - 1] != " " and is_iban(text[start:end]):
                yield start, end
                at = end
                break


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN by its check digits (ISO 13616: remainder 1 by 97)."""
    plain = text.replace(" ", "").upper()
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
