"""Business time: when a case is due, on a calendar of working days and hours."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Working hours, UTC, of Monday to Friday but for ``closed`` days."""

    opens_hour: int = 8
    closes_hour: int = 17
    closed: frozenset[date] = field(default_factory=frozenset)

    def is_open(self, day: date) -> bool:
        """Whether anybody works on a day."""
        return day.weekday() < 5 and day not in self.closed

    def after(self, at: int, hours: float) -> int:
        """The instant ``hours`` working hours after another, both in microseconds since the epoch."""
        now = datetime.fromtimestamp(at // _MICRO, UTC)
        left = timedelta(hours=hours)
        while True:
            if self.is_open(now.date()):
                opens = datetime.combine(now.date(), time(self.opens_hour), UTC)
                closes = datetime.combine(now.date(), time(self.closes_hour), UTC)
                begins = max(now, opens)
                if begins < closes:
                    if left <= closes - begins:
                        return int((begins + left).timestamp()) * _MICRO
                    left -= closes - begins
            now = datetime.combine(now.date() + timedelta(1), time(), UTC)
