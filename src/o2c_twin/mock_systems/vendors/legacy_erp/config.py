"""One installation: its nightly window, its edges, its file habits, and the known oddities as switches."""

from typing import Literal

import msgspec

EdgeName = Literal["file", "table", "queue"]
FileFormat = Literal["csv", "fixed"]
Completion = Literal["rename", "done-marker"]
_ODD_DECIMALS = ("JPY", "KRW", "CLP", "BHD", "KWD", "JOD", "TND")


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """When the ERP works its inbox.

    ``window``: local times ``HH:MM`` between which it works (None: around the clock); within it every
    ``every_minutes``. In the last ``cut_off_minutes`` nothing more is taken in: it waits for the next window.
    ``utc_offset_minutes``: the server's clock, which knows no summer time.
    """

    window: tuple[str, str] | None = ("22:00", "04:00")
    every_minutes: int = 15
    cut_off_minutes: int = 10
    utc_offset_minutes: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.every_minutes <= 1440:
            raise ValueError(f"batch.every_minutes is {self.every_minutes}; give 1 to 1440")
        if self.window is None:
            return
        begin, length = self.begin_and_length()
        if begin < 0 or not 0 <= self.cut_off_minutes < length:
            raise ValueError(
                f"batch.window {self.window} with a cut-off of {self.cut_off_minutes} minutes leaves no time to work; "
                "write times as HH:MM and a cut-off shorter than the window"
            )

    def begin_and_length(self) -> tuple[int, int]:
        """The window's first minute of the day and its minutes; around the clock it is the whole day."""
        if self.window is None:
            return 0, 1440
        begin, end = (_minute(text) for text in self.window)
        return begin, (end - begin) % 1440 or 1440


def _minute(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        raise ValueError(f"batch.window: {text!r} is no time of day; write HH:MM, such as 22:00")
    return int(hour) * 60 + int(minute)


class LegacyErpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One installation of the ERP.

    ``edges``: through which it exchanges data; it writes its extracts to each. ``file_format`` and
    ``completion``: how it writes files, and how it knows that an inbound one is complete; both formats are
    read. ``night_billing``: each round ends with billing all that has shipped. ``initial_load``: all masters
    and open documents are extracted when the installation starts. ``kept_files``: so many outbound files can
    be asked for again. ``deliveries_until_dead``: a message that cannot be read goes to the dead-letter queue
    after so many deliveries. ``message_memory_days``: so long a message's id is remembered.

    Oddities, on where such systems usually have them:
    ``takes_duplicate_references``: an order or receipt with a reference it has had is entered again.
    ``takes_duplicate_files``: a file's number is not looked at: the same file again is worked again.
    ``forgets_messages``: a redelivered message is worked again.
    ``works_before_the_trailer``: records are worked as they are read; a bad trailer rejects the file too late.
    ``late_acknowledgements``: what a window took in is acknowledged by the next one.
    ``skips_number_every``: every n-th outbound file number is never used (None: no gaps).
    """

    seed: int = 0
    name: str = "ERPPROD"
    currency: str = "EUR"
    edges: tuple[EdgeName, ...] = ("file",)
    batch: Batch = Batch()
    file_format: FileFormat = "csv"
    completion: Completion = "rename"
    encoding: Literal["cp1252", "cp437", "latin-1", "utf-8"] = "cp1252"
    night_billing: bool = False
    bill_on_delivery: bool = False
    initial_load: bool = True
    kept_files: int = 500
    claim_size: int = 100
    deliveries_until_dead: int = 3
    message_memory_days: int = 7
    takes_duplicate_references: bool = True
    takes_duplicate_files: bool = False
    forgets_messages: bool = False
    works_before_the_trailer: bool = False
    late_acknowledgements: bool = False
    skips_number_every: int | None = None

    def __post_init__(self) -> None:
        if self.currency in _ODD_DECIMALS:
            raise ValueError(
                f"currency {self.currency}: amounts have two implied decimals here; choose a currency that has two"
            )
        if not self.edges or len(set(self.edges)) < len(self.edges):
            raise ValueError(f"edges {self.edges}: name each of file, table, queue at most once, and at least one")
