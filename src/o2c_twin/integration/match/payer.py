"""Whose money a receipt is: what its text names against what its bank account is known for."""

from collections.abc import Sequence

from o2c_twin.integration.model import OpenItem


def owner_of(
    known: str | None, named: Sequence[OpenItem], amount_minor: int, possible: Sequence[OpenItem] = ()
) -> str | None:
    """The customer a receipt belongs to, or None when nobody can tell.

    ``known`` is the customer the account has been confirmed for, ``named`` the open items whose numbers the
    text spells out, ``possible`` those its digits alone may mean: they count when all are one customer's and
    the amount agrees. Others do pay a customer's invoice, but two swapped digits name another customer's too:
    against a known account a name counts only when the amount agrees to the cent.
    """
    owners = list(dict.fromkeys(item.customer_erp_id for item in named))
    if len(owners) > 1:
        return None
    if not owners:
        maybe = list(dict.fromkeys(item.customer_erp_id for item in possible))
        agrees = len(maybe) == 1 and sum(item.open_minor for item in possible) == amount_minor
        return maybe[0] if agrees else known
    if known in (None, owners[0]):
        return owners[0]
    return owners[0] if sum(item.open_minor for item in named) == amount_minor else known
