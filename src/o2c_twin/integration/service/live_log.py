"""The engine's log: a line of JSON for each thing said, without secrets and personal data."""

import sys
from functools import cached_property
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
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Somebody should look at it."""
        self._logger.warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Something was not done."""
        self._logger.error(event, **fields)

    @cached_property
    def _logger(self) -> Any:
        # An engine that was killed is back at work before it has anything to say.
        import structlog

        return structlog.wrap_logger(
            structlog.PrintLogger(self._out or sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                lambda _, __, fields: redact(fields, self._secrets),
                structlog.processors.JSONRenderer(),
            ],
        )
