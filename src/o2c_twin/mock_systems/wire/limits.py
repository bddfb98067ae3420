"""Rate and concurrency limits: policies are data, the counting is one engine for all vendors."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from o2c_twin.mock_systems.wire.route import Principal

Scope = Literal["tenant", "app", "user"]
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` units of cost in ``seconds``, counted per ``scope``.

    ``kind``: ``fixed`` windows start on multiples of ``seconds`` since the epoch (UTC); ``sliding``
    looks back ``seconds`` from now, exact to a sixtieth of the window; ``bucket`` is a token bucket
    that holds ``limit`` tokens and refills evenly over ``seconds``.
    """

    name: str
    limit: int
    seconds: int
    scope: Scope = "tenant"
    kind: Literal["fixed", "sliding", "bucket"] = "fixed"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most ``limit`` calls in flight per ``scope``; only those older than ``counts_after_s`` count."""

    name: str
    limit: int
    scope: Scope = "tenant"
    counts_after_s: float = 0.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """All limits of one plan of one vendor."""

    plan: str
    windows: tuple[Window, ...] = ()
    concurrency: tuple[Concurrency, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a call was refused: the limit's name, its figures, and when there will be room again."""

    limit: str
    used: int
    allowed: int
    retry_after_us: int


_SLOTS = 60


class _Fixed:
    """Units used since the last multiple of the span."""

    __slots__ = ("limit", "name", "span", "used", "window")

    def __init__(self, rule: Window) -> None:
        self.name, self.limit, self.span = rule.name, rule.limit, rule.seconds * _MICRO
        self.window, self.used = -1, 0

    def wait(self, cost: int, now: int) -> int:
        """Microseconds until ``cost`` fits; 0 when it fits now."""
        number = now // self.span
        if number != self.window:
            self.window, self.used = number, 0
        return 0 if self.used + cost <= self.limit else (number + 1) * self.span - now

    def take(self, cost: int, now: int) -> None:
        """Count ``cost``, after `wait` at the same instant said it fits."""
        self.used += cost


class _Sliding:
    """Units used in the last span, in slots: one leaves only when its youngest call may be that old."""

    __slots__ = ("lifetime", "limit", "name", "slots", "used", "width")

    def __init__(self, rule: Window) -> None:
        span = rule.seconds * _MICRO
        self.name, self.limit = rule.name, rule.limit
        self.width = span // _SLOTS
        self.lifetime = span + self.width
        self.used = 0
        self.slots: deque[tuple[int, int]] = deque()

    def wait(self, cost: int, now: int) -> int:
        slots = self.slots
        while slots and slots[0][0] + self.lifetime <= now:
            self.used -= slots.popleft()[1]
        excess = self.used + cost - self.limit
        if excess <= 0:
            return 0
        for start, units in slots:
            excess -= units
            if excess <= 0:
                return start + self.lifetime - now
        return self.lifetime

    def take(self, cost: int, now: int) -> None:
        self.used += cost
        slot = now // self.width * self.width
        if self.slots and self.slots[-1][0] == slot:
            self.slots[-1] = (slot, self.slots[-1][1] + cost)
        else:
            self.slots.append((slot, cost))


class _Bucket:
    """A token bucket. The level is counted in tokens times span, so that refilling is exact."""

    __slots__ = ("at", "full", "level", "limit", "name", "span")

    def __init__(self, rule: Window) -> None:
        self.name, self.limit, self.span = rule.name, rule.limit, rule.seconds * _MICRO
        self.full = self.level = self.limit * self.span
        self.at = 0

    @property
    def used(self) -> int:
        return self.limit - self.level // self.span

    def wait(self, cost: int, now: int) -> int:
        self.level = min(self.full, self.level + (now - self.at) * self.limit)
        self.at = now
        missing = cost * self.span - self.level
        return 0 if missing <= 0 else -(-missing // self.limit)

    def take(self, cost: int, now: int) -> None:
        self.level -= cost * self.span


_Meter = _Fixed | _Sliding | _Bucket
_METERS: dict[str, type[_Meter]] = {"fixed": _Fixed, "sliding": _Sliding, "bucket": _Bucket}
_Flights = dict[int, int]
_Counts = tuple[tuple[_Meter, ...], tuple[tuple[Concurrency, _Flights], ...]]


class Limiter:
    """Counts the calls of one system against its policy."""

    def __init__(self, policy: LimitPolicy) -> None:
        self.policy = policy
        self._meters: dict[tuple[str, str], _Meter] = {}
        self._flights: dict[tuple[str, str], _Flights] = {}
        self._of: dict[Principal, _Counts] = {}
        self._last: tuple[Principal | None, _Counts] = (None, ((), ()))
        self._ticket = 0

    def reset(self) -> None:
        """Forget all counts (calls in flight stay counted until they end)."""
        self._meters.clear()
        self._of.clear()
        self._last = (None, ((), ()))

    def _counts(self, principal: Principal) -> _Counts:
        # Asked for when it is not the one who called last: to hash somebody costs more than to compare.
        counts = self._of.get(principal)
        if counts is None:
            meters = []
            for window in self.policy.windows:
                key = (window.name, getattr(principal, window.scope))
                meter = self._meters.get(key)
                if meter is None:
                    meter = self._meters[key] = _METERS[window.kind](window)
                meters.append(meter)
            flights = [
                (rule, self._flights.setdefault((rule.name, getattr(principal, rule.scope)), {}))
                for rule in self.policy.concurrency
            ]
            counts = self._of[principal] = (tuple(meters), tuple(flights))
        self._last = principal, counts
        return counts

    def admit(self, principal: Principal, cost: int, now: int) -> Verdict | None:
        """Count one call in every window, or say which limit refuses it (then nothing is counted).

        Of several windows without room the verdict names the one that stays closed longest, so that a
        call made when it says is not refused by another. Concurrency cannot say when a call will end: 0.
        """
        last = self._last
        meters, flights = last[1] if principal is last[0] else self._counts(principal)
        for rule, flying in flights:
            if len(flying) >= rule.limit:
                before = now - int(rule.counts_after_s * _MICRO)
                running = sum(entered <= before for entered in flying.values())
                if running >= rule.limit:
                    return Verdict(rule.name, running, rule.limit, 0)
        longest, closed = 0, None
        for meter in meters:
            wait = meter.wait(cost, now)
            if wait > longest:
                longest, closed = wait, meter
        if closed is not None:
            return Verdict(closed.name, closed.used, closed.limit, longest)
        for meter in meters:
            meter.take(cost, now)
        return None

    def enter(self, principal: Principal, now: int) -> int:
        """Mark a call as in flight; gives the ticket to `leave` with, 0 where nobody counts."""
        last = self._last
        flights = (last[1] if principal is last[0] else self._counts(principal))[1]
        if not flights:
            return 0
        self._ticket = ticket = self._ticket + 1
        for _, flying in flights:
            flying[ticket] = now
        return ticket

    def leave(self, principal: Principal, ticket: int) -> None:
        """A call that had a ticket is over."""
        last = self._last
        for _, flying in (last[1] if principal is last[0] else self._counts(principal))[1]:
            flying.pop(ticket, None)

    def used(self, name: str, principal: Principal, now: int) -> int:
        """Units used in the window ``name`` as of ``now``, for quota headers."""
        last = self._last
        for meter in (last[1] if principal is last[0] else self._counts(principal))[0]:
            if meter.name == name:
                meter.wait(0, now)
                return meter.used
        raise ValueError(f"no window {name!r} in plan {self.policy.plan!r}")
