"""Compensation: what undoes each write, and the flow that does it, last step first.

Most of what an engine writes cannot be taken back by a program: a document is posted, a person has read it, money has
moved. Of such a step it is said why it stays and what a person must do; nothing is pretended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from o2c_twin.integration.capability import offers
from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter
from o2c_twin.integration.runtime.saga import UNDO, recall
from o2c_twin.integration.store import Effect


@dataclass(frozen=True, slots=True)
class Undone:
    """``write`` undoes a write, where the system's sheet names it.

    ``arguments`` makes its arguments from those of the write and what it gave; ``otherwise`` is what a person must do
    where the sheet does not name it.
    """

    write: str
    arguments: Callable[[tuple[Any, ...], str], tuple[Any, ...]]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Stays:
    """Nothing undoes a write: why not, and what a person must do instead."""

    why: str
    do: str


UNDOING: Mapping[str, Undone | Stays] = MappingProxyType(
    {
        "put_customer": Stays("other orders may be for the customer by now", "set it inactive if nobody else needs it"),
        "update_customer": Stays("what it said before is not on record", "compare it with the account"),
        "change_customer": Stays("what it said before is not on record", "compare it with the account"),
        "change_party": Stays("what it said before is not on record", "compare it with the customer"),
        "note_party": Stays("the customer it names stays", "clear the field if the customer is set inactive"),
        "put_order": Undone("cancel_order", lambda _, made: (made,), "cancel or close it by hand"),
        "note_deal": Undone(
            "note_deal",
            lambda sent, _: (sent[0], dict.fromkeys(sent[1], "")),
            "clear the fields by hand",
        ),
        "bill": Undone("credit_invoice", lambda _, made: (made,), "credit the invoice by hand"),
        "put_payment": Stays("the money was received", "unapply it, and refund it where it is not owed"),
        "put_charge": Stays("it is in the books of two entities", "reverse it in both"),
        "release_order": Stays("a person released it, and it may have shipped", "put it on hold again"),
        "write_off": Stays("it is posted as a cost", "reverse it in the ledger"),
        "grant_discount": Stays("the customer has earned it by paying early", "reverse it if the payment is returned"),
        "put_payer": Stays("it holds what the payer agreed to", "delete it where nothing is to be collected any more"),
        "collect": Stays("the money may be on its way", "cancel or refund the payment at the provider"),
    }
)
"""By write, for every write but those that undo."""


async def undo(engine: Engine, event: Inbound) -> None:
    """Undo what is on record under the name ``object_id``, last step first; what stays becomes one case.

    Each step undone is an effect of its own, with a key from that of the step. One that is refused stops it there:
    what came before may be needed by what could not be undone.
    """
    stays: list[str] = []
    steps = list(reversed(recall(engine.journal, event.object_id)))
    for place, key in enumerate(steps):
        effect = engine.journal.effect(key)
        if effect is None or effect.state != "done":
            continue
        left = await _undo(engine, event, effect, steps[place + 1 :])
        if left is not None:
            stays.append(left)
    if stays:
        raise DeadLetter(f"{UNDO}:{event.object_id}", f"undone as far as it can be; {'; '.join(stays)}", "divergence")


async def _undo(engine: Engine, event: Inbound, effect: Effect, before: list[str]) -> str | None:
    """Undo one step; gives what a person must do where nothing undoes it."""
    how, made = UNDOING[effect.write], effect.result or ""
    name = f"{effect.key} ({effect.system} {made})"
    if isinstance(how, Stays):
        return f"{name} stays, for {how.why}: {how.do}"
    if effect.write == "bill" and not made:
        # All was billed already: this one made nothing.
        return None
    target = engine.target(effect.system)
    if not offers(target, how.write):
        return f"{name} stays, for its system offers no {how.write}: {how.otherwise}"
    if not effect.arguments:
        # Its time to be kept was over, or its subject was erased.
        return f"{name} stays, for what was sent is not kept any more: {how.otherwise}"
    arguments = how.arguments(WRITES[effect.write].arguments.decode(effect.arguments), made)
    key, correlation = f"{UNDO}:{effect.key}", f"{UNDO}:{effect.correlation}"
    try:
        await engine.delivery.write(target, how.write, key, arguments, correlation, lane=event.lane, result=made)
    except DeadLetter as letter:
        rest = f"; not undone either: {', '.join(before)}" if before else ""
        raise DeadLetter(letter.key, f"{letter.reason}; {how.otherwise}{rest}", letter.kind) from letter
    return None
