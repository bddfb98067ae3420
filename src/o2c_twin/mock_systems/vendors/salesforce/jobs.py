"""Bulk API 2.0: jobs that take in or give out many records as CSV.

A job does its work when its upload is complete (a query job when it is made) and is found complete at
the next look; how long the real queue takes is not modelled. Source: Bulk API 2.0 Developer Guide.
"""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.salesforce.errors import ApiError
from o2c_twin.mock_systems.vendors.salesforce.limits import BULK_ROWS_A_BATCH
from o2c_twin.mock_systems.vendors.salesforce.rows import Rows
from o2c_twin.mock_systems.vendors.salesforce.shapes import Json, Shape
from o2c_twin.mock_systems.vendors.salesforce.values import stamp
from o2c_twin.mock_systems.wire.query.soql import parse
from o2c_twin.mock_systems.wire.query.syntax import Item, Name

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
INGEST = ("insert", "update", "upsert", "delete", "hardDelete")
QUERY = ("query", "queryAll")
KEPT_US = 7 * 86_400_000_000
"""Jobs are kept seven days."""


class Job(msgspec.Struct):
    """One job; results are CSV text."""

    id: str
    operation: str
    object: str
    version: str
    user: str
    created: int
    modified: int
    key: str = ""
    delimiter: str = "COMMA"
    ending: str = "LF"
    state: str = "Open"
    error: str = ""
    upload: str = ""
    processed: int = 0
    failed: int = 0
    successful: str = ""
    failures: str = ""
    unprocessed: str = ""
    query: str = ""
    header: str = ""
    lines: list[str] = []

    def info(self) -> Json:
        """As the job's resource answers."""
        info: Json = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": stamp(self.created),
            "systemModstamp": stamp(self.modified),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": Decimal(self.version[1:]),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
        }
        if self.operation in INGEST:
            info["jobType"] = "V2Ingest"
            info["contentUrl"] = f"services/data/{self.version}/jobs/ingest/{self.id}/batches"
            if self.key:
                info["externalIdFieldName"] = self.key
        else:
            info["jobType"] = "V2Query"
        if self.state not in ("Open", "UploadComplete"):
            info["numberRecordsProcessed"] = self.processed
            info["retries"] = 0
            info["totalProcessingTime"] = 0
            if self.operation in INGEST:
                info["numberRecordsFailed"] = self.failed
                info["apiActiveProcessingTime"] = 0
                info["apexProcessingTime"] = 0
        if self.error:
            info["errorMessage"] = self.error
        return info


class Jobs(msgspec.Struct):
    """All jobs of an org."""

    by_id: dict[str, Job] = {}
    count: int = 0

    def batches(self, since: int) -> int:
        """Batches that ingest jobs made since an instant used up: one for each 10,000 rows."""
        jobs = (job for job in self.by_id.values() if job.operation in INGEST and job.created >= since)
        return sum(-(-job.processed // BULK_ROWS_A_BATCH) for job in jobs)

    def queries(self, since: int) -> int:
        """Query jobs made since an instant."""
        return sum(1 for job in self.by_id.values() if job.operation in QUERY and job.created >= since)

    def add(self, job: Job) -> None:
        """Keep a new job, and no longer those that are too old."""
        self.count += 1
        for id_ in [id_ for id_, kept in self.by_id.items() if job.created - kept.created > KEPT_US]:
            del self.by_id[id_]
        self.by_id[job.id] = job


def take_in(job: Job, rows: Rows, shape: Shape, now: int) -> None:
    """Do what an ingest job was made for: each row for itself, results in three files."""
    job.modified = now
    reader = csv.reader(io.StringIO(job.upload), delimiter=DELIMITERS[job.delimiter])
    header = next(reader, [])
    problem = _bad_header(job, shape, header)
    if problem is not None:
        job.state, job.error, job.unprocessed = "Failed", problem, job.upload
        return
    good: list[list[str]] = [["sf__Id", "sf__Created", *header]]
    bad: list[list[str]] = [["sf__Id", "sf__Error", *header]]
    for cells in reader:
        if not cells:
            continue
        job.processed += 1
        try:
            if len(cells) != len(header):
                raise ApiError(400, "INVALIDBATCH", "Field name count and value count differ", ())
            id_, created = _do(job, rows, shape, dict(zip(header, cells, strict=True)))
        except ApiError as refused:
            job.failed += 1
            fields = ",".join(refused.fields or ()) or "--"
            bad.append(["", f"{refused.code}:{refused.message}:{fields}", *cells])
        else:
            good.append([id_, str(created).lower(), *cells])
    job.state = "JobComplete"
    job.successful, job.failures = _csv(good, job), _csv(bad, job)
    job.unprocessed = _csv([header], job)


def _bad_header(job: Job, shape: Shape, header: list[str]) -> str | None:
    if not header:
        return "InvalidBatch : The batch has no header row"
    for name in header:
        base = name.partition(".")[0]
        if shape.field(base) is None and not ("." in name and base.lower() in shape.relations):
            return f"InvalidBatch : Field name not found : {name}"
    needs = "Id" if job.operation in ("update", "delete", "hardDelete") else job.key
    if needs and needs.lower() not in (name.lower() for name in header):
        return f"InvalidBatch : Field name not found : {needs}"
    return None


def _do(job: Job, rows: Rows, shape: Shape, cells: dict[str, str]) -> tuple[str, bool]:
    body = _body(cells)
    if job.operation == "insert":
        return rows.create(shape, body), True
    wanted = "id" if job.operation != "upsert" else job.key.lower()
    key = next(name for name in body if name.lower() == wanted)
    value = str(body.pop(key) or "")
    if job.operation == "upsert":
        if not value and wanted == "id":
            return rows.create(shape, body), True
        if not value:
            raise ApiError(400, "MISSING_ARGUMENT", f"{job.key} not specified", ())
        id_, created = rows.upsert(shape, job.key, value, body)
        if isinstance(id_, list):
            raise ApiError(400, "DUPLICATE_EXTERNAL_ID", f"{job.key}: more than one record found for {value}", ())
        return id_, created
    row = rows.org.row(shape.sobject, value)
    id_ = shape.id_of(row)
    if job.operation == "update":
        rows.update(shape, row, body)
    else:
        rows.delete(shape, row)
    return id_, False


def _body(cells: dict[str, str]) -> Json:
    """A row as a JSON body: empty cells say nothing, ``#N/A`` empties, ``Parent.Key__c`` names a parent."""
    body: Json = {}
    for name, text in cells.items():
        if text == "" and name.lower() != "id":
            continue
        value: Any = None if text == "#N/A" else text
        parent, _, key = name.partition(".")
        body[parent] = {key: value} if key else value
    return body


def give_out(job: Job, found: Iterable[Json]) -> None:
    """Keep the rows a job's query found as CSV. Raises `ApiError` for a query such jobs do not take."""
    select = parse(job.query)
    job.object = select.tables[0].table
    paths = [_path(item) for item in select.items]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=DELIMITERS[job.delimiter], lineterminator="\n", quoting=csv.QUOTE_ALL)

    def line(cells: list[str]) -> str:
        out.seek(0)
        out.truncate()
        writer.writerow(cells)
        return out.getvalue()[:-1]

    job.header = line(paths)
    keys = [path.lower().split(".") for path in paths]
    job.lines = [line([_cell(record, steps) for steps in keys]) for record in found]
    job.processed = len(job.lines)


def _path(item: object) -> str:
    if isinstance(item, Item) and isinstance(item.expression, Name):
        return item.expression.path
    message = "Aggregates, sub-selects and FIELDS() are not supported by bulk query jobs"
    raise ApiError(400, "FEATURENOTENABLED", message)


def _cell(record: Json, steps: list[str]) -> str:
    value: Any = record
    for step in steps:
        if value is None:
            return ""
        folded = {name.lower(): each for name, each in value.items()}
        # The object's own name may stand in front of a field.
        value = folded.get(step, value)
    if value is None or isinstance(value, dict):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def page(job: Job, start: int, size: int) -> str:
    """Rows ``start`` to ``start + size`` of a query job, with the header."""
    ending = ENDINGS[job.ending]
    return ending.join([job.header, *job.lines[start : start + size]]) + ending


def _csv(table: list[list[str]], job: Job) -> str:
    out = io.StringIO()
    delimiter, ending = DELIMITERS[job.delimiter], ENDINGS[job.ending]
    csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(table)
    return out.getvalue()
