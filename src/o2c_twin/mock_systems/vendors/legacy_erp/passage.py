"""What `MockServer.call` is to HTTP, for steps of any other kind: faults before, faults after, the journal.

A step has the name of an operation, a method (the kind of step) and a path (the file, row or message it is
about), so that journal, run record and trace hold it like a call.
"""

from dataclasses import dataclass

from o2c_twin.mock_systems.wire.faults import Fault, FaultPlan, Latency
from o2c_twin.mock_systems.wire.journal import Entry, Journal
from o2c_twin.mock_systems.wire.message import Response, TransportFault
from o2c_twin.mock_systems.wire.ports import World

_GIVES_UP_S = 30.0


class Unreachable(Exception):
    """The step never took place: the medium or the system behind it was not reached."""


@dataclass(slots=True)
class Step:
    """A step under way: what struck it, and what it is about."""

    at: int
    operation: str
    method: str
    path: str
    request: bytes
    struck: list[tuple[Fault, float]]
    caller: str | None = None

    def struck_by(self, *kinds: type[Fault]) -> Fault | None:
        """The first fault of these kinds that strikes this step."""
        return next((fault for fault, _ in self.struck if isinstance(fault, kinds)), None)


class Passage:
    """The steps of one system; `bind` ties them to the journal and faults of its server."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.journal = Journal()
        self.faults = FaultPlan(name, world.draw, world.clock.now())
        self.latency: Latency | None = None

    def bind(self, name: str, journal: Journal, faults: FaultPlan, latency: Latency | None) -> None:
        """Write into this journal and take faults from this plan from now on."""
        self.name, self.journal, self.faults, self.latency = name, journal, faults, latency

    async def step(
        self, operation: str, method: str, path: str, request: bytes = b"", caller: str | None = None
    ) -> Step:
        """Begin a step: time passes, and faults of the way there strike.

        Raises `Unreachable`, with the entry written, when it never takes place.
        """
        clock = self.world.clock
        struck = self.faults.strikes(operation, method, path, clock.now())
        step = Step(clock.now(), operation, method, path, request, struck, caller)
        seconds = sum(fault.delay_s(uniform) for fault, uniform in struck)
        if caller is not None and self.latency is not None:
            seconds += self.latency.delay_s(self.world.draw("latency", self.name, operation, self.journal.count))
        try:
            statuses = [fault.before() for fault, _ in struck]
        except TransportFault as lost:
            if lost.kind == "silent":
                seconds += _GIVES_UP_S
            await self._pass(seconds)
            self.done(step, 0)
            raise Unreachable(lost.kind) from lost
        await self._pass(seconds)
        failing = next((status for status in statuses if status is not None), None)
        if failing is not None:
            self.done(step, failing)
            raise Unreachable(f"status {failing}")
        return step

    async def _pass(self, seconds: float) -> None:
        if seconds > 0.0:
            await self.world.sleep(seconds)

    async def answer(self, step: Step, body: bytes = b"") -> bytes:
        """End a step whose answer may be spoilt on its way back, after it was done; gives what arrives of it.

        Raises TimeoutError or ConnectionResetError, with the entry written, when nothing does.
        """
        response = Response(200, body)
        try:
            for fault, _ in step.struck:
                response = fault.after(response)
        except TransportFault as lost:
            self.done(step, 0)
            if lost.kind == "silent":
                await self._pass(_GIVES_UP_S)
                raise TimeoutError(f"{step.operation}: no answer") from lost
            raise ConnectionResetError(f"{step.operation}: connection dropped") from lost
        self.done(step, 200, response.body)
        return response.body

    def done(self, step: Step, status: int, response: bytes = b"") -> None:
        """Write the step down; statuses are read as those of HTTP."""
        names = ",".join(fault.name for fault, _ in step.struck) or None
        self.journal.add(
            Entry(
                step.at,
                self.name,
                step.operation,
                step.caller,
                step.method,
                step.path,
                status,
                status in (423, 429),
                names,
                self.world.clock.now() - step.at,
                step.request,
                response,
            )
        )

    def note(self, operation: str, method: str, path: str, status: int, request: bytes, response: bytes) -> None:
        """Write down something that took no time and that nothing could strike."""
        self.done(Step(self.world.clock.now(), operation, method, path, request, []), status, response)
