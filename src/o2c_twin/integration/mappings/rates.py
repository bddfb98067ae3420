"""Exchange rates as files: from which currency into which, day by day, as their source published them."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.errors import shown
from o2c_twin.integration.mappings.money import digits


@dataclass(frozen=True, slots=True)
class Quotes:
    """One pair's rates: ordinals of days, ascending, and the rate of each."""

    days: tuple[int, ...]
    rates: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class RateTable:
    """The rates of one source. A rate holds on its day, and up to ``holds_days`` more until there is another."""

    name: str
    pairs: Mapping[tuple[str, str], Quotes]
    holds_days: int = 0
    title: str = ""
    owner: str = ""
    source: str = ""
    note: str = ""
    file: str = ""

    def rate(self, day: str, base: str, target: str) -> Decimal | None:
        """Units of ``target`` for one of ``base`` on an ISO date; None where that day has no rate."""
        quotes = self.pairs.get((base, target))
        if quotes is None:
            return None
        ordinal = date.fromisoformat(day).toordinal()
        at = bisect_right(quotes.days, ordinal) - 1
        return quotes.rates[at] if at >= 0 and ordinal - quotes.days[at] <= self.holds_days else None


@dataclass(frozen=True, slots=True)
class Rates:
    """All sources of rates by name: what a map is given as ``rates``."""

    tables: Mapping[str, RateTable] = field(default_factory=dict)

    def __call__(self, source: str, day: str, base: str, target: str) -> Decimal | None:
        """The rate of a source on an ISO date; None where there is none."""
        table = self.tables.get(source)
        return None if table is None else table.rate(day, base, target)


def read_rates(document: Document) -> RateTable:
    """The rates of one file (``rates:``, ``pairs:``); complaints go to the document."""
    names = ("rates", "title", "owner", "source", "note", "holds_days", "pairs")
    entries = document.entries(document.root, "the rates", names)
    pairs: dict[tuple[str, str], Quotes] = {}
    node = entries.get("pairs")
    found = document.entries(node, "'pairs'") if node is not None else {}
    if not found:
        document.complain(node, "rates need 'pairs'; write 'USD/EUR:' and under it '2026-01-05: 0.9234' lines")
    for name, each in found.items():
        base, _, target = name.partition("/")
        try:
            digits(base)
            digits(target)
        except ValueError as error:
            document.complain(each, f"pair {shown(name)}: {error}")
            continue
        days: dict[int, Decimal] = {}
        for day, rate_node in document.entries(each, f"pair {name}").items():
            rate = document.plain(rate_node)
            if isinstance(rate, bool) or not isinstance(rate, int | Decimal) or rate <= 0:
                document.complain(rate_node, f"{name} {day}: must be a decimal number above 0")
                continue
            try:
                days[date.fromisoformat(day).toordinal()] = Decimal(rate)
            except ValueError:
                document.complain(rate_node, f"{name}: {shown(day)} is no date; write it as 2026-01-31")
        order = sorted(days)
        pairs[base, target] = Quotes(tuple(order), tuple(days[day] for day in order))
    texts = {key: document.text(entries.get(key), key) for key in ("title", "owner", "source", "note")}
    holds = document.whole(entries["holds_days"], "holds_days") if "holds_days" in entries else 0
    return RateTable(document.text(entries.get("rates"), "rates"), pairs, holds, **texts, file=document.name)
