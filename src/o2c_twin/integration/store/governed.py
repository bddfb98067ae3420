"""What both journals keep for governance, in SQL both databases read: approvals, and the forgetting of people."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store.records import ApprovalRow, Backlog, Effect, Link

# What things are named by; sealed texts, results and notes are not among them.
_NAMES: dict[str, tuple[str, ...]] = {
    "inbox": ("event_id", "object_id", "lane", "parked_on"),
    "effect": ("key", "correlation", "lane"),
    "exception_case": ("case_id", "object_id", "lane", "effect_key"),
    "xref": ("canonical", "remote"),
}
_KEYS = {
    "inbox": ("event_id",),
    "effect": ("key",),
    "exception_case": ("case_id",),
    "xref": ("system", "kind", "canonical"),
}
_APPROVAL = "select id, version, operation, state, asked_at, body from approval"


class Governed:
    """Part of a journal; the other part runs its statements."""

    def together(self) -> AbstractContextManager[None]:
        """All changes inside the block are one commit."""
        raise NotImplementedError

    def _sql(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def _forgotten(self) -> None:
        """What is remembered of cross-references no longer holds."""

    # --- approvals -------------------------------------------------------------------------------

    def put_approval(self, row: ApprovalRow) -> bool:
        """Keep a request (version 1) or its next version; False when somebody else was first."""
        values = {name: getattr(row, name) for name in row.__struct_fields__}
        if row.version == 1:
            done = self._sql(
                "insert into approval (id, version, operation, state, asked_at, body)"
                " values (:id, :version, :operation, :state, :asked_at, :body) on conflict do nothing returning id",
                **values,
            )
        else:
            done = self._sql(
                "update approval set version = :version, state = :state, body = :body"
                " where id = :id and version = :version - 1 returning id",
                id=row.id,
                version=row.version,
                state=row.state,
                body=row.body,
            )
        return len(done) == 1

    def approval(self, id_: str) -> ApprovalRow | None:
        """The request of that id."""
        rows = self._sql(f"{_APPROVAL} where id = :id", id=id_)
        return ApprovalRow(*rows[0]) if rows else None

    def approvals(self, state: str | None = None) -> list[ApprovalRow]:
        """Requests, oldest first."""
        where, values = ("", {}) if state is None else (" where state = :state", {"state": state})
        return [ApprovalRow(*row) for row in self._sql(f"{_APPROVAL}{where} order by asked_at, id", **values)]

    # --- what waits ------------------------------------------------------------------------------

    def lately_done(self, most: int) -> list[tuple[Inbound, int]]:
        """Of the newest ``most`` events those that are done, and when each was received; the newest first."""
        rows = self._sql(
            "select event_id, flow, object_id, lane, source_at, received_at from"
            " (select * from inbox order by seq desc limit :most) newest where state = 'done' order by seq desc",
            most=most,
        )
        return [(Inbound(*row[:5]), int(row[5])) for row in rows]

    def backlog(self) -> list[Backlog]:
        """What is not done, by flow and state."""
        rows = self._sql(
            "select flow, state, count(*), min(received_at) from inbox where state <> 'done'"
            " group by flow, state order by flow, state"
        )
        return [Backlog(*row) for row in rows]

    # --- personal data ---------------------------------------------------------------------------

    def effects(self) -> list[Effect]:
        """All effects and decisions, oldest first."""
        return [Effect(*row) for row in self._sql("select * from effect order by created_at, key")]

    def links(self, system: str, kind: str) -> list[Link]:
        """All cross-references of a kind."""
        rows = self._sql(
            "select system, kind, canonical, remote from xref where system = :system and kind = :kind"
            " order by canonical",
            system=system,
            kind=kind,
        )
        return [Link(*row) for row in rows]

    def unlink(self, link: Link) -> None:
        """Forget a cross-reference."""
        self._sql(
            "delete from xref where system = :system and kind = :kind and canonical = :canonical",
            system=link.system,
            kind=link.kind,
            canonical=link.canonical,
        )
        self._forgotten()

    def replace_arguments(self, key: str, arguments: bytes) -> None:
        """What an effect was called with is now on record as this."""
        self._sql("update effect set arguments = :arguments where key = :key", arguments=arguments, key=key)

    def rename(self, old: str, new: Callable[[str], str]) -> int:
        """Put ``new(text)`` for every name that holds ``old``; gives how many rows changed."""
        changed = 0
        with self.together():
            for table, columns in _NAMES.items():
                for row in self._holding(table, old):
                    made = {column: value and new(value) for column, value in row.items() if column in columns}
                    differs = {column: value for column, value in made.items() if value != row[column]}
                    if not differs:
                        continue
                    told = ", ".join(f"{column} = :new_{column}" for column in differs)
                    named = " and ".join(f"{column} = :{column}" for column in _KEYS[table])
                    values = {column: row[column] for column in _KEYS[table]}
                    self._sql(
                        f"update {table} set {told} where {named}",
                        **values,
                        **{f"new_{column}": value for column, value in differs.items()},
                    )
                    changed += 1
        self._forgotten()
        return changed

    def mentions(self, text: str) -> list[tuple[str, str, tuple[str, ...]]]:
        """Name, state and all names of the events, effects and cases that are named by something holding ``text``."""
        return [
            (str(row[_KEYS[table][0]]), str(row["state"]), tuple(row[name] for name in _NAMES[table] if row[name]))
            for table in ("inbox", "effect", "exception_case")
            for row in self._holding(table, text)
        ]

    def _holding(self, table: str, text: str) -> list[dict[str, Any]]:
        columns = tuple(dict.fromkeys((*_KEYS[table], *_NAMES[table], *(() if table == "xref" else ("state",)))))
        pattern = "%" + "".join(f"!{c}" if c in "!%_" else c for c in text) + "%"
        told = " or ".join(f"{column} like :pattern escape '!'" for column in _NAMES[table])
        rows = self._sql(f"select {', '.join(columns)} from {table} where {told}", pattern=pattern)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    # --- retention -------------------------------------------------------------------------------

    def finished_before(self, at: int) -> list[tuple[str, int]]:
        """Events that are done and were received before an instant: name and when."""
        rows = self._sql(
            "select event_id, received_at from inbox where state = 'done' and received_at < :at order by seq", at=at
        )
        return [(str(name), int(when)) for name, when in rows]

    def purge(self, event_ids: Sequence[str], case_ids: Sequence[str]) -> None:
        """Delete done events and settled cases; what is not done stays."""
        with self.together():
            for name in event_ids:
                self._sql("delete from inbox where event_id = :name and state = 'done'", name=name)
            for name in case_ids:
                self._sql("delete from exception_case where case_id = :name and state <> 'open'", name=name)
