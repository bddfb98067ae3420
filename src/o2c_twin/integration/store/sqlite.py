"""The journal of one worker: a SQLite file (or memory), one writer."""

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store.governed import Governed
from o2c_twin.integration.store.records import Case, Effect, Link

# The index of a record's events is for several workers, and costs each event something: it is not made here.
_SCHEMA = """
begin;
create table if not exists inbox (
  seq integer primary key, event_id text not null unique, flow text not null, object_id text not null,
  lane text not null, source_at integer not null, received_at integer not null, state text not null,
  parked_on text, read_at integer
);
create index if not exists inbox_open on inbox (seq) where state = 'open';
create index if not exists inbox_parked on inbox (parked_on) where state = 'parked';
create table if not exists effect (
  key text primary key, system text not null, write text not null, arguments blob not null,
  correlation text not null, lane text not null, state text not null, result text, attempts integer not null,
  created_at integer not null, sent_at integer not null, next_at integer
);
create index if not exists effect_unsettled on effect (created_at) where state <> 'done';
create table if not exists xref (
  system text not null, kind text not null, canonical text not null, remote text not null,
  primary key (system, kind, canonical)
) without rowid;
create table if not exists cursor (name text primary key, value text not null) without rowid;
create table if not exists exception_case (
  case_id text primary key, kind text not null, flow text not null, object_id text not null, lane text not null,
  effect_key text, reason text not null, owner text not null, opened_at integer not null, due_at integer not null,
  level integer not null, state text not null, closed_at integer, closed_by text, note text
);
create table if not exists audit (seq integer primary key, body blob not null, link blob not null);
create table if not exists approval (
  id text primary key, version integer not null, operation text not null, state text not null,
  asked_at integer not null, body blob not null
) without rowid;
commit;
"""
_ADDED = (("inbox", "read_at", "integer"),)
"""Columns that were added to a table of an earlier version."""
_KEPT_XREFS = 200_000


class JournalInUse(RuntimeError):
    """Another engine works on the same file."""


class SqliteJournal(Governed):
    """One engine's durable memory.

    ``path`` is a file or ``:memory:``. ``synchronous`` is SQLite's: FULL for production (each commit
    reaches the disk), OFF where the process itself is a simulation. Raises `JournalInUse`.
    """

    shared = False

    def __init__(self, path: str = ":memory:", synchronous: str = "FULL") -> None:
        self._lock = None if path == ":memory:" else _lock(path)
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        self._db.execute(f"pragma synchronous = {synchronous}")
        # What dies with the process needs no journal to roll back from: a fifth of the cost of each statement.
        self._db.execute(f"pragma journal_mode = {'off' if path == ':memory:' else 'wal'}")
        self._db.executescript(_SCHEMA)
        self._add_columns()
        if path == ":memory:":
            # Nobody else reads it and nothing of it outlives the process: one transaction for all, never ended,
            # for to begin and end one is half the cost of a statement.
            self._db.execute("begin")
        # One cursor for all: every result is read before the next statement.
        self._run = self._db.cursor().execute
        # In memory nothing survives the process, so nothing can be half of it.
        self._durable = path != ":memory:"
        self._depth = 0
        self._xrefs: dict[tuple[str, str, str], str] = {}

    def _add_columns(self) -> None:
        """What a file of an earlier version lacks; tables and indexes it lacks are made with the rest."""
        for table, column, kind in _ADDED:
            if column not in [row[1] for row in self._db.execute(f"pragma table_info({table})")]:
                self._db.execute(f"alter table {table} add column {column} {kind}")

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes inside the block are one commit, or none is made."""
        if not self._durable or self._depth:
            yield
            return
        self._run("begin immediate")
        self._depth += 1
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._run("rollback")
            self._xrefs.clear()
            raise
        else:
            self._run("commit")
        finally:
            self._depth -= 1

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    def _sql(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        return self._run(statement, values).fetchall()

    def _forgotten(self) -> None:
        self._xrefs.clear()

    def compact(self) -> None:
        """Write the file anew: what was deleted or renamed is in none of its pages. Takes as long as a copy."""
        if self._durable:
            self._run("vacuum")
            self._run("pragma wal_checkpoint(truncate)").fetchall()

    # --- inbox -----------------------------------------------------------------------------------

    def accept(self, event: Inbound, now: int) -> bool:
        """Commit an event to the inbox; False when it is there already."""
        done = self._run(
            "insert or ignore into inbox (event_id, flow, object_id, lane, source_at, received_at, state)"
            " values (?,?,?,?,?,?,'open')",
            (event.event_id, event.flow, event.object_id, event.lane, event.source_at, now),
        )
        return done.rowcount == 1

    def finish(self, event_id: str, state: str, parked_on: str | None = None) -> None:
        """The event is ``done``, ``dead`` or ``parked``."""
        self._run("update inbox set state = ?, parked_on = ? where event_id = ?", (state, parked_on, event_id))

    def pending(self) -> list[Inbound]:
        """Open events in the order they were received, for recovery."""
        rows = self._run(
            "select event_id, flow, object_id, lane, source_at from inbox where state = 'open' order by seq"
        ).fetchall()
        return [Inbound(*row) for row in rows]

    def release(self, effect_key: str) -> list[Inbound]:
        """Open again what is parked on an effect."""
        rows = self._run(
            "select event_id, flow, object_id, lane, source_at from inbox"
            " where state = 'parked' and parked_on = ? order by seq",
            (effect_key,),
        ).fetchall()
        if rows:
            self._run(
                "update inbox set state = 'open', parked_on = null where state = 'parked' and parked_on = ?",
                (effect_key,),
            )
        return [Inbound(*row) for row in rows]

    def event(self, event_id: str) -> tuple[Inbound, str] | None:
        """An event and its state."""
        row = self._run(
            "select event_id, flow, object_id, lane, source_at, state from inbox where event_id = ?", (event_id,)
        ).fetchone()
        return None if row is None else (Inbound(*row[:5]), str(row[5]))

    def reopen(self, event_id: str) -> Inbound | None:
        """Open an event again."""
        done = self._run("update inbox set state = 'open', parked_on = null where event_id = ?", (event_id,))
        if done.rowcount == 0:
            return None
        row = self._run(
            "select event_id, flow, object_id, lane, source_at from inbox where event_id = ?", (event_id,)
        ).fetchone()
        return Inbound(*row)

    # --- effects ---------------------------------------------------------------------------------

    def intend(self, effect: Effect) -> Effect | None:
        """Put an effect on record as sent; gives the one on record instead, when there is one already."""
        done = self._run(
            "insert or ignore into effect values (?,?,?,?,?,?,?,?,?,?,?,?)", msgspec.structs.astuple(effect)
        )
        return None if done.rowcount == 1 else self.effect(effect.key)

    def effect(self, key: str) -> Effect | None:
        """The effect of that key."""
        row = self._run("select * from effect where key = ?", (key,)).fetchone()
        return None if row is None else Effect(*row)

    def resend(self, key: str, now: int) -> None:
        """The next attempt is about to leave."""
        self._run("update effect set state = 'sent', sent_at = ?, next_at = null where key = ?", (now, key))

    def again(self, key: str, attempts: int, next_at: int, *, unknown: bool) -> None:
        """The next attempt is due at ``next_at``."""
        state = "sent" if unknown else "due"
        self._run(
            "update effect set state = ?, attempts = ?, next_at = ? where key = ?", (state, attempts, next_at, key)
        )

    def settle(self, key: str, result: str, links: Sequence[Link] = ()) -> None:
        """The effect is done; ``result`` is what a replay gets."""
        if not links:
            self._run("update effect set state = 'done', result = ?, next_at = null where key = ?", (result, key))
            return
        with self.together():
            self._run("update effect set state = 'done', result = ?, next_at = null where key = ?", (result, key))
            for link in links:
                self.link(link.system, link.kind, link.canonical, link.remote)

    def give_up(self, key: str) -> None:
        """The effect is dead."""
        self._run("update effect set state = 'dead', next_at = null where key = ? and state <> 'done'", (key,))

    def revive(self, key: str, now: int) -> None:
        """A dead effect is to be sent again."""
        self._run(
            "update effect set state = 'due', attempts = 1, created_at = ?, next_at = ?"
            " where key = ? and state = 'dead'",
            (now, now, key),
        )

    def void(self, key: str) -> None:
        """As if it had never been intended."""
        self._run("delete from effect where key = ? and state <> 'done'", (key,))

    def record(self, key: str, result: str, now: int) -> None:
        """Put a decision on record."""
        self._run(
            "insert or ignore into effect values (?,'','decide',x'','','','done',?,1,?,?,null)", (key, result, now, now)
        )

    def outcome(self, key: str) -> str | None:
        """The result of an effect that is done; None while it is not."""
        row = self._run("select result from effect where key = ? and state = 'done'", (key,)).fetchone()
        return None if row is None else str(row[0])

    def unsettled(self) -> list[Effect]:
        """Effects without an outcome, oldest first."""
        rows = self._run("select * from effect where state <> 'done' order by created_at, key").fetchall()
        return [Effect(*row) for row in rows]

    # --- cross-references and cursors ------------------------------------------------------------

    def remote(self, system: str, kind: str, canonical: str) -> str | None:
        """The id a system has for something."""
        key = (system, kind, canonical)
        known = self._xrefs.get(key)
        if known is None:
            row = self._run("select remote from xref where system = ? and kind = ? and canonical = ?", key).fetchone()
            if row is None:
                return None
            known = self._remember(key, row[0])
        return known

    def link(self, system: str, kind: str, canonical: str, remote: str) -> None:
        """Remember the id a system has for something."""
        self._run("insert or replace into xref values (?,?,?,?)", (system, kind, canonical, remote))
        self._remember((system, kind, canonical), remote)

    def _remember(self, key: tuple[str, str, str], remote: str) -> str:
        if len(self._xrefs) >= _KEPT_XREFS:
            del self._xrefs[next(iter(self._xrefs))]
        self._xrefs[key] = remote
        return remote

    def cursor(self, name: str, default: str) -> str:
        """Where a poll stopped."""
        row = self._run("select value from cursor where name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def move(self, name: str, value: str) -> None:
        """A poll got this far."""
        self._run("insert or replace into cursor values (?,?)", (name, value))

    # --- cases -----------------------------------------------------------------------------------

    def open_case(self, case: Case) -> bool:
        """Put a case on record; False when the same case is there already. One that was replayed is opened again."""
        names = case.__struct_fields__
        done = self._run(
            f"insert into exception_case values ({','.join('?' * len(names))}) on conflict (case_id) do update set"
            f" {', '.join(f'{name} = excluded.{name}' for name in names)} where exception_case.state = 'replayed'",
            msgspec.structs.astuple(case),
        )
        return done.rowcount == 1

    def case(self, case_id: str) -> Case | None:
        """The case of that id."""
        row = self._run("select * from exception_case where case_id = ?", (case_id,)).fetchone()
        return None if row is None else Case(*row)

    def close_case(self, case_id: str, now: int, by: str = "", note: str = "", state: str = "closed") -> bool:
        """A person settled it; False when it is not open."""
        done = self._run(
            "update exception_case set state = ?, closed_at = ?, closed_by = ?, note = ?"
            " where case_id = ? and state = 'open'",
            (state, now, by, note, case_id),
        )
        return done.rowcount == 1

    def escalate(self, case_id: str, level: int, due_at: int, owner: str) -> None:
        """Nobody settled it in time."""
        self._run(
            "update exception_case set level = ?, due_at = ?, owner = ? where case_id = ?",
            (level, due_at, owner, case_id),
        )

    def cases(self, state: str | None = None) -> list[Case]:
        """Cases in the order they were opened."""
        rows = self._run(
            "select * from exception_case where ? is null or state = ? order by opened_at, case_id", (state, state)
        ).fetchall()
        return [Case(*row) for row in rows]

    # --- audit -----------------------------------------------------------------------------------

    def lock_audit(self) -> None:
        """There is no other worker."""

    def append_audit(self, seq: int, body: bytes, link: bytes) -> None:
        """Append a row of the audit log."""
        self._run("insert into audit values (?,?,?)", (seq, body, link))

    def last_audit(self) -> tuple[int, bytes, bytes] | None:
        """The row with the highest place."""
        row = self._run("select * from audit order by seq desc limit 1").fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def audit_rows(self) -> list[tuple[int, bytes, bytes]]:
        """All rows by place."""
        return self._run("select * from audit order by seq").fetchall()

    def counts(self) -> dict[str, int]:
        """How many there are by state."""
        rows = self._run(
            "select 'inbox.' || state, count(*) from inbox group by state union all"
            " select 'effect.' || state, count(*) from effect group by state union all"
            " select 'case.' || state, count(*) from exception_case group by state"
        ).fetchall()
        return dict(rows)


def _lock(path: str) -> IO[bytes]:
    # The kernel lets go of it when the process dies, however it dies.
    held = Path(f"{path}.lock").open("wb")  # noqa: SIM115 - held for as long as the journal is
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        held.close()
        raise JournalInUse(f"{path}: another engine works on this journal; stop it, or use PostgreSQL") from taken
    return held
