"""Payment terms: the ids a new account has for the usual ones; other days net have ids of their own.

Ids and names of the first four: NetSuite's standard list (assumed; accounts may renumber it).
"""

_STANDARD = {15: "1", 30: "2", 60: "3", 0: "4"}
STANDARD_DAYS = tuple(_STANDARD)
"""The days of those terms."""
_DUE_ON_RECEIPT = "Due on receipt"
_DAYS = {id_: days for days, id_ in _STANDARD.items()}
_OTHERS_FROM = 100


def terms_id(days: int) -> str:
    """Internal id of the terms "net so many days"."""
    return _STANDARD.get(days) or str(_OTHERS_FROM + days)


def terms_name(days: int) -> str:
    """The name shown, such as Net 30."""
    return f"Net {days}" if days else _DUE_ON_RECEIPT


def terms_days(id_: str | None, name: str | None) -> int | None:
    """Days net of the terms of that id or name; None when there are no such terms."""
    if id_ is not None:
        if id_ in _DAYS:
            return _DAYS[id_]
        return int(id_) - _OTHERS_FROM if id_.isdecimal() and len(id_) == 3 and int(id_) > _OTHERS_FROM else None
    if name is None:
        return None
    if name.lower() == _DUE_ON_RECEIPT.lower():
        return 0
    word, _, days = name.partition(" ")
    return int(days) if word.lower() == "net" and days.isdecimal() and len(days) <= 3 else None
