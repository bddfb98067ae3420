"""Puts one or two runs on one HTML page: verdict, validation, KPIs, figures, definitions."""

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from o2c_twin.reports.display import NOTHING, written
from o2c_twin.reports.figures import Plot, all_figures
from o2c_twin.reports.kpis import DEFINITIONS, KpiSet, compute_kpis
from o2c_twin.reports.kpis.systems import FLOWS
from o2c_twin.reports.observed_run import ObservedRun, observe
from o2c_twin.reports.rows import KpiRow, kpi_rows
from o2c_twin.reports.validation import checks_of
from o2c_twin.reports.verdict import plain, verdict
from o2c_twin.run_record import RunRecord

VIOLATIONS_SHOWN = 25
MANUAL = "manual"
_CARDS = (
    "dso.simple",
    "order_to_cash",
    "touch.minutes_per_order",
    "leakage.amount",
    "billing.error_rate",
    "orders.lost",
    "orders.duplicate",
    "sync.latency.p95",
)
# These details have a table or a figure of their own: in the KPI table they would bury the rest.
_ELSEWHERE = ("sync.", "api.", "order_to_cash.")
_VERDICT_WORDS = {
    "better": "\N{BLACK UP-POINTING TRIANGLE} better",
    "worse": "\N{BLACK DOWN-POINTING TRIANGLE} worse",
    "same": "= same",
    "neutral": "",
    "unknown": "",
    "": "",
}


@dataclass(frozen=True, slots=True)
class SectionGroup:
    """Lines of a section under one heading, each a name, a value and a remark that may be empty."""

    title: str
    lines: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section made elsewhere, such as the return on investment: text only, every cell is escaped.

    ``rows`` have as many cells as ``columns``; the first cell is the row's name. ``groups`` are a table
    of their own below it, ``figures`` stand beside each other above both.
    """

    title: str
    lead: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    groups: Sequence[SectionGroup] = ()
    figures: Sequence[Plot] = ()


def write_report(
    path: Path | str,
    records: Sequence[RunRecord | ObservedRun],
    labels: Sequence[str] | None = None,
    roi_section: ReportSection | None = None,
) -> None:
    """Writes the report of one run, or of a baseline and a design in that order, to ``path``.

    The file is self-contained, and the same for the same records. Raises ValueError for none or more
    than two records, `RunRecordError` and `MixedCurrencies` as `compute_kpis`.
    """
    Path(path).write_text(report_html(records, labels, roi_section), encoding="utf-8", newline="\n")


def report_html(
    records: Sequence[RunRecord | ObservedRun],
    labels: Sequence[str] | None = None,
    roi_section: ReportSection | None = None,
) -> str:
    """The report as text; arguments and errors as `write_report`."""
    runs = _observed(records, labels)
    kpis = [compute_kpis(run) for run in runs]
    checks = [checks_of(run) for run in runs]
    sentences = verdict(kpis, {run.label: found for run, found in zip(runs, checks, strict=True)})
    rows = kpi_rows(kpis[0], kpis[1] if len(kpis) == 2 else None)
    by_id = {row.id: row for row in rows}
    design, shared_settings = _design(runs)
    names = resources.files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(names.joinpath("report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        css=Markup(names.joinpath("report.css").read_text(encoding="utf-8")),
        title=" against ".join(run.label for run in reversed(runs)),
        plain_verdict=plain(sentences),
        sentences=sentences,
        trusted=all(check.passed for found in checks for check in found),
        runs=runs,
        kpi_values={kpi.id: _raw(kpi.id, kpis) for kpi in kpis[0]},
        cards=[by_id[id] for id in _CARDS],
        stories=_stories(runs),
        design=design,
        shared_settings=shared_settings,
        checks=list(zip(*checks, strict=True)),
        promises=[by_id[id] for id in ("orders.lost", "orders.duplicate", "invariants.violations", "cases.open")],
        groups=_groups(rows),
        verdict_words=_VERDICT_WORDS,
        figures=_drawn(all_figures(runs)),
        latency=_latency(kpis),
        roi=roi_section,
        roi_figures=_drawn(roi_section.figures if roi_section else ()),
        violations=[_violations(run) for run in runs],
        shown=VIOLATIONS_SHOWN,
        definitions=_definitions(kpis[0]),
        footer=[_provenance(run) for run in runs],
    )


def _observed(records: Sequence[RunRecord | ObservedRun], labels: Sequence[str] | None) -> list[ObservedRun]:
    if not 1 <= len(records) <= 2:
        raise ValueError(f"a report shows one run or two, got {len(records)}; compare more with a sweep")
    if labels is not None and len(labels) != len(records):
        raise ValueError(f"one label a run: got {len(labels)} labels for {len(records)} runs")
    runs = [observe(record) for record in records]
    given = list(labels) if labels is not None else [run.label for run in runs]
    if len(set(given)) < len(given):
        given = ["baseline", "design"]
    return [ObservedRun(run.record, label) for run, label in zip(runs, given, strict=True)]


def _drawn(plots: Sequence[Plot]) -> list[tuple[Plot, Markup]]:
    return [(plot, Markup(plot.to_inline_svg())) for plot in plots]


def _raw(id: str, kpis: Sequence[KpiSet]) -> str:
    """The unrounded values of a KPI, for whoever points at a number in the verdict."""
    found = [(each.label, each.get(id)) for each in kpis]
    return f"{id}: " + ", ".join(f"{label} {kpi.value}" for label, kpi in found if kpi is not None)


def _stories(runs: Sequence[ObservedRun]) -> list[tuple[str, str]]:
    """Title and story of each run, told once where both runs share the story."""
    told: dict[str, str] = {}
    for run in runs:
        story, title = str(run.manifest.get("story", "")), str(run.manifest.get("title", ""))
        told[story] = f"{told[story]} / {title}" if story in told and title != told[story] else title
    return [(title, story) for story, title in told.items()]


def _design(runs: Sequence[ObservedRun]) -> tuple[list[tuple[str, list[str], bool]], str]:
    """Design axes, then the settings in which the runs differ; and the settings they share, in one line."""
    lines = [(name, values, _differ(values)) for name, values in _table([_decisions(run) for run in runs])]
    lines.sort(key=lambda line: not line[2])
    settings = _table([_settings(run) for run in runs])
    lines += [(name, values, True) for name, values in settings if _differ(values)]
    return lines, ", ".join(f"{name} {values[0]}" for name, values in settings if not _differ(values))


def _decisions(run: ObservedRun) -> dict[str, Any]:
    """The design's choices; where people re-key there is no engine, and only that choice was taken."""
    design = dict(run.manifest.get("design") or {})
    return {"topology": MANUAL} if design.get("topology") == MANUAL else design


def _settings(run: ObservedRun) -> dict[str, Any]:
    settings = dict(run.manifest.get("settings") or {})
    if settings.get("customers") in ("0", 0):
        # None given: the world made as many as the orders need.
        settings["customers"] = len(run.table("customers"))
    return settings


def _table(chosen: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    names = sorted({key for choices in chosen for key in choices})
    return [(name.replace("_", " "), [_choice(choices.get(name)) for choices in chosen]) for name in names]


def _differ(values: Sequence[str]) -> bool:
    return len(set(values)) > 1


def _choice(value: Any) -> str:
    if value is None:
        return NOTHING
    if str(value) in ("True", "False"):
        return "yes" if str(value) == "True" else "no"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _groups(rows: Sequence[KpiRow]) -> list[tuple[str, list[KpiRow]]]:
    kept = [row for row in rows if not (row.detail and row.id.startswith(_ELSEWHERE))]
    return [(group, list(members)) for group, members in groupby(kept, key=lambda row: row.group)]


def _latency(kpis: Sequence[KpiSet]) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Per flow, each run's label, changes, p50, p95, p99 and never arrived."""
    parts = {kpi.id.rsplit(".", 1)[1] for each in kpis for kpi in each if _is_flow(kpi.id)}
    flows = [flow for flow in (*FLOWS, *sorted(parts - set(FLOWS))) if flow in parts]
    table = []
    for flow in flows:
        lines = []
        for each in kpis:
            found = [each.get(f"sync.latency.{p}.{flow}") for p in ("p50", "p95", "p99")]
            never = each.get(f"sync.never_arrived.{flow}")
            cells = [written(kpi.value if kpi else None, "seconds") for kpi in found]
            count = f"{never.n:,}" if never else "0"
            lines.append((each.label, count, *cells, written(never.value if never else 0, "count")))
        table.append((flow, lines))
    return table


def _is_flow(id: str) -> bool:
    return id.startswith("sync.never_arrived.")


def _violations(run: ObservedRun) -> tuple[str, int, str, list[dict[Hashable, Any]]]:
    """Label, count, count by invariant where there are several, and the first few in full."""
    found = run.table("violations")
    kinds = found["invariant"].value_counts(sort=False)
    by_kind = ", ".join(f"{name} {count:,}" for name, count in kinds.items()) if len(kinds) > 1 else ""
    return run.label, len(found), by_kind, found.head(VIOLATIONS_SHOWN).to_dict("records")


def _definitions(kpis: KpiSet) -> list[tuple[str, list[Any]]]:
    used = dict.fromkeys(kpi.definition.id for kpi in kpis)
    defined = [DEFINITIONS[id] for id in used]
    return [(group, list(members)) for group, members in groupby(defined, key=lambda definition: definition.group)]


def _provenance(run: ObservedRun) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "label": run.label,
        "scenario": manifest.get("scenario", NOTHING),
        "seed": manifest.get("seed", NOTHING),
        "trace_hash": manifest.get("trace_hash", NOTHING),
        "period": f"{run.first} to {run.last}, observed until {run.last_seen}",
        "currency": run.currency,
        "versions": ", ".join(f"{name} {number}" for name, number in sorted((manifest.get("versions") or {}).items())),
        "schema_version": manifest["schema_version"],
    }
