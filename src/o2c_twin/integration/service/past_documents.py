"""Past documents for a changed map: what the engine wrote, as its journal has it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.governance.vault import MARK
from o2c_twin.integration.mappings import CompiledMap, Document
from o2c_twin.integration.mappings.documents import DealNotes, PartyNotes, Receipt
from o2c_twin.integration.mappings.rates import Rates
from o2c_twin.integration.mappings.schema import CANONICAL
from o2c_twin.integration.model import Party
from o2c_twin.integration.store import Effect

SOURCES = {
    f"{CANONICAL}.Party": ("put_customer", "update_customer", "put_payer"),
    f"{CANONICAL}.Deal": ("put_order",),
    f"{CANONICAL}.Receipt": ("put_payment",),
    f"{CANONICAL}.DealNotes": ("note_deal",),
    f"{CANONICAL}.PartyNotes": ("note_party",),
    f"{CANONICAL}.PartyChange": ("change_customer", "change_party"),
    f"{CANONICAL}.Charge": ("put_charge",),
}
"""Source of a map to the writes whose arguments are such documents; of others the journal keeps none."""


def past_documents(
    effects: Iterable[Effect],
    compiled: CompiledMap,
    opened: Callable[[Effect], Effect],
    rates: Rates | None = None,
) -> Iterator[Document]:
    """Every document a map was given, oldest first; those that were erased or whose time is over are not there.

    ``rates`` are given with each; without any no amount can be converted.
    """
    wanted = SOURCES.get(compiled.spec.source, ())
    for effect in effects:
        if effect.write not in wanted:
            continue
        told = opened(effect).arguments
        if not told or told.startswith(MARK.encode()):
            continue
        try:
            arguments = WRITES[effect.write].arguments.decode(told)
        except msgspec.MsgspecError:
            # Under a legal hold only a pseudonymous copy is left.
            continue
        yield Document(effect.key, _document(effect.write, arguments), _given(effect, arguments, rates or Rates()))


def _document(write: str, arguments: tuple[Any, ...]) -> msgspec.Struct:
    match write:
        case "put_payment":
            entry, customer_id, allocations = arguments
            return Receipt(entry, customer_id, tuple(allocations) or None)
        case "note_deal":
            return DealNotes(**arguments[1])
        case "note_party":
            return PartyNotes(arguments[1])
    return next(each for each in arguments if isinstance(each, msgspec.Struct))


class _EveryTerm:
    """A table of payment terms in which all are found."""

    def get(self, key: str) -> str:
        """A text of its own for each."""
        return f"terms {key}"


def _given(effect: Effect, arguments: tuple[Any, ...], rates: Rates) -> dict[str, Any]:
    # The journal has no ids of payment terms, no document numbers and no numbers by which a system knows what it gave
    # an id: a text of their own stands for each. The day of value stands for that of posting, and the document's
    # currency for that of the books.
    match effect.write:
        case "put_order":
            deal, customer_id, items = arguments
            more = {"customer": customer_id, "items": items, "currency": deal.currency}
        case "put_payment":
            entry, customer_id, allocations = arguments
            invoices = {each.invoice_erp_id: each.invoice_erp_id for each in allocations}
            more = {"document": effect.key, "customer": customer_id, "invoices": invoices}
            more |= {"today": entry.value_on, "currency": entry.currency}
        case "put_customer" | "update_customer" | "put_payer":
            party = next(each for each in arguments if isinstance(each, Party))
            more = {"terms": f"net {party.terms_days} days", "currency": party.currency}
        case "change_customer" | "change_party":
            more = {"terms": _EveryTerm(), "currency": arguments[1].currency}
        case _:
            more = {}
    return {"rates": rates, **more}
