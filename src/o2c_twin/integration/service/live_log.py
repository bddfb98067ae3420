"""The engine's log: a line of JSON for each thing said, without secrets and personal data.

One line is all there is to a log here, so it is written here: a logging library that formats for people, too, costs an
engine that was killed a tenth of a second before it is back at work.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from o2c_twin.integration.governance.redaction import redact
from o2c_twin.integration.governance.secrets import Secret


class JsonLog:
    """Lines with the fields given, ``event`` (what happened), ``level`` and ``timestamp`` (ISO 8601, UTC).

    ``secrets`` are masked wherever they stand. Each line is out when the call returns.
    """

    def __init__(self, secrets: tuple[Secret, ...] = (), out: TextIO | None = None) -> None:
        self._secrets = secrets
        self._out = out

    def info(self, event: str, **fields: Any) -> None:
        """Something happened as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Somebody should look at it."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Something was not done."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = redact({**fields, "event": event, "level": level, "timestamp": at}, self._secrets)
        print(json.dumps(line), file=self._out or sys.stderr, flush=True)
