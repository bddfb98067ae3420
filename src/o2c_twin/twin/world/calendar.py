"""Office hours: instants to working time and back, in whole microseconds and constant time."""

from dataclasses import dataclass

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_WEEK_US = 7 * DAY_US
# 1970-01-05 was a Monday.
_MONDAY_US = 4 * DAY_US


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Monday to Friday from ``opens`` to ``closes`` (hours UTC)."""

    opens: int = 8
    closes: int = 17

    @property
    def day_us(self) -> int:
        """Working time of one day."""
        return (self.closes - self.opens) * HOUR_US

    def worked(self, at_us: int) -> int:
        """Working time from the Monday of 1970-01-05 until an instant (microseconds since the epoch)."""
        weeks, rest = divmod(at_us - _MONDAY_US, _WEEK_US)
        days, clock = divmod(rest, DAY_US)
        done = weeks * 5 * self.day_us + min(days, 5) * self.day_us
        if days < 5:
            done += min(max(clock - self.opens * HOUR_US, 0), self.day_us)
        return done

    def instant(self, worked_us: int) -> int:
        """The first instant by which that much working time has passed: the inverse of `worked`."""
        weeks, rest = divmod(worked_us, 5 * self.day_us)
        days, clock = divmod(rest, self.day_us)
        if clock == 0 and worked_us > 0:
            # The end of a working day, not the opening of the next.
            if days == 0:
                weeks, days = weeks - 1, 5
            days, clock = days - 1, self.day_us
        return _MONDAY_US + weeks * _WEEK_US + days * DAY_US + self.opens * HOUR_US + clock

    def opening(self, at_us: int) -> int:
        """``at_us`` itself in office hours, else the next opening."""
        rest = (at_us - _MONDAY_US) % _WEEK_US
        days, clock = divmod(rest, DAY_US)
        if days < 5 and clock < self.closes * HOUR_US:
            return at_us - clock + max(clock, self.opens * HOUR_US)
        monday = at_us - rest
        return monday + (days + 1 if days < 4 else 7) * DAY_US + self.opens * HOUR_US

    def next_morning(self, at_us: int, hour: int = 9) -> int:
        """That hour of the next working day after an instant."""
        midnight = at_us - (at_us - _MONDAY_US) % DAY_US + DAY_US
        return self.opening(midnight) + (hour - self.opens) * HOUR_US
