"""The journal of many workers: PostgreSQL, in which lanes are leased.

Each worker process has a journal of its own on the same database. A lane, the business key within which events are
worked in order, belongs to one worker at a time, until it lets go of it or its lease runs out. Calls are synchronous:
a commit is a round trip of about a millisecond, in which a worker does nothing else; what scales is the workers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import ColumnElement

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store.governed import Governed
from o2c_twin.integration.store.migrate import upgrade
from o2c_twin.integration.store.records import Case, Effect, Link
from o2c_twin.integration.store.tables import AUDIT, CASE, CURSOR, EFFECT, INBOX, LANE, XREF

_EVENT = (INBOX.c.event_id, INBOX.c.flow, INBOX.c.object_id, INBOX.c.lane, INBOX.c.source_at)


class PostgresJournal(Governed):
    """One worker's view of the shared memory. ``url`` is SQLAlchemy's, with the driver pg8000."""

    shared = True

    def __init__(self, url: str, worker: str) -> None:
        self.worker = worker
        self._engine = create_engine(url, pool_size=1, max_overflow=0)
        upgrade(self._engine)
        self._db: Connection = self._engine.connect()
        self._depth = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes inside the block are one commit, or none is made."""
        self._depth += 1
        try:
            yield
        except BaseException:
            if self._depth == 1:
                self._db.rollback()
            raise
        else:
            if self._depth == 1:
                self._db.commit()
        finally:
            self._depth -= 1

    def close(self) -> None:
        """Let go of this worker's lanes and of the database."""
        with self.together():
            self._db.execute(LANE.update().where(LANE.c.owner == self.worker).values(owner=None, lease_until=0))
        self._db.close()
        self._engine.dispose()

    def _write(self, statement: Any) -> int:
        with self.together():
            return int(self._db.execute(statement).rowcount)

    def _rows(self, statement: Any) -> list[tuple[Any, ...]]:
        # A read ends its transaction too: the next one is to see what other workers have committed since.
        with self.together():
            return [tuple(row) for row in self._db.execute(statement)]

    def _sql(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        with self.together():
            result = self._db.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def rename(self, old: str, new: Callable[[str], str]) -> int:
        """As of any journal; lanes are named by the same names."""
        with self.together():
            held = select(LANE.c.name).where(LANE.c.name.contains(old, autoescape=True))
            for (name,) in list(self._db.execute(held)):
                if new(name) != name:
                    self._db.execute(LANE.delete().where(LANE.c.name == name))
            return super().rename(old, new)

    def compact(self) -> None:
        """Nothing: old versions of rows are the server's until its vacuum, archives of its log the operator's."""

    # --- lanes -----------------------------------------------------------------------------------

    def claim(self, now: int, lease_us: int, most: int) -> list[Inbound]:
        """Lease up to ``most`` free lanes that have work, renew those held, and give all open events of both."""
        with self.together():
            until = now + lease_us
            self._db.execute(LANE.update().where(LANE.c.owner == self.worker).values(lease_until=until))
            is_free = (LANE.c.owner.is_(None)) | (LANE.c.lease_until < now)
            # Only free ones count: the oldest may all be held by workers that died a moment ago.
            waiting = (
                select(INBOX.c.lane)
                .join(LANE, LANE.c.name == INBOX.c.lane)
                .where(INBOX.c.state == "open", is_free)
                .group_by(INBOX.c.lane)
                .order_by(func.min(INBOX.c.seq))
            ).limit(most * 4)
            free = (
                select(LANE.c.name)
                .where(LANE.c.name.in_(waiting), is_free)
                .limit(most)
                .with_for_update(skip_locked=True)
            )
            names = [row[0] for row in self._db.execute(free)]
            if names:
                taken = LANE.update().where(LANE.c.name.in_(names))
                self._db.execute(taken.values(owner=self.worker, lease_until=until))
            mine = select(LANE.c.name).where(LANE.c.owner == self.worker)
            found = self._db.execute(
                select(*_EVENT).where(INBOX.c.state == "open", INBOX.c.lane.in_(mine)).order_by(INBOX.c.seq)
            )
            return [Inbound(*row) for row in found]

    def yield_lane(self, name: str) -> None:
        """Another worker may have the lane."""
        self._write(
            LANE.update().where(LANE.c.name == name, LANE.c.owner == self.worker).values(owner=None, lease_until=0)
        )

    def lease(self, name: str, now: int, lease_us: int) -> bool:
        """Take or renew a named duty, such as asking a system for its changes; False while another worker has it."""
        with self.together():
            self._db.execute(insert(LANE).values(name=name, owner=None, lease_until=0).on_conflict_do_nothing())
            free = (LANE.c.owner.is_(None)) | (LANE.c.owner == self.worker) | (LANE.c.lease_until < now)
            statement = LANE.update().where(LANE.c.name == name, free)
            return self._db.execute(statement.values(owner=self.worker, lease_until=now + lease_us)).rowcount == 1

    # --- inbox -----------------------------------------------------------------------------------

    def accept(self, event: Inbound, now: int) -> bool:
        """Commit an event to the inbox; False when it is there already."""
        with self.together():
            row = {
                "event_id": event.event_id,
                "flow": event.flow,
                "object_id": event.object_id,
                "lane": event.lane,
                "source_at": event.source_at,
                "received_at": now,
                "state": "open",
            }
            done = self._db.execute(insert(INBOX).values(row).on_conflict_do_nothing())
            self._db.execute(insert(LANE).values(name=event.lane, lease_until=0).on_conflict_do_nothing())
            return done.rowcount == 1

    def told(self, flow: str, object_id: str) -> tuple[int, int]:
        """How many open events of a flow there are about a record, and when it was last read for one."""
        found = select(
            func.count().filter(INBOX.c.state == "open"), func.coalesce(func.max(INBOX.c.read_at), -1)
        ).where(INBOX.c.flow == flow, INBOX.c.object_id == object_id)
        ((waiting, read_at),) = self._rows(found)
        return waiting, read_at

    def reading(self, event_id: str, now: int) -> None:
        """The record an event tells of is about to be read."""
        with self.together():
            if self._depth == 1:
                # A server that dies with it has a record read once more, and nothing else: not worth a wait for a disk.
                self._db.execute(text("set local synchronous_commit to off"))
            self._db.execute(INBOX.update().where(INBOX.c.event_id == event_id).values(read_at=now))

    def finish(self, event_id: str, state: str, parked_on: str | None = None) -> None:
        """The event is ``done``, ``dead`` or ``parked``."""
        self._write(INBOX.update().where(INBOX.c.event_id == event_id).values(state=state, parked_on=parked_on))

    def pending(self) -> list[Inbound]:
        """Open events in the order they were received, whoever's they are."""
        return [
            Inbound(*row) for row in self._rows(select(*_EVENT).where(INBOX.c.state == "open").order_by(INBOX.c.seq))
        ]

    def release(self, effect_key: str) -> list[Inbound]:
        """Open again what is parked on an effect."""
        parked = (INBOX.c.state == "parked") & (INBOX.c.parked_on == effect_key)
        with self.together():
            rows = self._db.execute(select(*_EVENT).where(parked).order_by(INBOX.c.seq)).all()
            self._db.execute(INBOX.update().where(parked).values(state="open", parked_on=None))
            return [Inbound(*row) for row in rows]

    def event(self, event_id: str) -> tuple[Inbound, str] | None:
        """An event and its state."""
        rows = self._rows(select(*_EVENT, INBOX.c.state).where(INBOX.c.event_id == event_id))
        return (Inbound(*rows[0][:5]), str(rows[0][5])) if rows else None

    def reopen(self, event_id: str) -> Inbound | None:
        """Open an event again."""
        with self.together():
            named = INBOX.c.event_id == event_id
            self._db.execute(INBOX.update().where(named).values(state="open", parked_on=None))
            row = self._db.execute(select(*_EVENT).where(named)).first()
            return None if row is None else Inbound(*row)

    # --- effects ---------------------------------------------------------------------------------

    def intend(self, effect: Effect) -> Effect | None:
        """Put an effect on record as sent; gives the one on record instead, when there is one already."""
        with self.together():
            done = self._db.execute(insert(EFFECT).values(msgspec.structs.asdict(effect)).on_conflict_do_nothing())
            return None if done.rowcount == 1 else self.effect(effect.key)

    def effect(self, key: str) -> Effect | None:
        """The effect of that key."""
        rows = self._rows(select(EFFECT).where(EFFECT.c.key == key))
        return Effect(*rows[0]) if rows else None

    def _change_effect(self, condition: ColumnElement[bool], **values: object) -> None:
        self._write(EFFECT.update().where(condition).values(**values))

    def resend(self, key: str, now: int) -> None:
        """The next attempt is about to leave."""
        self._change_effect(EFFECT.c.key == key, state="sent", sent_at=now, next_at=None)

    def again(self, key: str, attempts: int, next_at: int, *, unknown: bool) -> None:
        """The next attempt is due at ``next_at``."""
        state = "sent" if unknown else "due"
        self._change_effect(EFFECT.c.key == key, state=state, attempts=attempts, next_at=next_at)

    def settle(self, key: str, result: str, links: Sequence[Link] = ()) -> None:
        """The effect is done; ``result`` is what a replay gets."""
        with self.together():
            self._change_effect(EFFECT.c.key == key, state="done", result=result, next_at=None)
            for link in links:
                self.link(link.system, link.kind, link.canonical, link.remote)

    def give_up(self, key: str) -> None:
        """The effect is dead."""
        self._change_effect((EFFECT.c.key == key) & (EFFECT.c.state != "done"), state="dead", next_at=None)

    def revive(self, key: str, now: int) -> None:
        """A dead effect is to be sent again."""
        dead = (EFFECT.c.key == key) & (EFFECT.c.state == "dead")
        self._change_effect(dead, state="due", attempts=1, created_at=now, next_at=now)

    def void(self, key: str) -> None:
        """As if it had never been intended."""
        self._write(EFFECT.delete().where(EFFECT.c.key == key, EFFECT.c.state != "done"))

    def record(self, key: str, result: str, now: int) -> None:
        """Put a decision on record."""
        decision = Effect(key, "", "decide", b"", "", "", "done", result, 1, now, now, None)
        self._write(insert(EFFECT).values(msgspec.structs.asdict(decision)).on_conflict_do_nothing())

    def outcome(self, key: str) -> str | None:
        """The result of an effect that is done; None while it is not."""
        rows = self._rows(select(EFFECT.c.result).where(EFFECT.c.key == key, EFFECT.c.state == "done"))
        return str(rows[0][0]) if rows else None

    def unsettled(self) -> list[Effect]:
        """Effects without an outcome, oldest first."""
        open_ones = select(EFFECT).where(EFFECT.c.state != "done").order_by(EFFECT.c.created_at, EFFECT.c.key)
        return [Effect(*row) for row in self._rows(open_ones)]

    # --- cross-references and cursors ------------------------------------------------------------

    def remote(self, system: str, kind: str, canonical: str) -> str | None:
        """The id a system has for something."""
        named = (XREF.c.system == system) & (XREF.c.kind == kind) & (XREF.c.canonical == canonical)
        rows = self._rows(select(XREF.c.remote).where(named))
        return str(rows[0][0]) if rows else None

    def link(self, system: str, kind: str, canonical: str, remote: str) -> None:
        """Remember the id a system has for something."""
        put = insert(XREF).values(system=system, kind=kind, canonical=canonical, remote=remote)
        self._write(put.on_conflict_do_update(index_elements=["system", "kind", "canonical"], set_={"remote": remote}))

    def cursor(self, name: str, default: str) -> str:
        """Where a poll stopped."""
        rows = self._rows(select(CURSOR.c.value).where(CURSOR.c.name == name))
        return str(rows[0][0]) if rows else default

    def cursors(self, prefix: str) -> dict[str, str]:
        """All cursors whose names begin so."""
        return dict(self._rows(select(CURSOR).where(CURSOR.c.name.startswith(prefix, autoescape=True))))

    def move(self, name: str, value: str) -> None:
        """A poll got this far."""
        put = insert(CURSOR).values(name=name, value=value)
        self._write(put.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    # --- cases -----------------------------------------------------------------------------------

    def open_case(self, case: Case) -> bool:
        """Put a case on record; False when the same case is there already. One that was replayed is opened again."""
        row = msgspec.structs.asdict(case)
        once = insert(CASE).values(row)
        again = CASE.c.state == "replayed"
        return self._write(once.on_conflict_do_update(index_elements=["case_id"], set_=row, where=again)) == 1

    def case(self, case_id: str) -> Case | None:
        """The case of that id."""
        rows = self._rows(select(CASE).where(CASE.c.case_id == case_id))
        return Case(*rows[0]) if rows else None

    def close_case(self, case_id: str, now: int, by: str = "", note: str = "", state: str = "closed") -> bool:
        """A person settled it; of two at two workers one is first."""
        closing = CASE.update().where(CASE.c.case_id == case_id, CASE.c.state == "open")
        return self._write(closing.values(state=state, closed_at=now, closed_by=by, note=note)) == 1

    def escalate(self, case_id: str, level: int, due_at: int, owner: str) -> None:
        """Nobody settled it in time."""
        self._write(CASE.update().where(CASE.c.case_id == case_id).values(level=level, due_at=due_at, owner=owner))

    def cases(self, state: str | None = None) -> list[Case]:
        """Cases in the order they were opened."""
        statement = select(CASE).order_by(CASE.c.opened_at, CASE.c.case_id)
        return [
            Case(*row) for row in self._rows(statement if state is None else statement.where(CASE.c.state == state))
        ]

    # --- audit -----------------------------------------------------------------------------------

    def lock_audit(self) -> None:
        """Until the transaction ends, no other worker appends to the audit log."""
        self._db.execute(text("select pg_advisory_xact_lock(2026112302)"))

    def append_audit(self, seq: int, body: bytes, link: bytes) -> None:
        """Append a row of the audit log."""
        self._write(AUDIT.insert().values(seq=seq, body=body, link=link))

    def last_audit(self) -> tuple[int, bytes, bytes] | None:
        """The row with the highest place."""
        rows = self._rows(select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(1))
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def audit_rows(self) -> list[tuple[int, bytes, bytes]]:
        """All rows by place."""
        return [(row[0], row[1], row[2]) for row in self._rows(select(AUDIT).order_by(AUDIT.c.seq))]

    def counts(self) -> dict[str, int]:
        """How many there are by state."""
        rows = self._rows(
            text(
                "select 'inbox.' || state, count(*) from inbox group by state union all"
                " select 'effect.' || state, count(*) from effect group by state union all"
                " select 'case.' || state, count(*) from exception_case group by state"
            )
        )
        return {str(name): int(count) for name, count in rows}
