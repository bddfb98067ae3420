"""The message queue: at least once in, ids remembered, unreadable messages to the dead letters.

Out goes one message a document. A message is JSON, ``{"type": "ORD", "head": {...}, "lines": [...]}``, fields
by name, amounts as decimal text.
"""

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.config import EdgeName
from o2c_twin.mock_systems.vendors.legacy_erp.layouts import (
    BY_FILE_TYPE,
    Document,
    DocumentType,
    FieldError,
    plain_record,
    read_record,
)
from o2c_twin.mock_systems.vendors.legacy_erp.media import INBOX, OUTBOX, Message, Queues
from o2c_twin.mock_systems.vendors.legacy_erp.passage import Unreachable
from o2c_twin.mock_systems.wire.faults import QUEUE, RedeliveredMessage

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.legacy_erp.dialect import LegacyErpDialect

_DAY_US = 86_400_000_000


class _Body(msgspec.Struct):
    type: str
    head: dict[str, Any]
    lines: list[dict[str, Any]] = []


_BODY = msgspec.json.Decoder(_Body, float_hook=str)
_encode = msgspec.json.Encoder().encode


class Unreadable(ValueError):
    """A message that is no document, and never will be."""


def read_message(body: bytes) -> Document:
    """The document in a message. Raises `Unreadable`."""
    try:
        read = _BODY.decode(body)
    except msgspec.DecodeError as bad:
        raise Unreadable(str(bad)) from bad
    kind = BY_FILE_TYPE.get(read.type)
    if kind is None or not kind.inbound:
        raise Unreadable(f"no inbound document {read.type!r}")
    try:
        lines = [] if kind.line is None else [read_record(kind.line, line) for line in read.lines]
        return Document(kind.name, read_record(kind.head, read.head), lines)
    except FieldError as bad:
        raise Unreadable(str(bad)) from bad


def message_body(kind: DocumentType, document: Document) -> bytes:
    """The message of a document."""
    lines = [] if kind.line is None else [plain_record(kind.line, line) for line in document.lines]
    return _encode({"type": kind.file_type, "head": plain_record(kind.head, document.head), "lines": lines})


class QueueEdge:
    """One installation's queues."""

    name: EdgeName = "queue"

    def __init__(self, erp: "LegacyErpDialect", queues: Queues) -> None:
        self._erp = erp
        self._queues = queues

    # --- in --------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Take messages until none waits. Raises OSError when the broker is not reached."""
        self._forget()
        while (message := await self._queues.take(INBOX)) is not None:
            if not await self._take(message):
                return

    async def _take(self, message: Message) -> bool:
        erp = self._erp
        # The id by which a message would be known again; one without an id is known by nothing.
        path = f"/{INBOX}/{message.message_id or hashlib.blake2b(message.body, digest_size=8).hexdigest()}"
        try:
            step = await erp.passage.step("queue.take", QUEUE, path, message.body)
        except Unreachable:
            await self._queues.settle(message, "again")
            return False
        if message.message_id and message.message_id in erp.state.messages and not erp.config.forgets_messages:
            await self._queues.settle(message, "done")
            erp.passage.done(step, 200, b"known")
            return True
        try:
            document = read_message(message.body)
        except Unreadable as bad:
            times = erp.state.deliveries.get(path, 0) + 1
            dead = times >= erp.config.deliveries_until_dead
            if dead:
                erp.state.deliveries.pop(path, None)
            else:
                erp.state.deliveries[path] = times
            await self._queues.settle(message, "dead" if dead else "again")
            erp.passage.done(step, 422, f"{'dead letter' if dead else 'again'}: {bad}".encode())
            return True
        erp.enter(document, self.name)
        if message.message_id:
            erp.state.messages[message.message_id] = erp.world.clock.now()
        # Lost on the way to the broker once; a message that comes again is settled.
        again = step.struck_by(RedeliveredMessage) is not None and not message.redelivered
        await self._queues.settle(message, "again" if again else "done")
        erp.passage.done(step, 200)
        return True

    def _forget(self) -> None:
        erp = self._erp
        since = erp.world.clock.now() - erp.config.message_memory_days * _DAY_US
        messages = erp.state.messages
        while messages:
            oldest = next(iter(messages))
            if messages[oldest] >= since:
                return
            del messages[oldest]

    # --- out -------------------------------------------------------------------------------------

    async def publish(self, kind: DocumentType, documents: list[Document]) -> None:
        """Publish documents one by one; what is out leaves the list. Raises `Unreachable` or OSError."""
        erp = self._erp
        while documents:
            body = message_body(kind, documents[0])
            number = erp.state.message_number + 1
            message_id = f"{erp.config.name[:12]}-{number:010d}"
            step = await erp.passage.step("queue.publish", QUEUE, f"/{OUTBOX}/{message_id}", body)
            try:
                await self._queues.publish(OUTBOX, body, message_id, kind.file_type)
            except OSError as away:
                erp.passage.done(step, 503, str(away).encode())
                raise
            erp.state.message_number = number
            if step.struck_by(RedeliveredMessage):
                await self._queues.publish(OUTBOX, body, message_id, kind.file_type)
            erp.passage.done(step, 201)
            del documents[0]

    async def again(self) -> None:
        """Messages are gone once they are taken: who lost some asks for ALL."""
