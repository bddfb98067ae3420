"""What every part of a provider works with: its state, time, ids, the agenda of work that falls due, listeners."""

from bisect import insort
from collections.abc import Callable

import msgspec

from o2c_twin.mock_systems.roles.billing.records import BillingState, Happening, Job
from o2c_twin.mock_systems.roles.billing.terms import BillingTerms
from o2c_twin.mock_systems.roles.records import ChangeKind

NameId = Callable[[str, int], str]
"""The id of the nth record of a kind."""

HappeningListener = Callable[[Happening], None]


def plain_id(kind: str, number: int) -> str:
    """``invoice-1``."""
    return f"{kind}-{number}"


class Books:
    """The state with its clock and agenda. ``planned`` is called with the instant of every job that is put on it."""

    def __init__(self, now: Callable[[], int], terms: BillingTerms, name_id: NameId) -> None:
        self._now = now
        self._name_id = name_id
        self._at: int | None = None
        self.terms = terms
        self.state = BillingState()
        self.listeners: list[HappeningListener] = []
        self.planned: Callable[[int], None] = lambda at: None

    def now(self) -> int:
        """Microseconds since the epoch; while work that fell due is done, the instant it fell due."""
        return self._now() if self._at is None else self._at

    def time_of(self, customer_id: str | None) -> int:
        """The time that holds for a customer's invoices."""
        customer = self.state.customers.get(customer_id or "")
        clock = None if customer is None else self.state.clocks.get(customer.clock_id or "")
        return self.now() if clock is None else clock.frozen_at

    def new_id(self, kind: str) -> str:
        """The id of the next record of a kind."""
        return self._name_id(kind, self.state.numbers.next(kind))

    def tell(self, kind: str, id_: str, name: str) -> None:
        """Something happened to a record."""
        what: ChangeKind = "created" if name == "created" else "deleted" if name == "deleted" else "updated"
        happening = Happening(self.now(), kind, id_, what, name)
        for listener in self.listeners:
            listener(happening)

    # --- the agenda --------------------------------------------------------------------------------

    def plan(self, at: int, what: str, id_: str) -> None:
        """Have something done at an instant."""
        insort(self.state.agenda, Job(at, self.state.numbers.next("job"), what, id_))
        self.planned(at)

    def plan_for(self, customer_id: str | None, at: int, what: str, id_: str) -> None:
        """Have something done in the time of a customer."""
        customer = self.state.customers.get(customer_id or "")
        if customer is None or customer.clock_id is None:
            self.plan(at, what, id_)
            return
        jobs = self.state.clock_agendas.setdefault(customer.clock_id, [])
        insort(jobs, Job(at, self.state.numbers.next("job"), what, id_))

    def due(self) -> int | None:
        """The instant of the next job."""
        return self.state.agenda[0].at if self.state.agenda else None

    def run_due(self, do: Callable[[Job], None]) -> None:
        """Do all that has fallen due, each at its instant and in order."""
        if self._at is not None:
            return
        until = self._now()
        agenda = self.state.agenda
        while agenda and agenda[0].at <= until:
            job = agenda.pop(0)
            self._at = job.at
            try:
                do(job)
            finally:
                self._at = None

    def encoded(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def load(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay."""
        self.state = msgspec.msgpack.decode(snapshot, type=BillingState)
