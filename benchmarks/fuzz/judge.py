"""What is wrong with an answer: a crash, a 5xx, JSON that is none, a refusal that changed the books."""

import json
import traceback
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

from o2c_twin.mock_systems.wire.message import Request, Response


@dataclass
class Finding:
    """One way in which a system misbehaved, with the first request that showed it."""

    system: str
    operation: str
    kind: str
    detail: str
    request: str
    count: int = 1


@dataclass
class Report:
    """What came of the requests to one system."""

    system: str
    requests: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    written: set[str] = field(default_factory=set)
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    seconds: float = 0.0

    def sent(self, operation: str) -> None:
        """A request is about to be sent."""
        self.requests += 1
        self.operations.add(operation)

    def crashed(self, operation: str, request: Request, bad: Exception) -> None:
        """No answer came: the mock raised."""
        ours = [frame for frame in traceback.extract_tb(bad.__traceback__) if "/o2c_twin/" in frame.filename]
        place = f"{ours[-1].filename.partition('o2c_twin/')[2]}:{ours[-1].lineno}"
        self._found(operation, "exception", f"{type(bad).__name__} at {place}: {str(bad)[:120]}", request)

    def answered(self, operation: str, request: Request, answer: Response, changed: bool) -> None:
        """An answer came; ``changed`` says that the books are known to be others than before."""
        self.statuses[answer.status] += 1
        if answer.status < 300 and request.method not in ("GET", "HEAD"):
            self.written.add(operation)
        if answer.status >= 500 and b":Fault" not in answer.body:  # SOAP 1.1 refuses with 500
            self._found(operation, "5xx", f"{answer.status} {answer.body[:120]!r}", request)
        if answer.body and "json" in answer.headers.get("content-type", ""):
            try:
                json.loads(answer.body)
            except ValueError as bad:
                self._found(operation, "not JSON", str(bad)[:80], request)
        if changed and 400 <= answer.status < 500:
            self._found(operation, "refused but changed", f"status {answer.status}", request)

    def _found(self, operation: str, kind: str, detail: str, request: Request) -> None:
        """Write a finding down, once for each detail: an exception by its place, else by the operation too."""
        place = "" if kind == "exception" else operation
        known = self.findings.get((place, kind, detail))
        if known is not None:
            known.count += 1
            return
        query = f"?{urlencode(request.query)}" if request.query else ""
        sent = f"{request.method} {request.path}{query} {request.body[:400]!r}"
        self.findings[place, kind, detail] = Finding(self.system, operation, kind, detail, sent)
