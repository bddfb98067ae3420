"""The report's opening sentences, written from the KPIs: no number in them has another source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from o2c_twin.reports.display import visible, written, written_difference, written_relative, written_sides
from o2c_twin.reports.kpis.compare import Comparison, compare
from o2c_twin.reports.kpis.model import KpiSet
from o2c_twin.reports.validation import Check


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a sentence; a number names the KPI it shows in ``kpi_id``."""

    text: str
    kpi_id: str = ""


# What is told first, in the order a finance reader asks: cash, time, work, money lost, errors.
_TOLD = (
    ("dso.simple", "DSO"),
    ("order_to_invoice.median", "the median time from win to invoice"),
    ("touch.minutes_per_order", "touch time an order"),
    ("leakage.amount", "revenue leakage"),
    ("billing.error_rate", "the billing error rate"),
)
_COUNTED = (("orders.lost", "lost deals"), ("orders.duplicate", "duplicate orders"))


def verdict(kpis: Sequence[KpiSet], checks: Mapping[str, Sequence[Check]]) -> list[list[Phrase]]:
    """The sentences for one run or two, each a list of phrases.

    ``checks`` holds each run's validation by label: figures that do not add up are said so first.
    """
    failed = [(label, check) for label, found in checks.items() for check in found if not check.passed]
    sentences = [
        [Phrase(f"Do not use the figures of {label}: \N{LEFT DOUBLE QUOTATION MARK}{check.name}"
                f"\N{RIGHT DOUBLE QUOTATION MARK} failed ({check.found}).")]
        for label, check in failed
    ]  # fmt: skip
    sentences.append(_one(kpis[0]) if len(kpis) == 1 else _two(kpis[0], kpis[1]))
    if not failed:
        both = "The ledger balances" if len(kpis) == 1 else "Both ledgers balance"
        sentences.append([Phrase(f"{both} to the cent.")])
    sentences.append([Phrase(_chance(kpis))])
    return sentences


def plain(sentences: Sequence[Sequence[Phrase]]) -> str:
    """The verdict as plain text, for a terminal."""
    return " ".join("".join(phrase.text for phrase in sentence) for sentence in sentences)


def _one(kpis: KpiSet) -> list[Phrase]:
    clauses = []
    for id, name in _TOLD:
        kpi = kpis.get(id)
        if kpi is not None and kpi.value is not None:
            clauses.append([Phrase(f"{name} is "), Phrase(written(kpi.value, kpi.unit, kpi.currency), id)])
    for id, name in _COUNTED:
        clauses.append([Phrase(written(kpis[id].value, "count"), id), Phrase(f" {name}")])
    return _sentence([Phrase(f"{kpis.label}: ")], clauses)


def _two(first: KpiSet, second: KpiSet) -> list[Phrase]:
    pairs = compare(first, second)
    clauses = []
    for id, name in _TOLD:
        pair = pairs.get(id)
        if pair is not None and pair.difference is not None:
            clauses.append(_moved(name, id, pair))
    for id, name in _COUNTED:
        before, after = (written(kpis[id].value, "count") for kpis in (first, second))
        clauses.append([Phrase(f"{name}: "), Phrase(after, id), Phrase(" against "), Phrase(before, id)])
    return _sentence([Phrase(f"{second.label} against {first.label}: ")], clauses)


def _moved(name: str, id: str, pair: Comparison) -> list[Phrase]:
    assert pair.difference is not None
    before, after = written_sides(pair)
    if not visible(pair):
        return [Phrase(f"{name} stays at "), Phrase(after, id)]
    change = written_difference(pair) if pair.kpi.unit in ("days", "share") else written_relative(pair)
    return [
        Phrase(f"{name} {'falls' if pair.difference < 0 else 'rises'} from "),
        Phrase(before, id),
        Phrase(" to "),
        Phrase(after, id),
        *([Phrase(" ("), Phrase(change, id), Phrase(")")] if change else []),
    ]


def _sentence(opening: list[Phrase], clauses: Sequence[Sequence[Phrase]]) -> list[Phrase]:
    sentence = list(opening)
    for n, clause in enumerate(clauses):
        sentence += [Phrase("; ")] * (n > 0) + list(clause)
    return [*sentence, Phrase(".")]


def _chance(kpis: Sequence[KpiSet]) -> str:
    seeds = [str(k.seed) for k in kpis]
    if len(kpis) == 1:
        return f"One run, seed {seeds[0]}: another seed gives other figures."
    if seeds[0] != seeds[1]:
        return f"The runs have different seeds ({' and '.join(seeds)}): part of every difference is chance."
    return (
        f"Both runs used seed {seeds[0]} and so met the same customers and events; one seed has no interval: "
        "repeat with more seeds before deciding on a small difference."
    )
