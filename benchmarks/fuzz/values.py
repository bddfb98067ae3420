"""Values that trouble parsers, and how a value is taken apart, written as a form or spoiled. Knows no vendor."""

import json
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None, "", " ", "x" * 300, "é\u0000", "'", '"', "\\", "%", "a/b", "../..", "2026-13-45", "2026-02-30T25:00:00Z", "٣",
    "NaN", "1e400", "-0", "0x10", "\ud7ff\U0001f4a9", "2026-01-05", "true", 0, -1, 1, 10**30, -(10**30), 1.5, -0.01,
    1e-30, True, False, [], {}, [1], [None], [[]], {"a": 1}, {"id": None}, {"id": {}}, {"items": None}, {"items": [1]},
)  # fmt: skip
GARBAGE = (b"", b"{", b"null", b"[]", b"1", b'""', b"\xff\xfe", b"[" * 500, b'{"a":' * 300, b"<a><b></a>", b"a=1&a=2&=")
QUERIES = (
    "limit", "offset", "page", "q", "after", "before", "cursor", "status", "fields", "properties", "expand[]", "ids",
    "$filter", "$top", "$skip", "$orderby", "$select", "$expand", "$count", "$skiptoken", "$inlinecount", "$format",
    "created[gte]", "created_at[lt]", "starting_after", "start", "end", "fromDate", "businessDate", "allOrNone", "\x00",
)  # fmt: skip
QUERY_VALUES = (
    "0", "-1", "1", "99999999999999999999", "id eq 1", "id eq '", "name eq 'a' and", "((", "id desc,", "a,b,,c", "*",
    "SELECT Id FROM Account", "SELECT FROM", "status IS open", "2026-01-05", "2026-01-05T00:00:00Z", "datetime'x'", "é",
)  # fmt: skip
HEADERS = ("if-match", "idempotency-key", "prefer", "accept", "x-http-method", "sforce-query-options")
HEADER_VALUES = ("*", 'W/"1"', "K", "respond-async", "odata.maxpagesize=0", "x" * 300, "batchSize=x")


def objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The records in a value, outermost first, four levels down."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)) and depth < 4:
        for each in list(value.values() if isinstance(value, dict) else value)[:6]:
            yield from objects(each, depth + 1)


def heads(told: Any) -> list[Any]:
    """The records an answer is about: itself, those of its page or the one in its envelope."""
    if isinstance(told, list):
        return told
    found: list[Any] = []
    if isinstance(told, dict):
        found.append(told)
        for each in told.values():
            found += each if isinstance(each, list) else [each] if isinstance(each, dict) else []
    return found


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A value as form fields: ``a[b][0]=c``."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from flat(each, f"{name}[{key}]" if name else key)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from flat(each, f"{name}[{number}]")
    else:
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        yield name or "value", text.encode("utf-8", "replace").decode()


def cut(rng: random.Random, text: str) -> str:
    """A text with a piece of it gone, and something else in its place."""
    at, upto = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return text[:at] + rng.choice(("", "'", "(", "\x00", "é", "0", ",")) + text[upto:]
