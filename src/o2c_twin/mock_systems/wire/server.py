"""One mock server: a dialect behind the wire layers, whatever the transport.

The layers, in order: route, faults of the way there, login, limits, latency, faults of the system,
body, handler, faults of the way back, journal. A handler changes state whole or not at all; only
after it may an answer be lost.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.faults import Fault, FaultPlan, Latency
from o2c_twin.mock_systems.wire.journal import Entry, Journal
from o2c_twin.mock_systems.wire.message import NotModelled, Refused, Request, Response, TransportFault
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Call, Operation, Principal, Router
from o2c_twin.mock_systems.wire.service_time import ServiceTimes

NOT_MODELLED = "not modelled"
_NOBODY = Principal("", "", "")

Struck = Sequence[tuple[Fault, float]]
"""The faults that strike a call, each with a uniform draw for its size."""


class NotSealed(RuntimeError):
    """`MockServer.reset` has no state to go back to."""


class MockServer:
    """A system of one world: ``await call(request)`` is the only way in.

    ``latency`` is the system's usual service time (median and sigma of a lognormal); None answers at once.
    """

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        world: World,
        journal: Journal | None = None,
        faults: FaultPlan | None = None,
        latency: Latency | None = None,
    ) -> None:
        self.name = name
        self.dialect = dialect
        self.world = world
        self.journal = journal or Journal()
        self.faults = dialect.faults = faults or FaultPlan(name, world.draw, world.clock.now())
        self.latency = latency
        self._decorates = type(dialect).decorate is not Dialect.decorate
        self._initial: bytes | None = None
        self._router = Router(dialect.routes)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            op.name: msgspec.json.Decoder(op.body, float_hook=Decimal) for op in dialect.routes if op.body is not None
        }

    async def call(self, request: Request) -> Response:
        """Answer one request. Raises `TransportFault` when the client gets no answer."""
        clock, dialect = self.world.clock, self.dialect
        arrived = clock.now()
        found = self._router.find(request.method, request.path)
        if not isinstance(found, tuple):
            response = dialect.not_modelled(request, found)
            self._log(arrived, NOT_MODELLED, None, request, response, False, ())
            return response
        operation, params = found
        name = operation.name
        limiter = dialect.limiter
        principal = _NOBODY
        throttled = False
        applied = False
        struck: Struck = ()
        if self.faults.in_force:
            key = request.headers.get("x-correlation-id") or request.path
            struck = self.faults.strikes(operation.name, request.method, key, arrived)
        try:
            failing = _before(struck) if struck else None
            if not operation.open:
                principal = dialect.authenticate(request, arrived)
                verdict = limiter.admit(principal, operation.cost, arrived)
                if verdict is not None:
                    raise Refused(dialect.throttled(verdict, arrived), throttled=True)
            ticket = limiter.enter(principal, arrived)
            try:
                times = self._times
                seconds = 0.0 if times is None else times.next_s()
                for fault, uniform in struck:
                    seconds += fault.delay_s(uniform)
                if seconds > 0.0:
                    await self.world.sleep(seconds)
                if failing is not None:
                    raise self._failure(failing, arrived)
                if operation.asks is not None:
                    await self._ask(operation, params, principal, request)
                response = self._answer(operation, Call(request, params, principal, clock.now()))
                applied = response.status < 300 and request.method != "GET"
                throttled = response.status == 429
                if self._decorates:
                    dialect.decorate(response, principal, arrived)
                for fault, _ in struck:
                    response = fault.after(response)
            finally:
                if ticket:
                    limiter.leave(principal, ticket)
        except Refused as refusal:
            response = refusal.response
            throttled = refusal.throttled
            if isinstance(refusal, NotModelled):
                name = NOT_MODELLED
            if principal is not _NOBODY:
                dialect.decorate(response, principal, arrived)
        except TransportFault as lost:
            self._log(arrived, operation.name, principal.user or None, request, None, False, struck)
            raise TransportFault(lost.kind, applied and lost.applied) from None
        self._log(arrived, name, principal.user or None, request, response, throttled, struck)
        return response

    @property
    def latency(self) -> Latency | None:
        """The usual service time."""
        return self._latency

    @latency.setter
    def latency(self, latency: Latency | None) -> None:
        self._latency = latency
        self._times = None if latency is None else ServiceTimes(self.name, self.world.draw, latency)

    def _failure(self, status: int, now: int) -> Refused:
        if status == 429:
            return Refused(self.dialect.throttled(None, now), throttled=True)
        return Refused(self.dialect.failed(status))

    def _answer(self, operation: Operation, call: Call) -> Response:
        decoder = self._decoders.get(operation.name)
        if decoder is not None:
            try:
                call.body = decoder.decode(call.request.body or b"{}")
            except msgspec.DecodeError as bad:
                return self.dialect.malformed(call.request, str(bad))
        try:
            return operation.handler(self.dialect, call)
        except NotModelled:
            raise
        except Refused as refusal:
            return refusal.response

    async def _ask(self, operation: Operation, params: dict[str, str], principal: Principal, request: Request) -> None:
        """Have an operation ask whom it must. Raises `Refused`."""
        call = Call(request, params, principal, self.world.clock.now())
        try:
            call.body = self._decoders[operation.name].decode(request.body or b"{}")
        except msgspec.DecodeError:
            return  # the handler's turn comes, and it is refused
        assert operation.asks is not None
        await operation.asks(self.dialect, call)

    def _log(
        self,
        arrived: int,
        operation: str,
        caller: str | None,
        request: Request,
        response: Response | None,
        throttled: bool,
        struck: Struck,
    ) -> None:
        status, body = (0, b"") if response is None else (response.status, response.body)
        self.journal.add(
            Entry(
                arrived,
                self.name,
                operation,
                caller,
                request.method,
                request.path,
                status,
                throttled,
                ",".join([fault.name for fault, _ in struck]) if struck else None,
                self.world.clock.now() - arrived,
                request.body,
                body,
            )
        )

    def seal(self) -> None:
        """Remember the present state as the one `reset` goes back to."""
        self._initial = self.dialect.snapshot()

    def reset(self) -> None:
        """Back to the sealed state: journal, faults and counts are empty again.

        Raises `NotSealed` when `seal` was never called.
        """
        if self._initial is None:
            raise NotSealed(f"{self.name}: no state to go back to; call seal() once the system is seeded")
        self.dialect.restore(self._initial)
        self.journal.clear()
        self.journal.count = 0
        self.latency = self._latency
        self.faults.clear()
        self.dialect.limiter.reset()


def _before(struck: Struck) -> int | None:
    # The status of the first fault that has one; a call the network swallows never gets to show it.
    statuses = [fault.before() for fault, _ in struck]
    return next((status for status in statuses if status is not None), None)
