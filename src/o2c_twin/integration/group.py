"""A company of several legal entities, of which one ships for all."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

import msgspec


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``home`` is the entity that ships; for what others bill it charges them ``transfer_price``, a share of that."""

    home: str
    transfer_price: Annotated[float, msgspec.Meta(gt=0, le=1)]


def transfer_minor(total_minor: int, transfer_price: float) -> int:
    """What is charged between entities for goods that were billed at ``total_minor``: half up, minor units."""
    exact = Decimal(total_minor) * Decimal(str(transfer_price))
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
