"""What is wrong with a payment: it falls short of what was due, or its text names no invoice as the invoice does.

Banks keep charges of a sum sent across borders, typically under 35 units (domain sheet 3.6); an agreed discount of
2 % that is not on the invoice is deducted. How often, and how references get mangled, are modelling assumptions.
"""

from dataclasses import dataclass
from typing import Literal

from o2c_twin.twin.chance import Chance
from o2c_twin.twin.world.settings import WorldSettings

Reason = Literal["bank charge", "deduction", "exchange difference", "early payment", "unearned discount"]
_LEAST_CHARGE, _CHARGES = 500, 3_000
_DISCOUNT_PERCENT = 2
_LOOKS_LIKE = str.maketrans("0158", "OISB")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """By how much a payment is less than was due for its invoices, in minor units of theirs, and why.

    Paid in another currency than billed, it is up to so much: nobody pays the cents of a rate.
    """

    reason: Reason
    amount_minor: int
    due_minor: int
    invoices: tuple[str, ...]


def shortfall(settings: WorldSettings, chance: Chance, payer: str, run: int, due: dict[str, int]) -> Shortfall | None:
    """What the payment run of a payer lacks of what is ``due`` (invoice number to minor units); None when nothing.

    It is drawn for payer and day: the same in every design.
    """
    charged, either = settings.bank_charges, settings.bank_charges + settings.deductions
    if not either:
        return None
    u, total = chance.uniform("payer.short", payer, run), sum(due.values())
    if u >= either:
        return None
    if u < charged:
        amount = _LEAST_CHARGE + int(_CHARGES * chance.uniform("payer.charge", payer, run))
        return Shortfall("bank charge", amount, total, tuple(due)) if amount < max(due.values()) else None
    amount = min(total * _DISCOUNT_PERCENT // 100, max(due.values()) - 1)
    return Shortfall("deduction", amount, total, tuple(due)) if amount > 0 else None


def less(due: dict[str, int], amount_minor: int) -> dict[str, int]:
    """What is paid of each invoice when so much is missing: it is missing of the largest."""
    largest = max(due, key=lambda number: (due[number], number))
    return {number: amount - (amount_minor if number == largest else 0) for number, amount in due.items()}


def mangled(number: str, uniform: float) -> str:
    """A document number as somebody mistypes it; ``uniform`` in (0, 1) decides how.

    In equal shares: without its letters, without its last character, letters for the digits they resemble, two
    neighbouring digits swapped.
    """
    kind, place = divmod(uniform * 4, 1.0)
    prefix = number[: len(number) - len(number.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ-"))]
    digits = number[len(prefix) :]
    if kind == 0:
        return digits
    if kind == 1:
        return number[:-1]
    if kind == 2:
        return prefix + digits.translate(_LOOKS_LIKE)
    unlike = [n for n in range(len(digits) - 1) if digits[n] != digits[n + 1]]
    if not unlike:
        return digits
    at = unlike[int(place * len(unlike))]
    return prefix + digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
