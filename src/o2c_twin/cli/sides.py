"""The two sides of a comparison: run records that are there, or scenarios to be run first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.places import MANIFEST
from o2c_twin.cli.playing import Figures, found, place_of, planned, play

if TYPE_CHECKING:
    from o2c_twin.reports import ObservedRun
    from o2c_twin.run_record import RunRecord
    from o2c_twin.scenarios import Scenario
    from o2c_twin.twin.plan import RunPlan

NAIVE = ":naive"


@dataclass(frozen=True, slots=True)
class Side:
    """What was named on the command line: a record, or a scenario with the plan of its run."""

    given: str
    record: "RunRecord | None" = None
    scenario: "Scenario | None" = None
    plan: "RunPlan | None" = None
    design: str = ""
    """``naive`` or ``recommended``, of a scenario."""


def side(given: str, figures: Figures) -> Side:
    """A run record's directory, or a scenario's name or file with an optional ``:naive``.

    Raises `CommandError` for what is neither, and for figures given with a record.
    """
    directory = Path(given)
    if (directory / MANIFEST).is_file():
        if figures != Figures():
            raise CommandError(f"{given} is a run already; --seed, --orders and --days are for scenarios")
        return Side(given, _opened(directory))
    if directory.is_dir() and len(directory.parts) > 1:
        raise CommandError(f"{given}: not a run record (no {MANIFEST}); make one with 'o2c run SCENARIO --out {given}'")
    naive = given.endswith(NAIVE)
    scenario = found(given.removesuffix(NAIVE))
    plan = planned(scenario, figures, naive=naive)
    return Side(given, None, scenario, plan, "naive" if naive else "recommended")


def records_of(sides: Sequence[Side]) -> list["ObservedRun"]:
    """The runs of all sides, those of scenarios played first; each with a label of its own. Raises `CommandError`."""
    from o2c_twin.reports import ObservedRun
    from o2c_twin.run_record import RunRecordError

    played: dict[str, RunRecord] = {}
    records = []
    for each in sides:
        if each.record is not None:
            records.append(each.record)
        elif each.plan is not None:
            place = str(place_of(each.plan))
            if place not in played:
                played[place] = play(each.plan, Path(place)).record
            records.append(played[place])
    try:
        labels = [str(record.manifest.get("scenario") or record.directory.name) for record in records]
        if len(set(labels)) < len(labels):
            labels = [each.given for each in sides]
        if len(set(labels)) < len(labels):
            labels = [f"{label} ({n})" for n, label in enumerate(labels, 1)]
        return [ObservedRun(record, label) for record, label in zip(records, labels, strict=True)]
    except RunRecordError as error:
        raise CommandError(str(error)) from error


def _opened(directory: Path) -> "RunRecord":
    import pyarrow.parquet as pq

    from o2c_twin.run_record import TABLES, RunRecord, RunRecordError

    try:
        record = RunRecord(directory)
    except RunRecordError as error:
        raise CommandError(str(error)) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{directory / MANIFEST}: cannot be read ({error}); run the scenario again") from error
    for table in TABLES:
        path = directory / f"{table.name}.parquet"
        try:
            pq.read_schema(path)
        except (OSError, ValueError) as error:
            why = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
            raise CommandError(f"{path}: {why}; run the scenario again") from error
    return record
