"""Asynchronous requests: executed at once, answered as a job, remembered by their idempotency key.

Source: Oracle help, "Sending an Asynchronous Request" and "... Using an Idempotency Key".
"""

import msgspec

from o2c_twin.mock_systems.vendors.netsuite.answers import ASYNC
from o2c_twin.mock_systems.vendors.netsuite.errors import nonexistent, problem
from o2c_twin.mock_systems.vendors.netsuite.values import iso_instant
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response

MOST_JOBS = 10_000
"""Older jobs are forgotten, as NetSuite forgets them after a while (assumed)."""


class Job(msgspec.Struct):
    """One request that was answered with 202; ``at`` in microseconds since the epoch, ``result`` its real answer."""

    id: str
    at: int
    result: Response
    key: str | None = None


class JobsState(msgspec.Struct):
    """What a snapshot keeps."""

    last: int = 0
    jobs: dict[str, Job] = {}


class Jobs:
    """The asynchronous requests of one account."""

    def __init__(self) -> None:
        self.load(JobsState())

    def load(self, state: JobsState) -> None:
        """Go back to a kept state."""
        self.state = state
        self._by_key = {job.key: job for job in state.jobs.values() if job.key is not None}

    def refuse_known(self, key: str | None) -> None:
        """Raise `Refused` when a request with this key was submitted before."""
        job = self._by_key.get(key) if key is not None else None
        if job is not None:
            text = (
                "A request with the same idempotency key is already submitted. "
                'See the "Location" header for a link to the previously submitted job'
            )
            headers = {"Preference-Applied": "respond-async", "Location": f"{ASYNC}/job/{job.id}"}
            raise Refused(problem(400, "IDEMPOTENCY_ERROR", text, title="Conflict", headers=headers))

    def submit(self, result: Response, key: str | None, now: int) -> Response:
        """Keep the answer of an executed request as a job; gives the 202."""
        self.state.last += 1
        job = Job(str(self.state.last), now, result, key)
        self.state.jobs[job.id] = job
        if key is not None:
            self._by_key[key] = job
        if len(self.state.jobs) > MOST_JOBS:
            old = self.state.jobs.pop(next(iter(self.state.jobs)))
            if old.key is not None:
                self._by_key.pop(old.key, None)
        headers = {"Preference-Applied": "respond-async", "Location": f"{ASYNC}/job/{job.id}"}
        return Response(202, b"", headers)

    def find(self, id_: str) -> Job:
        """The job of that id. Raises `Refused` with 404."""
        job = self.state.jobs.get(id_)
        if job is None:
            nonexistent()
        return job


def shown_job(job: Job, root: str) -> Response:
    """A job: finished, well or not."""
    address = f"{root}{ASYNC}/job/{job.id}"
    body = {
        "links": [{"rel": "self", "href": address}],
        "completed": True,
        "id": job.id,
        "progress": _progress(job),
        "task": {"links": [{"rel": "self", "href": f"{address}/task"}]},
    }
    return json_response(200, body)


def shown_task(job: Job, root: str) -> Response:
    """The one task of a job."""
    address = f"{root}{ASYNC}/job/{job.id}/task/1"
    body = {
        "links": [{"rel": "self", "href": address}],
        "completed": True,
        "id": "1",
        "progress": _progress(job),
        "startTime": iso_instant(job.at),
        "endTime": iso_instant(job.at),
        "result": {"links": [{"rel": "self", "href": f"{address}/result"}]},
    }
    return json_response(200, body)


def _progress(job: Job) -> str:
    return "succeeded" if job.result.status < 300 else "failed"
