"""The writes of the roles as data: what each is called with, so that a journal can keep it and send it again."""

from dataclasses import dataclass
from typing import Any

import msgspec

from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import Allocation, BankEntry, Charge, Deal, Discount, Party, PaymentClaim, WriteOff


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a role: the types of its business arguments, and whether it takes an idempotency key.

    ``many`` is the method that carries many of it in one call, in the connectors whose sheet names that one too;
    its first argument names the record then.
    """

    arguments: msgspec.json.Decoder[tuple[Any, ...]]
    keyed: bool
    many: str | None = None


def _write(*types: Any, keyed: bool, many: str | None = None) -> Write:
    return Write(msgspec.json.Decoder(tuple.__class_getitem__(types)), keyed, many)


WRITES: dict[str, Write] = {
    "put_customer": _write(Party, keyed=True),
    "update_customer": _write(str, Party, keyed=False),
    "change_customer": _write(str, PartyChange, keyed=False),
    "put_order": _write(Deal, str, dict[str, str], keyed=True),
    "cancel_order": _write(str, keyed=False),
    "bill": _write(str, keyed=True),
    "credit_invoice": _write(str, keyed=True),
    "put_payment": _write(BankEntry, str, list[Allocation], keyed=True),
    "put_charge": _write(Charge, keyed=True),
    "release_order": _write(str, keyed=False),
    "write_off": _write(WriteOff, keyed=True),
    "grant_discount": _write(Discount, keyed=True),
    "note_deal": _write(str, dict[str, str], keyed=False, many="note_deals"),
    "note_party": _write(str, str, keyed=False),
    "change_party": _write(str, PartyChange, keyed=False),
    "put_payer": _write(Party, keyed=True),
    "collect": _write(PaymentClaim, keyed=True),
}
"""By the method's name in `connectors.ports`. A keyed one ends in ``key, correlation``, another in ``correlation``."""

ONE_OF_MANY: dict[str, str] = {write.many: name for name, write in WRITES.items() if write.many is not None}
"""The write that a method for many carries."""
