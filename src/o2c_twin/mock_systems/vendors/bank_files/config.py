"""One bank that delivers files: credentials, formats, the dialect of its MT940, and known oddities as switches."""

from typing import Literal

import msgspec

Format = Literal["mt940", "bai2", "ofx1", "ofx2"]
Field86 = Literal["german", "slash", "plain", "wrapped"]


class BankFilesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One bank: what it delivers, to whom, and how badly.

    ``field_86`` is the bank's dialect of MT940 field 86: ``german`` (structured ``?20``), ``slash`` (code words
    ``/EREF/``), ``plain`` (free lines broken at words), ``wrapped`` (one text cut hard at 65). ``umlauts``: how
    letters outside the SWIFT set are written. ``page_entries``: entries a page of an MT940 statement holds.
    ``login_expires_at``: instant (epoch microseconds) from which the password no longer works; 0 never.

    Oddities: ``numbers_restart`` statement numbers begin again each year; ``repeat_files`` every third
    statement's file is delivered again a day later; ``late_files`` every fourth comes two days late;
    ``corrections`` every fifth statement comes first with its last entry missing (``added``) or a cent off
    (``changed``) and is replaced an hour later; ``fitid_changes`` OFX ids differ in each file;
    ``drop_trailing_blanks`` the transport strips blanks at line ends.
    """

    login: str = "o2c-files"
    password: str = "files-secret"
    webhook_secret: str = "files-webhook-secret"
    login_expires_at: int = 0
    seed: int = 0
    bic: str = "TWINDEFFXXX"
    name: str = "Twin Bank"
    formats: tuple[Format, ...] = ("mt940",)
    keep_days: int = 90

    field_86: Field86 = "german"
    umlauts: Literal["digraph", "plain"] = "digraph"
    upper_case: bool = True
    page_entries: int = 20
    swift_envelope: bool = False
    bai2_terminate_text: bool = False

    numbers_restart: bool = True
    repeat_files: bool = False
    late_files: bool = False
    corrections: Literal["none", "added", "changed"] = "none"
    fitid_changes: bool = False
    drop_trailing_blanks: bool = False
