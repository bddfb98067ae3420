"""The subjects' keys in a database of their own: what is destroyed there does not live on in the journal's backups."""

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, create_engine, event, select
from sqlalchemy.exc import IntegrityError

_METADATA = MetaData()
_KEY = Table(
    "subject_key",
    _METADATA,
    Column("slot", Text, primary_key=True),
    Column("name", Text, unique=True),
    Column("wrapped", LargeBinary),
)
"""A slot whose name and key are gone was destroyed."""


class SqlKeys:
    """A key store on SQLite or PostgreSQL; ``url`` is SQLAlchemy's. Keep it out of the journal's backups."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":

            @event.listens_for(self._engine, "connect")
            def _careful(connection: object, _: object) -> None:
                cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's
                cursor.execute("pragma secure_delete = on")
                cursor.execute("pragma synchronous = full")
                cursor.close()

        _METADATA.create_all(self._engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def by_slot(self, slot: str) -> tuple[str, bytes] | None:
        """Name and wrapped key."""
        with self._engine.connect() as db:
            row = db.execute(select(_KEY.c.name, _KEY.c.wrapped).where(_KEY.c.slot == slot)).first()
        return None if row is None or row[0] is None else (str(row[0]), bytes(row[1]))

    def by_name(self, name: str) -> bytes | None:
        """The wrapped key."""
        with self._engine.connect() as db:
            row = db.execute(select(_KEY.c.wrapped).where(_KEY.c.name == name)).first()
        return None if row is None else bytes(row[0])

    def add(self, slot: str, name: str, wrapped: bytes) -> bool:
        """Keep a key; False, and nothing is kept, when the slot has one or had one."""
        try:
            with self._engine.begin() as db:
                db.execute(_KEY.insert().values(slot=slot, name=name, wrapped=wrapped))
        except IntegrityError:
            return False
        return True

    def destroy(self, slot: str) -> bool:
        """Forget name and key; False when that was done before."""
        with self._engine.begin() as db:
            there = db.execute(select(_KEY.c.name).where(_KEY.c.slot == slot).with_for_update()).first()
            if there is None:
                db.execute(_KEY.insert().values(slot=slot, name=None, wrapped=None))
                return True
            if there[0] is None:
                return False
            db.execute(_KEY.update().where(_KEY.c.slot == slot).values(name=None, wrapped=None))
            return True

    def destroyed(self, slot: str) -> bool:
        """Whether the slot's key was destroyed."""
        with self._engine.connect() as db:
            row = db.execute(select(_KEY.c.name).where(_KEY.c.slot == slot)).first()
        return row is not None and row[0] is None
