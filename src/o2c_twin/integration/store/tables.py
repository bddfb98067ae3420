"""The journal's tables, declared once: SQLite is held to them, and migrations lead to them."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

METADATA = MetaData()
_ROWID = BigInteger().with_variant(Integer, "sqlite")

INBOX = Table(
    "inbox",
    METADATA,
    Column("seq", _ROWID, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("flow", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("source_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("parked_on", Text),
    Column("read_at", BigInteger),
)
"""``read_at`` is when the record an event tells of was read for it, where several workers share the journal."""
_OPEN, _PARKED = text("state = 'open'"), text("state = 'parked'")
Index("inbox_open", INBOX.c.seq, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("inbox_parked", INBOX.c.parked_on, sqlite_where=_PARKED, postgresql_where=_PARKED)
Index("inbox_record", INBOX.c.flow, INBOX.c.object_id)

EFFECT = Table(
    "effect",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("write", Text, nullable=False),
    Column("arguments", LargeBinary, nullable=False),
    Column("correlation", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text),
    Column("attempts", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),
)
_UNSETTLED = text("state <> 'done'")
Index("effect_unsettled", EFFECT.c.created_at, sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED)

XREF = Table(
    "xref",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("canonical", Text, primary_key=True),
    Column("remote", Text, nullable=False),
)

CURSOR = Table("cursor", METADATA, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

CASE = Table(
    "exception_case",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("effect_key", Text),
    Column("reason", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("closed_at", BigInteger),
    Column("closed_by", Text),
    Column("note", Text),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", _ROWID, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
)

APPROVAL = Table(
    "approval",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("operation", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""Who asked for what and who decided: ``body`` is the whole of it, ``version`` counts its changes."""

LANE = Table(
    "lane",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("owner", Text),
    Column("lease_until", BigInteger, nullable=False),
)
"""Which worker has a lane, until when. Only journals that several workers share use it."""
