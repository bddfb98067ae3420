"""Which open items a remittance text may mean, however the payer or a bank mangled the references.

Three grades of reading. INTACT: prefix and digits as in the ledger, give or take punctuation, case and
leading zeros. BARE: the digits alone, in full. DAMAGED: only after one repair: letters read as digits,
two neighbouring digits swapped, a number wrapped over a line or cut at an end of the text. Shorthand
(``123456,58,61``, ``123456-60``) reads as the number it abbreviates. A reading is a possibility, never
a proof: the ladder accepts BARE and DAMAGED ones only when the amounts agree.
Source: the mangling practice of payment channels (cuts at 16, 18, 35 or 140, wraps at 27, 35 or 70).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from o2c_twin.integration.model import OpenItem

_SPELLED = re.compile(r"INV[-\s]?(\d+)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Z0-9]+")
_NUMBER = re.compile(r"([A-Z]*)0*(\d+)")
_LOOKS_LIKE = str.maketrans("OISB", "0158")
# Fewer digits than this are a date, a time or a count as easily as a reference.
_FEWEST_DIGITS = 3
_FEWEST_LEFT_BY_A_CUT = 3
# Across all customers, fewer digits than this fit something too often; and a text asks for no more than so many.
_FEWEST_ALONE = 4
_MOST_ALONE = 30
_LONGEST_RANGE = 20
_LONGEST_PREFIX = 4
# A text that goes on for longer is no list of references; this bounds the cost.
_MOST_TOKENS = 400


class Grade(IntEnum):
    """How a reference was read; the smaller the better."""

    INTACT = 0
    BARE = 1
    DAMAGED = 2


@dataclass(frozen=True, slots=True)
class Mention:
    """One place of the text and the items it may mean: one of them, or, where DAMAGED, perhaps none."""

    grade: Grade
    items: tuple[OpenItem, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    before: str  # the token before
    gap: str  # what stands between the two
    first: bool
    last: bool


def references(remittance: str) -> list[str]:
    """The invoice numbers a text spells out with their prefix, as the ledger writes them."""
    return list(dict.fromkeys(f"INV{digits}" for digits in _SPELLED.findall(remittance)))


def possible_references(remittance: str) -> list[str]:
    """The invoice numbers a text may mean where it gives digits under another prefix or none.

    Good for asking a ledger whose they are; only an amount that agrees makes them more than digits.
    """
    runs = [n[2] for t in _tokens(remittance) if (n := _NUMBER.fullmatch(t.text)) and len(n[2]) >= _FEWEST_ALONE]
    return [f"INV{digits}" for digits in dict.fromkeys(runs)][:_MOST_ALONE]


def mentions(remittance: str, items: Sequence[OpenItem]) -> list[Mention]:
    """Every place of the text that can be read as one of a customer's open items, in order."""
    ledger = _Ledger(items)
    found: list[Mention] = []
    tokens = _tokens(remittance)
    stem = ""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        letters_before = token.before if len(token.gap) <= 1 else ""
        intact = ledger.spelled(letters_before, token.text)
        if intact:
            found.append(Mention(Grade.INTACT, intact))
            stem = _digits(token.text)
        elif short := _abbreviated(stem, token):
            found.extend(ledger.shorthand(stem, short, token))
        else:
            whole = ledger.whole(token.text)
            if whole:
                found.append(Mention(Grade.BARE, whole))
                stem = _digits(token.text)
            elif glued := ledger.glued(token, tokens[at + 1] if at + 1 < len(tokens) else None):
                found.append(Mention(Grade.DAMAGED, glued))
                at += 1
                stem = _digits(token.text) + _digits(tokens[at].text)
            elif repaired := ledger.repaired(token):
                found.append(Mention(Grade.DAMAGED, repaired))
                stem = _digits(token.text.translate(_LOOKS_LIKE))
            elif len(_digits(token.text)) > 4:
                stem = _digits(token.text)
        at += 1
    return found


def _tokens(remittance: str) -> list[_Token]:
    # Letters glued to the digits before them begin a reference of their own: INV1001INV1002.
    text = re.sub(r"(?<=\d)(?=(?:INV|IN|CN)\W?[\dOISB]{3})", " ", remittance.upper())
    runs = list(_TOKEN.finditer(text))[:_MOST_TOKENS]
    texts = ["", *(run[0] for run in runs)]
    ends = [0, *(run.end() for run in runs)]
    numbered = [n for n, run in enumerate(runs) if any(c.isdigit() for c in run[0])]
    first, last = (numbered[0], numbered[-1]) if numbered else (-1, -1)
    return [_Token(run[0], texts[n], text[ends[n] : run.start()], n == first, n == last) for n, run in enumerate(runs)]


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _abbreviated(stem: str, token: _Token) -> str:
    """The digits of a shorthand that continues the number before it."""
    follows = token.gap.strip() in {",", "/", "+", "&", "-"} and token.before.translate(_LOOKS_LIKE)[-1:].isdigit()
    digits = token.text.translate(_LOOKS_LIKE)
    return digits if stem and follows and digits.isdigit() and len(digits) < len(stem.lstrip("0")) else ""


class _Ledger:
    """A customer's open items by the digits of their numbers."""

    def __init__(self, items: Sequence[OpenItem]) -> None:
        self._by_digits: dict[str, list[tuple[str, OpenItem]]] = {}
        self._written: list[tuple[str, OpenItem]] = []
        for item in items:
            plain = "".join(_TOKEN.findall(item.number.upper()))
            if number := _NUMBER.fullmatch(plain):
                self._by_digits.setdefault(number[2], []).append((number[1], item))
                self._written.append((_digits(plain), item))

    def _at(self, digits: str) -> tuple[OpenItem, ...]:
        return tuple(item for _, item in self._by_digits.get(digits.lstrip("0"), ()))

    def spelled(self, before: str, text: str) -> tuple[OpenItem, ...]:
        """Items of that prefix and number, the prefix glued on or standing before."""
        number = _NUMBER.fullmatch(text)
        if number is None:
            return ()
        prefix = number[1] or before
        return tuple(item for own, item in self._by_digits.get(number[2], ()) if own == prefix)

    def whole(self, text: str) -> tuple[OpenItem, ...]:
        """Items of exactly these digits under whatever prefix."""
        number = _NUMBER.fullmatch(text)
        if number is None or len(number[2]) < _FEWEST_DIGITS:
            return ()
        return self._at(number[2])

    def shorthand(self, stem: str, short: str, token: _Token) -> Iterator[Mention]:
        """Items whose numbers end in ``short`` and begin as the number before."""
        end = stem[: -len(short)] + short
        if self._at(end):
            yield Mention(Grade.BARE if short == token.text else Grade.DAMAGED, self._at(end))
        elif repaired := self.repaired(token):
            yield Mention(Grade.DAMAGED, repaired)
        if token.gap.strip() == "-" and 0 < int(end) - int(stem) <= _LONGEST_RANGE:
            for between in range(int(stem) + 1, int(end)):
                if self._at(str(between)):
                    yield Mention(Grade.DAMAGED, self._at(str(between)))

    def glued(self, token: _Token, follower: _Token | None) -> tuple[OpenItem, ...]:
        """Items whose number a line break cut in two."""
        if follower is None or not follower.gap.isspace():
            return ()
        broken = token.text[-1].isdigit() and follower.text[0].isdigit()
        number = _NUMBER.fullmatch(token.text + follower.text) if broken else None
        return self._at(number[2]) if number else ()

    def repaired(self, token: _Token) -> tuple[OpenItem, ...]:
        """Items one repair away from a token."""
        found: dict[str, OpenItem] = {}
        for digits in _read_as_digits(token.text):
            for candidate in (digits, *_swapped(digits)):
                found.update((item.erp_id, item) for item in self._at(candidate))
            if token.last and len(digits) >= _FEWEST_LEFT_BY_A_CUT:
                found.update((i.erp_id, i) for full, i in self._written if _begins(full, digits))
            if token.first and len(digits) >= _FEWEST_LEFT_BY_A_CUT:
                found.update((i.erp_id, i) for full, i in self._written if full.endswith(digits))
        return tuple(found.values())


def _begins(full: str, digits: str) -> bool:
    return full.startswith(digits) or full.lstrip("0").startswith(digits)


def _read_as_digits(text: str) -> list[str]:
    """The digits of a token once its letters are taken as the digits they resemble, with or without a prefix."""
    readings = []
    for length in range(min(_LONGEST_PREFIX, len(text)) + 1):
        rest = text[length:].translate(_LOOKS_LIKE)
        if text[:length].translate(_LOOKS_LIKE).isdigit():
            continue  # these are digits of the number, not its prefix
        if len(rest) >= _FEWEST_DIGITS and rest.isdigit() and any(c.isdigit() for c in text[length:]):
            readings.append(rest)
    return readings


def _swapped(digits: str) -> list[str]:
    swaps = range(len(digits) - 1)
    return [digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :] for n in swaps if digits[n] != digits[n + 1]]
