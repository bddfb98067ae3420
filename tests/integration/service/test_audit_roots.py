"""The audit trail is signed day by day, and what was done to it afterwards is found."""

import sqlite3

import pytest

from o2c_twin.integration.governance.audit import verify
from o2c_twin.integration.service.journal_file import JournalFile
from o2c_twin.integration.service.reading import RowsRead
from o2c_twin.integration.service.roots import RootsFile, read_roots
from o2c_twin.integration.store import SqliteJournal
from o2c_twin.integration.store.audit_log import JournalAuditLog, Trail

DAY = 86_400 * 1_000_000
FIRST = 1_767_571_200_000_000
"""2026-01-05."""
KEY = b"k" * 32


class Kept:
    def __init__(self, folder):
        self.path, self.file = folder / "engine.db", folder / "engine.db.roots"
        self.journal = SqliteJournal(str(self.path), "OFF")
        self.now = FIRST
        self.roots = self.signer()

    def signer(self):
        return RootsFile(self.file, KEY, JournalAuditLog(self.journal), lambda: self.now)

    def add(self, what="x"):
        Trail(self.journal).add(self.now, "operations", what, "crm", "done")

    def verdict(self, through="2026-01-08"):
        log = RowsRead(JournalFile(f"sqlite:///{self.path}").audit_rows())
        return verify(log, read_roots(self.file), KEY, through)


@pytest.fixture
def kept(tmp_path):
    made = Kept(tmp_path)
    yield made
    made.journal.close()


def _three_days(kept):
    for _ in range(3):
        kept.add()
        kept.add()
        assert kept.roots.sign() in (0, 1)
        kept.now += DAY
    kept.now += DAY
    kept.roots.sign()


def test_each_day_that_is_over_has_a_root_also_one_on_which_nothing_happened(kept):
    _three_days(kept)
    told = [(root.day, root.count) for root in read_roots(kept.file)]
    assert told == [("2026-01-05", 2), ("2026-01-06", 4), ("2026-01-07", 6), ("2026-01-08", 6)]
    assert kept.verdict().sound
    assert kept.roots.sign() == 0
    assert kept.signer().sign() == 0, "nor after a restart"
    assert [fault.kind for fault in kept.verdict("2026-01-09").faults] == ["unsigned"]


def test_days_on_which_no_engine_ran_are_signed_when_one_runs_again(kept):
    kept.add()
    kept.now += 3 * DAY
    kept.add()
    assert kept.signer().sign() == 3
    assert [root.count for root in read_roots(kept.file)] == [1, 1, 1]


def test_a_trail_on_which_nothing_is_yet_is_signed_too(kept):
    assert kept.roots.sign() == 1
    assert kept.verdict("2026-01-04").sound


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("update audit set body = replace(body, 'operations', 'nobody') where seq = 3", "changed"),
        ("delete from audit where seq = 3", "missing"),
        ("delete from audit where seq > 4", "truncated"),
    ],
)
def test_what_was_done_to_the_rows_is_found(kept, change, kind):
    _three_days(kept)
    with sqlite3.connect(kept.path) as db:
        db.execute(change.replace("replace(body,", "replace(cast(body as text),"))
        db.execute("update audit set body = cast(body as blob)")
    db.close()
    assert kind in [fault.kind for fault in kept.verdict().faults]


def test_a_root_that_was_not_signed_with_the_key_is_found(kept):
    _three_days(kept)
    lines = kept.file.read_bytes().splitlines()
    kept.file.write_bytes(b"\n".join([lines[0], lines[1].replace(b",4,", b",3,"), *lines[2:]]) + b"\n")
    assert "forged" in [fault.kind for fault in kept.verdict().faults]


def test_a_damaged_file_of_roots_is_refused_with_its_line(kept):
    _three_days(kept)
    kept.file.write_bytes(kept.file.read_bytes() + b"half a li")
    with pytest.raises(ValueError, match=r"engine\.db\.roots:5: no root of a day: .*; take the file"):
        read_roots(kept.file)


def test_after_a_rollback_the_chain_goes_on_from_what_is_on_record(kept):
    trail = Trail(kept.journal)
    trail.add(kept.now, "a", "x", "", "")
    with pytest.raises(ZeroDivisionError), kept.journal.together():
        trail.add(kept.now, "a", "never", "", "")
        raise ZeroDivisionError
    trail.add(kept.now, "a", "y", "", "")
    assert verify(JournalAuditLog(kept.journal)).sound


def test_a_journal_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.db: there is no such journal; give"):
        JournalFile(f"sqlite:///{tmp_path}/none.db")
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(ValueError, match="cannot be read as a journal: file is not a database"):
        JournalFile(f"sqlite:///{tmp_path}/text.db").audit_rows()
