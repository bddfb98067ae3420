"""Values of a scenario file from their text: each type with its bounds, each refusal with its remedy."""

import math
import re
from datetime import date
from typing import Any

from msgspec import inspect

from o2c_twin.scenarios.errors import shown


def read_text(text: str | list[str | None] | dict[str, str | None] | None, type_: object) -> Any:
    """The value a text stands for, as ``type_``: any type `msgspec.inspect` knows among bool, int, float,
    str, date, Literal, tuple of str, dict of str to one of these, with bounds in `msgspec.Meta`, and with ``| None``.

    ``text`` is None for an empty value, a list for a list and a dict for a mapping. Raises ValueError whose message
    continues the name of the value: ``is 'many'; write a whole number``.
    """
    info = inspect.type_info(type_)
    if isinstance(info, inspect.UnionType):
        if text is None:
            return None
        info = next(each for each in info.types if not isinstance(each, inspect.NoneType))
    if isinstance(info, inspect.VarTupleType):
        if not isinstance(text, list) or None in text:
            raise ValueError(f"must be a list; write {_wanted(info)}")
        return tuple(text)
    if isinstance(info, inspect.DictType):
        if not isinstance(text, dict):
            raise ValueError(f"must hold 'name: value' lines; write {_wanted(info)}")
        return {name: _read_one(each, info.value_type) for name, each in text.items()}
    return _read_one(text, info)


def _read_one(text: str | list[str | None] | dict[str, str | None] | None, info: inspect.Type) -> Any:
    if text is None or text == "" or isinstance(text, dict):
        raise ValueError(f"is empty; write {_wanted(info)}")
    if isinstance(text, list):
        raise ValueError(f"is a list; write {_wanted(info)}")
    value = _parse(text, info)
    if value is None or not _within(value, info):
        percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", text)
        hint = f" ({text} is {float(percent[1]) / 100:g})" if percent and isinstance(info, inspect.FloatType) else ""
        raise ValueError(f"is {shown(text)}; write {_wanted(info)}{hint}")
    return value


def _parse(text: str, info: inspect.Type) -> Any:
    try:
        match info:
            case inspect.BoolType():
                return {"true": True, "false": False}.get(text.lower())
            case inspect.IntType():
                return int(text)
            case inspect.FloatType():
                number = float(text)
                return number if math.isfinite(number) else None
            case inspect.DateType():
                return date.fromisoformat(text)
            case inspect.StrType():
                return text
            case inspect.LiteralType():
                return text if text in info.values else None
    except ValueError:
        return None
    raise TypeError(f"a scenario has no values of {info}")


def _within(value: Any, info: inspect.Type) -> bool:
    if isinstance(info, inspect.IntType | inspect.FloatType):
        return (
            (info.ge is None or value >= info.ge)
            and (info.gt is None or value > info.gt)
            and (info.le is None or value <= info.le)
            and (info.lt is None or value < info.lt)
        )
    if isinstance(info, inspect.StrType) and info.pattern is not None:
        return re.search(info.pattern, value) is not None
    return True


def _wanted(info: inspect.Type) -> str:
    match info:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_bounds(info)}"
        case inspect.FloatType():
            return f"a number{_bounds(info)}"
        case inspect.DateType():
            return "a date such as 2026-01-31"
        case inspect.VarTupleType():
            return "names in brackets, e.g. [one, two]"
        case inspect.DictType():
            return f"names with {_wanted(info.value_type)} each, e.g. {{UK01: 0.3}}"
        case inspect.LiteralType():
            return " or ".join(str(value) for value in info.values)
        case inspect.StrType(pattern=str()):
            return _PATTERNS.get(info.pattern or "", f"text of the form {info.pattern}")
        case _:
            return "some text"


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    least, most = (info.ge if info.ge is not None else info.gt), info.le
    if least is not None and most is not None:
        return f" from {_figure(least)} to {_figure(most)}"
    if least is None:
        return ""
    return f" above {_figure(least)}" if info.ge is None else f" of at least {_figure(least)}"


def _figure(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


SLUG = r"^[a-z0-9][a-z0-9-]{0,59}$"
CURRENCY = r"^[A-Z]{3}$"
_PATTERNS = {
    SLUG: "a short name of small letters, digits and hyphens, e.g. my-scenario",
    CURRENCY: "an ISO 4217 code such as EUR",
}
