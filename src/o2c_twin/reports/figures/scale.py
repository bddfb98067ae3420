"""Money and hours on an axis: a round unit, named once."""

import numpy as np
import numpy.typing as npt

from o2c_twin.reports.money import decimal_amount

_STEPS = ((1_000_000_000, " billion"), (1_000_000, " million"), (1_000, " thousand"))


def money_axis(currency: str, *amounts_minor: npt.NDArray[np.int64]) -> tuple[float, str]:
    """What to multiply minor units with, and the axis unit, as ``(1e-8, 'EUR million')``."""
    largest = max((int(np.abs(a).max()) for a in amounts_minor if a.size), default=0)
    per_minor = float(decimal_amount(1, currency))
    for size, name in _STEPS:
        if largest * per_minor >= size:
            return per_minor / size, f"{currency}{name}"
    return per_minor, currency
