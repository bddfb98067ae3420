"""The engine's journal in SQLite: inbox, effects, cross-references, cursors, cases.

An inbound event is acknowledged only after its inbox row is committed; an outbound effect is on
record before its first byte is sent; its outcome before the next step.
"""

import sqlite3
from collections.abc import Iterator

import msgspec

from o2c_twin.integration.model import Inbound

_SCHEMA = """
begin;
create table if not exists inbox (
  seq integer primary key, event_id text not null unique, flow text not null, object_id text not null,
  lane text not null, source_at integer not null, received_at integer not null, state text not null
);
create index if not exists inbox_open on inbox (seq) where state = 'open';
create table if not exists effect (
  key text primary key, state text not null, result text, attempts integer not null,
  created_at integer not null, next_at integer
) without rowid;
create table if not exists xref (
  system text not null, kind text not null, canonical text not null, remote text not null,
  primary key (system, kind, canonical)
) without rowid;
create table if not exists cursor (name text primary key, value text not null) without rowid;
create table if not exists letter (
  case_id text primary key, flow text not null, object_id text not null, effect_key text,
  reason text not null, opened_at integer not null, closed_at integer
) without rowid;
commit;
"""


class EffectRow(msgspec.Struct, frozen=True):
    """An effect as journalled: ``state`` is sent (outcome unknown until resolved) or done."""

    state: str
    result: str | None
    attempts: int
    created_at: int
    next_at: int | None


class Case(msgspec.Struct, frozen=True):
    """A dead letter."""

    case_id: str
    flow: str
    object_id: str
    effect_key: str | None
    reason: str
    opened_at: int
    closed_at: int | None


class Journal:
    """One engine's durable memory.

    ``path`` is a file or ``:memory:``. ``synchronous`` is SQLite's: FULL for production (each commit
    reaches the disk), OFF where the process itself is a simulation.
    """

    def __init__(self, path: str = ":memory:", synchronous: str = "FULL") -> None:
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        self._db.execute(f"pragma synchronous = {synchronous}")
        # What dies with the process needs no journal to roll back from: a fifth of the cost of each statement.
        self._db.execute(f"pragma journal_mode = {'off' if path == ':memory:' else 'wal'}")
        self._db.executescript(_SCHEMA)
        # One cursor for all: every result is read before the next statement.
        self._run = self._db.cursor().execute
        self._xrefs: dict[tuple[str, str, str], str] = {}

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def accept(self, event: Inbound, now: int) -> bool:
        """Commit an event to the inbox; False when it is there already."""
        done = self._run(
            "insert or ignore into inbox (event_id, flow, object_id, lane, source_at, received_at, state)"
            " values (?,?,?,?,?,?,'open')",
            (event.event_id, event.flow, event.object_id, event.lane, event.source_at, now),
        )
        return done.rowcount == 1

    def finish(self, event_id: str, state: str) -> None:
        """The event is ``done`` or ``dead``."""
        self._run("update inbox set state = ? where event_id = ?", (state, event_id))

    def pending(self) -> Iterator[Inbound]:
        """Open events in the order they were received, for recovery."""
        rows = self._run(
            "select event_id, flow, object_id, lane, source_at from inbox where state = 'open' order by seq"
        ).fetchall()
        for row in rows:
            yield Inbound(*row)

    def intend(self, key: str, now: int) -> EffectRow | None:
        """Put an effect on record as sent; gives the row instead when there is one already."""
        done = self._run("insert or ignore into effect values (?,'sent',null,1,?,null)", (key, now))
        if done.rowcount == 1:
            return None
        row = self._run("select state, result, attempts, created_at, next_at from effect where key = ?", (key,))
        return EffectRow(*row.fetchone())

    def has_effect(self, key: str) -> bool:
        """Whether an effect is on record, with or without an outcome."""
        return self._run("select 1 from effect where key = ?", (key,)).fetchone() is not None

    def outcome(self, key: str) -> str | None:
        """The result of an effect that is done; None while it is not."""
        row = self._run("select result from effect where key = ? and state = 'done'", (key,)).fetchone()
        return None if row is None else str(row[0])

    def record(self, key: str, result: str, now: int) -> None:
        """Put something on record that is done as soon as it is said: a decision."""
        self._run("insert or ignore into effect values (?,'done',?,1,?,null)", (key, result, now))

    def again(self, key: str, attempts: int, next_at: int) -> None:
        """The next attempt is due at ``next_at``."""
        self._run("update effect set attempts = ?, next_at = ? where key = ?", (attempts, next_at, key))

    def settle(self, key: str, result: str) -> None:
        """The effect is done; ``result`` is what a replay gets."""
        self._run("update effect set state = 'done', result = ? where key = ?", (result, key))

    def remote(self, system: str, kind: str, canonical: str) -> str | None:
        """The id a system has for something."""
        key = (system, kind, canonical)
        known = self._xrefs.get(key)
        if known is None:
            row = self._run("select remote from xref where system = ? and kind = ? and canonical = ?", key).fetchone()
            if row is None:
                return None
            known = self._xrefs[key] = row[0]
        return known

    def link(self, system: str, kind: str, canonical: str, remote: str) -> None:
        """Remember the id a system has for something."""
        self._run("insert or replace into xref values (?,?,?,?)", (system, kind, canonical, remote))
        self._xrefs[system, kind, canonical] = remote

    def cursor(self, name: str, default: str) -> str:
        """Where a poll stopped."""
        row = self._run("select value from cursor where name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def move(self, name: str, value: str) -> None:
        """A poll got this far."""
        self._run("insert or replace into cursor values (?,?)", (name, value))

    def open_case(self, case: Case) -> bool:
        """Put a dead letter on record; False when the same case is there already."""
        done = self._run("insert or ignore into letter values (?,?,?,?,?,?,?)", msgspec.structs.astuple(case))
        return done.rowcount == 1

    def has_case(self, case_id: str) -> bool:
        """Whether that case was ever opened."""
        return self._run("select 1 from letter where case_id = ?", (case_id,)).fetchone() is not None

    def close_case(self, case_id: str, now: int) -> None:
        """A person settled it."""
        self._run("update letter set closed_at = ? where case_id = ?", (now, case_id))

    def cases(self) -> list[Case]:
        """All cases in the order they were opened."""
        return [Case(*row) for row in self._run("select * from letter order by opened_at, case_id")]
