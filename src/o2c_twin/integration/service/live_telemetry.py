"""What a running engine tells of itself: logs without secrets and personal data, spans, and what no log may show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

import msgspec

from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.systems_of_record import Refusal
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.steps import Observer, Synced
from o2c_twin.integration.service.config import ServiceConfig
from o2c_twin.integration.service.live_log import JsonLog

# A shorter text is found in innocent words.
_SHORTEST_SECRET = 8
_TOLD = ("object", "field", "stage", "system", "master", "message")


class Telemetry(Observer):
    """Logs without secrets and personal data, and a span for each event worked.

    What a case is about may quote a payer or a system: it is in the case, not in the log. ``names`` puts an
    account's id otherwise where a vault is configured: a log cannot be rewritten when the account is erased.
    It goes to ``out``, standard error unless told otherwise.
    """

    def __init__(
        self,
        traces: str | None,
        names: Callable[[str, str], str] = lambda text, subject: text,
        lane_of: Callable[[str], str] = lambda case_id: "",
        secrets: tuple[Secret, ...] = (),
        out: TextIO | None = None,
    ) -> None:
        self._names = names
        self._lane_of = lane_of
        self.log = JsonLog(secrets, out)
        self._tracer = None if traces is None else _tracer(traces)

    def synced(self, what: Synced) -> None:
        """A change arrived."""
        subject = what.object_id if what.flow == "customer" else ""
        object_id = self._names(what.object_id, subject)
        self.log.info("synced", flow=what.flow, object_id=object_id, target=what.target)

    def case_opened(self, case_id: str, flow: str, object_id: str, reason: str, at: int) -> None:
        """The engine gave up and asks a person."""
        subject = subjects.of_lane(self._lane_of(case_id)) or (object_id if flow == "customer" else "")
        case_id, object_id = self._names(case_id, subject), self._names(object_id, subject)
        self.log.warning("case opened", case_id=case_id, flow=flow, object_id=object_id)

    def refused(self, refusal: Refusal) -> None:
        """A system is not master of what was to be written, or of what somebody typed there."""
        told = msgspec.to_builtins(refusal)
        self.log.warning("write refused", **{name: told[name] for name in _TOLD})

    def dropped(self, event: Inbound, reason: str, at: int) -> None:
        """A naive engine gave up."""
        self.log.error("event dropped", flow=event.flow, object_id=self._object_of(event))

    def worked(self, event: Inbound, began_at: int, ended_at: int, state: str) -> None:
        """An event was worked."""
        if self._tracer is None:
            return
        span = self._tracer.start_span(event.flow, start_time=began_at * 1_000)
        lane = self._names(event.lane, subjects.of_lane(event.lane))
        span.set_attributes({"o2c.object": self._object_of(event), "o2c.lane": lane, "o2c.state": state})
        span.end(end_time=ended_at * 1_000)

    def _object_of(self, event: Inbound) -> str:
        return self._names(event.object_id, subjects.of_lane(event.lane))


def _tracer(path: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "o2c-twin-engine"}))
    out = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - open for as long as the process lives
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("o2c_twin.integration")


def secrets_of(config: ServiceConfig) -> tuple[Secret, ...]:
    """All a log must never show, wherever it turns up."""
    told = [value for system in config.systems.values() for value in system.credentials.values()]
    told += [*config.tokens.values(), config.master_key or "", config.roots_key or ""]
    addresses = [system.url for system in config.systems.values()]
    addresses += [config.edge.rabbitmq.url] if config.edge is not None else []
    inbound = [system.inbound for system in config.systems.values() if system.inbound is not None]
    addresses += [each.url for place in inbound for each in (place.folder, place.table) if each is not None]
    told += [unquote(urlsplit(address).password or "") for address in addresses]
    return tuple(Secret("configured", text) for text in told if len(text) >= _SHORTEST_SECRET)
