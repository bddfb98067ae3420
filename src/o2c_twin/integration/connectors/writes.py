"""The writes of the roles as data: what each is called with, so that a journal can keep it and send it again."""

from dataclasses import dataclass
from typing import Any

import msgspec

from o2c_twin.integration.model import Allocation, BankEntry, Deal, Party, PaymentClaim


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a role: the types of its business arguments, and whether it takes an idempotency key."""

    arguments: msgspec.json.Decoder[tuple[Any, ...]]
    keyed: bool


def _write(*types: Any, keyed: bool) -> Write:
    return Write(msgspec.json.Decoder(tuple.__class_getitem__(types)), keyed)


WRITES: dict[str, Write] = {
    "put_customer": _write(Party, keyed=True),
    "update_customer": _write(str, Party, keyed=False),
    "put_order": _write(Deal, str, dict[str, str], keyed=True),
    "bill": _write(str, keyed=True),
    "put_payment": _write(BankEntry, str, list[Allocation], keyed=True),
    "note_deal": _write(str, dict[str, str], keyed=False),
    "note_party": _write(str, str, keyed=False),
    "put_payer": _write(Party, keyed=True),
    "collect": _write(PaymentClaim, keyed=True),
}
"""By the method's name in `connectors.ports`. A keyed one ends in ``key, correlation``, another in ``correlation``."""
