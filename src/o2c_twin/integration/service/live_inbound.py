"""What a system puts into a folder or a staging table, taken into the inbox by one worker of several."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from o2c_twin.integration.connectors.legacy_erp_live import DatabaseTables, DirectoryFolder
from o2c_twin.integration.connectors.registry import ConfigError
from o2c_twin.integration.edges.file_drop import FileDrop
from o2c_twin.integration.edges.inbound import Taken, notices_of, watch
from o2c_twin.integration.edges.staging import COLUMNS, StagingTable
from o2c_twin.integration.flows import TOLD_BY
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.config_inbound import (
    SFTP,
    FolderConfig,
    InboundConfig,
    TableConfig,
    path_of,
    sftp_of,
)

T = TypeVar("T")
SEEN = "inbound:"
"""Cursors of when a place was last looked at begin so."""
Log = Callable[[str, bool, str], None]
"""Told of a system whose place is away (False) or there again (True), and why."""


class InboundPlace:
    """One system's place, looked at in rounds. Raises `ConfigError` when it can never be read."""

    def __init__(self, role: str, config: InboundConfig, engine: Engine, log: Log) -> None:
        self.role = role
        self._engine = engine
        self._log = log
        self._tables: DatabaseTables | None = None
        self._away = ""
        self._waits_since: dict[str, int] = {}
        self._new = self._known = self._refused = 0
        place = f"systems.{role}.inbound"
        self._edge: FileDrop | StagingTable
        if config.folder is not None:
            self.kind, self._every_s = "folder", config.folder.every_s
            self._edge = self._folder(config.folder, f"{place}.folder")
        elif config.table is not None:
            self.kind, self._every_s = "table", config.table.every_s
            self._edge = self._table(config.table, f"{place}.table")
        else:
            raise ConfigError(f"{place}: says neither or both of folder and table; give one")

    def _folder(self, config: FolderConfig, place: str) -> FileDrop:
        folder = sftp_of(config, place) if config.url.startswith(SFTP) else DirectoryFolder(path_of(config))
        read = notices_of(TOLD_BY[self.role])
        return FileDrop(folder, self._engine.receive, completion=config.completion, read=read)

    def _table(self, config: TableConfig, place: str) -> StagingTable:
        _check_table(config, place)
        self._tables = DatabaseTables(config.url)
        flows = TOLD_BY[self.role]
        return StagingTable(self._tables, self._engine.receive, flows, table=config.table, most=config.most)

    async def run(self) -> None:
        """Look for as long as the engine works; a place that is away is looked at again."""
        await watch(self, self._every_s, self._engine.sleep, lambda: self._engine.stopped, self._is_away)

    async def round(self) -> Taken:
        """Take in what is there, if no other worker is at it. Raises OSError when the place is not reached."""
        if not self._engine.on_duty(f"{SEEN}{self.role}"):
            return Taken()
        taken = await self._reached(self._edge.round)
        now = self._engine.clock.now()
        self._engine.journal.move(f"{SEEN}{self.role}", str(now))
        if isinstance(self._edge, FileDrop):
            self._waits_since = {name: self._waits_since.get(name, now) for name in self._edge.waiting}
        self._new, self._known = self._new + taken.new, self._known + taken.known
        self._refused += taken.refused
        if self._away:
            self._away = ""
            self._log(self.role, True, "")
        return taken

    async def _reached(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except (SQLAlchemyError, ValueError) as bad:
            # The table is no more as it was, or a name cannot be spoken of: nothing was taken, nothing is lost.
            raise OSError(str(bad).splitlines()[0]) from bad

    def _is_away(self, why: OSError) -> None:
        if not self._away:
            self._log(self.role, False, str(why))
        self._away = str(why) or type(why).__name__

    async def figures(self) -> dict[str, Any]:
        """How it is doing, for people: instants are microseconds since the epoch, counts those of this worker's life.

        ``refused`` is what lies there refused, and ``waiting`` what lies there and was not taken yet, ``oldest`` of
        which is there, as far as it can be told, since then.
        """
        seen = self._engine.journal.cursor(f"{SEEN}{self.role}", "")
        told: dict[str, Any] = {
            "kind": self.kind,
            "there": not self._away,
            "away": self._away or None,
            "seen_at": int(seen) if seen else None,
            "accepted": self._new,
            "known": self._known,
            "refused_here": self._refused,
        }
        try:
            told["refused"] = await self._reached(self._edge.refused)
            if isinstance(self._edge, FileDrop):
                told["waiting"], told["oldest"] = len(self._waits_since), min(self._waits_since.values(), default=None)
            else:
                told["waiting"], told["oldest"] = await self._reached(self._edge.waiting)
        except OSError as away:
            told |= {"there": False, "away": str(away)}
        return told

    async def close(self) -> None:
        """Let go of the database."""
        if self._tables is not None:
            self._tables.close()


def _check_table(config: TableConfig, place: str) -> None:
    """Whether the table is what it must be; a database that is away is waited for. Raises `ConfigError`."""
    engine = create_engine(config.url)
    try:
        there = inspect(engine)
        if not there.has_table(config.table.lower()):
            remedy = "make it with 'o2c engine staging-table', or correct the name"
            raise ConfigError(f"{place}.table: the database has no table {config.table!r}; {remedy}")
        columns = {column["name"].lower() for column in there.get_columns(config.table.lower())}
    except SQLAlchemyError:
        return
    finally:
        engine.dispose()
    missing = [name for name in COLUMNS if name.lower() not in columns]
    if missing:
        told = f"the table {config.table!r} has no column {missing[0].lower()}"
        raise ConfigError(f"{place}.table: {told}; add it, or make a table with 'o2c engine staging-table'")
