"""Record ids: 15 letters and digits, and the 18-character form that is safe where case is lost."""

from hashlib import blake2b
from typing import Final

from o2c_twin.mock_systems.wire.query.soql_plan import full_id

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

PREFIXES: Final = {
    "account": "001",
    "contact": "003",
    "opportunity": "006",
    "line": "00k",
    "product": "01t",
    "price": "01u",
    "book": "01s",
    "user": "005",
    "organization": "00D",
    "job": "750",
    "cursor": "01g",
    "action": "04k",
    "notification": "04l",
}
"""Key prefixes by kind of record. Source: Salesforce Help 000385203, "Standard Field Record ID Prefix Decoder"."""


class Ids:
    """Spells the ids of one org: prefix, the org's instance code, a number in base 62."""

    def __init__(self, seed: int) -> None:
        digest = blake2b(b"salesforce instance %d" % seed, digest_size=2).digest()
        self._instance = _DIGITS[digest[0] % 10] + _DIGITS[36 + digest[1] % 26]

    def spell(self, kind: str, number: int) -> str:
        """The 18-character id of the ``number``-th record of a kind; ids grow with the number."""
        return full_id(f"{PREFIXES[kind]}{self._instance}{_base62(number):0>10}")


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text


def canonical(text: object) -> str | None:
    """The 18-character form of an id in either form; None for what is no id at all."""
    if not isinstance(text, str) or not (text.isascii() and text.isalnum()):
        return None
    if len(text) == 18:
        # The last three characters only restate the case of the first fifteen.
        return text if full_id(text[:15]) == text else None
    return full_id(text) if len(text) == 15 else None
