"""Log fields as they may be written: secrets and personal data masked, whatever depth they are at. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from o2c_twin.integration.governance.cards import ibans, masked
from o2c_twin.integration.governance.personal_data import TAGS
from o2c_twin.integration.governance.secrets import MASK, Secret

_SECRET = re.compile(
    r"authori[sz]ation|cookie|passw|secret|token|api[-_]?key|credential|signature|private[-_]?key|session|bearer", re.I
)
_PERSONAL = frozenset(
    name
    for tags in TAGS.values()
    for name, tag in tags.items()
    # Ids are what logs are searched by; they say who only together with the systems.
    if tag.kind == "personal" and not name.endswith(("_id", "lane", "number"))
) | {"phone", "street", "address", "first_name", "last_name", "iban", "bic", "contact", "companyname", "reason_text"}
# A local part has at most 64 characters (RFC 5321 4.5.3.1.1); anchored, so that a long text is read once.
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_BEARER = re.compile(r"\b(Bearer|Basic|OAuth)\s+[A-Za-z0-9._~+/=-]{6,}", re.I)
_DEEPEST = 12
_SHORTEST_NUMBER = 12


def redact(fields: Mapping[str, Any], secrets: Iterable[Secret] = ()) -> dict[str, Any]:
    """The fields of a log line as they may be written.

    Masked are: values of fields whose name says secret or person, the given secrets wherever they stand, log-ins
    in headers, e-mail addresses, IBANs and card numbers. Field names and all other values stay.
    """
    known = sorted((secret.reveal() for secret in secrets), key=len, reverse=True)
    return {key: _value(key, value, known, 0) for key, value in fields.items()}


def _value(key: str, value: Any, known: list[str], depth: int) -> Any:
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, Secret) or (value is not None and not isinstance(value, bool) and _hidden(key)):
        return MASK
    if isinstance(value, Mapping):
        return {_text(str(name), known): _value(str(name), each, known, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value("", each, known, depth + 1) for each in value]
    if isinstance(value, bytes):
        return _text(value.decode("utf-8", "replace"), known)
    if isinstance(value, str):
        return _text(value, known)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _text(str(value), known)


def _hidden(key: str) -> bool:
    return _SECRET.search(key) is not None or key.lower() in _PERSONAL


def _text(text: str, known: list[str]) -> str:
    for secret in known:
        text = text.replace(secret, MASK)
    if " " in text:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    if "@" in text:
        text = _EMAIL.sub(MASK, text)
    if len(text) < _SHORTEST_NUMBER:
        return text
    for start, end in reversed(list(ibans(text))):
        text = text[:start] + MASK + text[end:]
    return masked(text)
