"""The rules vendors differ in: what a record needs, whether lines may move, whose sum an amount is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def _required() -> dict[str, tuple[str, ...]]:
    return {
        "contact": ("last_name",),
        "account": ("name",),
        "opportunity": ("name", "stage", "close_date"),
        "product": ("name",),
        "line": ("opportunity_id", "product_id", "quantity"),
    }


@dataclass(frozen=True, slots=True)
class CrmRules:
    """One vendor's choices.

    ``required``: core fields, by kind, without which no record is made; a line's reference that is not
    among them may be empty text. ``amount_follows_lines``: an opportunity with lines has their sum as its amount,
    and nobody may write it. ``lines_move``: a line may go to another opportunity, or to none.
    """

    required: Mapping[str, tuple[str, ...]] = field(default_factory=_required)
    amount_follows_lines: bool = True
    lines_move: bool = False
