"""Sweeping a bank: the credits of the statements of a span, whichever bank it is; a statement is read once."""

from collections.abc import Mapping, Sequence

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.connectors.ports import Bank
from o2c_twin.integration.model import BankEntry, Inbound
from o2c_twin.integration.reconcile.contract import Shape
from o2c_twin.integration.reconcile.money_ports import Incoming, MoneyKind, Sent

_DAY_US = 86_400_000_000


class BankListing:
    """The listings of an account, over its connector, which knows its dialect.

    What a statement says does not change: it is kept for as long as the span it belongs to is asked for.
    """

    shapes: Mapping[MoneyKind, Shape] = {}

    def __init__(self, bank: Bank) -> None:
        self.system = bank.system
        self._bank = bank
        self._read: dict[str, tuple[Incoming, ...]] = {}

    async def incoming(self, since: int, until: int) -> list[Incoming]:
        """The credits of statements issued in that span, each once; the vendor lists by days."""
        listed, _ = await self._bank.statements(to_date(max(0, since - _DAY_US)))
        told = {event.object_id: event for event in listed if since < event.source_at <= until}
        kept = {id_: entries for id_, entries in self._read.items() if id_ in told}
        for id_, event in told.items():
            if id_ not in kept:
                kept[id_] = tuple([_incoming(event, entry) for entry in await self._bank.entries(id_)])
        self._read = kept
        found: dict[str, Incoming] = {}
        for each in (entry for entries in kept.values() for entry in entries):
            # Banks do repeat entries: the first statement that tells of one is its own.
            found.setdefault(each.reference, each)
        return list(found.values())

    async def sent(self, since: int, until: int) -> list[Sent]:
        """None: a bank makes no payouts."""
        return []

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """None: the connector reads whole statements, and refuses what it cannot."""
        return ()


def _incoming(event: Inbound, entry: BankEntry) -> Incoming:
    names = tuple(dict.fromkeys(name for name in (entry.end_to_end_id or "", *entry.remittance.split()) if name))
    key = f"cash:{entry.reference}"
    amount, currency, day = entry.amount_minor, entry.currency, entry.value_on
    return Incoming("entry", key, entry.reference, amount, currency, event.source_at, event, names, day)
