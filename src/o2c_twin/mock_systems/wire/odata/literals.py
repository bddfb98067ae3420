"""Words of the URL language, and the values its literals stand for.

Sources: MS-ODATA 2.2.2 (abstract type system literals, V2); OASIS OData 4.01 ABNF, rule ``primitiveLiteral``.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from o2c_twin.mock_systems.wire.odata.errors import ODataError, Version

_STRING = r"'(?:[^']|'')*'"
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_NAME = r"[^\W\d]\w*(?:/[^\W\d]\w*)*"
_END = r"(?![\w.-])"
_V2 = re.compile(
    rf"\s*(?:(?P<datetimeoffset>datetimeoffset{_STRING})|(?P<datetime>datetime{_STRING})|(?P<time>time{_STRING})"
    rf"|(?P<guid>guid{_STRING})|(?P<string>{_STRING})|(?P<number>{_NUMBER}[mMlLdDfF]?){_END}"
    rf"|(?P<name>{_NAME})|(?P<mark>[(),]))"
)
_V4 = re.compile(
    rf"\s*(?:(?P<duration>duration{_STRING})|(?P<string>{_STRING})|(?P<guid>{_GUID}){_END}"
    r"|(?P<datetimeoffset>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))"
    rf"|(?P<date>\d{{4}}-\d\d-\d\d){_END}|(?P<timeofday>\d\d:\d\d(?::\d\d(?:\.\d+)?)?){_END}"
    rf"|(?P<number>{_NUMBER}){_END}|(?P<name>{_NAME})|(?P<mark>[(),]))"
)
_SPAN = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?")
_FIXED: dict[str, object] = {"null": None, "true": True, "false": False}
_MOST_EXPONENT = 400
_MOST_TOKENS = 20_000


class Token(NamedTuple):
    """One word: ``kind`` is ``name``, ``mark``, or the kind of literal; ``at`` its position."""

    kind: str
    text: str
    at: int


def tokens(text: str, version: Version, option: str = "$filter") -> list[Token]:
    """The words of a text. Raises `ODataError` where there is none."""
    step = (_V2 if version == 2 else _V4).match
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = step(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            if text[start] == "'":
                raise ODataError("a string has no closing quote", start, option)
            raise ODataError(f"cannot be read: {text[start : start + 20]!r}", start, option)
        kind = match.lastgroup or ""
        word = match[kind]
        fixed = kind == "name" and word in _FIXED
        found.append(Token("fixed" if fixed else kind, word, match.start(kind)))
        at = match.end()
        if len(found) > _MOST_TOKENS:
            raise ODataError(f"more than {_MOST_TOKENS} words", at, option)
    return found


def value_of(token: Token, option: str = "$filter") -> object:
    """The value of a literal. Raises `ODataError` for one that means nothing."""
    try:
        return _READ[token.kind](token.text)
    except (ValueError, ArithmeticError) as bad:
        raise ODataError(f"not a {token.kind}: {token.text[:60]}", token.at, option) from bad


def _quoted(text: str) -> str:
    return text[text.index("'") + 1 : -1]


def _string(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _number(text: str) -> int | Decimal:
    digits = text.rstrip("mMlLdDfF")
    if digits.lstrip("-").isdecimal() and text[-1] not in "mMdDfF":
        return int(digits)
    _, _, exponent = digits.lower().partition("e")
    if exponent and abs(int(exponent)) > _MOST_EXPONENT:
        raise ValueError(text)
    return Decimal(digits)


def _moment(text: str) -> datetime:
    if _ISO.fullmatch(text) is None:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None or text[-1] in "PT":
        raise ValueError(text)
    sign, days, hours, minutes, seconds, fraction = match.groups(default="0")
    micros = int(fraction[:6].ljust(6, "0"))
    span = timedelta(int(days), int(seconds), micros, 0, int(minutes), int(hours))
    return -span if sign == "-" else span


def _clock(text: str) -> time:
    # An Edm.Time is written as the time since midnight.
    span = _span(_quoted(text))
    if not timedelta(0) <= span < timedelta(1):
        raise ValueError(text)
    return (datetime(1970, 1, 1, tzinfo=UTC) + span).time()


_READ: dict[str, Callable[[str], object]] = {
    "string": _string,
    "number": _number,
    "fixed": _FIXED.__getitem__,
    "datetime": lambda text: _moment(_quoted(text)),
    "datetimeoffset": lambda text: _moment(_quoted(text) if text[-1] == "'" else text),
    "date": date.fromisoformat,
    "time": _clock,
    "timeofday": time.fromisoformat,
    "duration": lambda text: _span(_quoted(text)),
    "guid": lambda text: UUID(_quoted(text) if text[-1] == "'" else text),
}
LITERALS = frozenset(_READ)
"""The kinds of token that are literals."""
