"""Whose personal data something of the journal is: of a write, of a case, of a lane; and its names put otherwise.

A subject is an account by its id at sales. What is known only by another id has a subject of its own, which an
erasure finds by the journal's cross-references: a customer of the ERP, a payer at the provider, a receipt, an order.
"""

import re
from collections.abc import Callable
from typing import Any

_PARTY = "party:"


def of_write(write: str, arguments: tuple[Any, ...]) -> str:
    """The subject of a write's arguments (as `connectors.writes.WRITES` has them); empty where nothing is personal."""
    match write:
        case "put_customer" | "put_payer":
            return str(arguments[0].crm_id)
        case "update_customer" | "change_customer" | "change_party":
            return str(arguments[1].crm_id)
        case "note_party":
            return str(arguments[0])
        case "put_order":
            return str(arguments[0].party.crm_id)
        case "put_payment":
            return customer(arguments[1])
        case "collect":
            return payer(arguments[0].payer_id)
        case _:
            return ""


def customer(erp_id: str) -> str:
    """The subject of a customer by its id at the ERP."""
    return f"customer:{erp_id}"


def payer(provider_id: str) -> str:
    """The subject of a payer by its id at the payment provider."""
    return f"payer:{provider_id}"


def entry(reference: str) -> str:
    """The subject of a receipt by its reference: whose it is may be unknown yet."""
    return f"entry:{reference}"


def of_lane(lane: str) -> str:
    """The account whose lane it is; empty for another lane."""
    return lane.removeprefix(_PARTY) if lane.startswith(_PARTY) else ""


def of_case(flow: str, object_id: str, lane: str) -> str:
    """The subject of a case's texts."""
    if of_lane(lane):
        return of_lane(lane)
    if flow == "customer":
        return object_id
    if flow in ("cash", "payment", "payout"):
        return entry(object_id)
    return lane or f"object:{object_id}"


def renamed(text: str, old: str, new: str) -> str:
    """A name such as ``customer:A1:7`` with one of its parts put otherwise; ``A1`` in ``A10`` stays."""
    return _part(old).sub(lambda _: new, text)


def up_to(text: str, old: str, new: str) -> str:
    """`renamed`, without what follows the part: behind an account's id a key may tell more of it, such as a digest."""
    found = _part(old).search(text)
    return text if found is None else text[: found.start()] + new


def _part(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^:@/ ]){re.escape(name)}(?![^:@/ ])")


def renamer(names: dict[str, str]) -> Callable[[str], str]:
    """`renamed` for several names."""
    parts = [(_part(old), new) for old, new in names.items()]

    def rename(text: str) -> str:
        for part, new in parts:
            text = part.sub(lambda _, new=new: new, text)  # type: ignore[misc]  # bound for this round
        return text

    return rename
