"""Bank business days: weekends and holidays are closed, payments after the cut-off book the next day."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class BankCalendar:
    """``holidays`` are closed days besides weekends; ``cut_off_hour`` is in UTC."""

    cut_off_hour: int = 15
    holidays: frozenset[date] = field(default_factory=frozenset)

    def is_open(self, day: date) -> bool:
        """Whether the bank books on that day."""
        return day.weekday() < 5 and day not in self.holidays

    def booking_day(self, at_us: int) -> date:
        """The business day on which a payment received at that instant is booked."""
        moment = datetime.fromtimestamp(at_us // 1_000_000, UTC)
        day = moment.date()
        if moment.hour >= self.cut_off_hour:
            day += timedelta(days=1)
        return self.open_day(day)

    def open_day(self, day: date) -> date:
        """That day when the bank is open, else the next day it is."""
        while not self.is_open(day):
            day += timedelta(days=1)
        return day
