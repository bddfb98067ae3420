"""The three edges of an old ERP, alike for the connector: send a document, look what became of it, read what came."""

import hashlib
from typing import Any, Literal, Protocol

import msgspec

from o2c_twin.integration.connectors.legacy_erp_mirror import Answer, Mirror, answer_of, instant
from o2c_twin.integration.connectors.legacy_erp_ports import FolderPort, QueuesPort, Row, TablesPort
from o2c_twin.integration.connectors.legacy_erp_records import (
    FORMS,
    OUTBOUND,
    SUFFIX,
    Broken,
    Paper,
    Record,
    Spelling,
    from_plain,
    read_file,
    to_plain,
    write_file,
)

Waiting = Literal["waiting"]
_REFERENCE = 40
_DONE, _UNFINISHED = ".done", (".tmp", ".part", ".filepart")
_NO_STAMP = "19700101000000"
# More than one window, so that an answer has had its night.
_ASK_AGAIN_US = 30 * 3_600_000_000
_MOST_GAPS = 50
_encode = msgspec.json.Encoder().encode
_BODY = msgspec.json.Decoder(dict[str, Any])


def reference(key: str) -> str:
    """The reference an idempotency key is written as: itself, where the field can hold it; another key has another."""
    plain = len(key) <= _REFERENCE and key.isascii() and key.isprintable() and " " not in key and key[:1] != "#"
    return key if plain and key else "#" + hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


class Edge(Protocol):
    """One way to an old ERP. All raise OSError as the ports do."""

    async def send(self, paper: Paper, stamp: str) -> None:
        """Hand a document over. Raises ValueError when the medium refuses it."""
        ...

    async def standing(self, kind: str, ref: str) -> Answer | Waiting | None:
        """What became of a document: an answer, it waits, or None: it is nowhere."""
        ...

    async def fetch(self, now: int) -> None:
        """Read what has come into the mirror."""
        ...


class FileEdge:
    """The shared folder. A document is a file whose name and number come from its reference."""

    def __init__(
        self,
        folder: FolderPort,
        mirror: Mirror,
        *,
        sender: str = "O2C",
        spelling: Spelling = "csv",
        encoding: str = "cp1252",
        markers: bool = False,
    ) -> None:
        self._folder = folder
        self._mirror = mirror
        self._sender = sender
        self._spelling: Spelling = spelling
        self._encoding = encoding
        self._markers = markers
        self._started = False
        self._seen: set[int] = set()
        self._next = 1
        self._asked: dict[int, tuple[str, int]] = {}
        self._half: dict[int, int] = {}

    def _number(self, kind: str, ref: str) -> int:
        digest = hashlib.blake2b(f"{kind}:{ref}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % 10**15

    def _name(self, kind: str, ref: str) -> str:
        return f"{kind}_{self._number(kind, ref):015d}{SUFFIX[self._spelling]}"

    async def send(self, paper: Paper, stamp: str) -> None:
        """Put the file into ``in``, and its marker after it."""
        ref = str(paper.head["REF"])
        number = self._number(paper.type, ref)
        data = write_file(paper, number, self._sender, stamp, self._spelling, self._encoding)
        path = f"in/{self._name(paper.type, ref)}"
        await self._folder.write(path, data)
        if self._markers:
            await self._folder.write(path + _DONE, b"")

    async def standing(self, kind: str, ref: str) -> Answer | Waiting | None:
        """By its acknowledgement; else by where its file lies."""
        answer = self._mirror.answers.get((kind, ref))
        if answer is not None:
            return answer
        name = self._name(kind, ref)
        if await self._there(f"in/{name}") is not None:
            if self._markers and await self._there(f"in/{name}{_DONE}") is None:
                return None  # written, but not yet handed over
            return "waiting"
        if await self._there(f"in/archive/{name}") is not None:
            return "waiting"
        refused = await self._there(f"in/error/{name}")
        if refused is None:
            return None
        try:
            read_file(refused, self._spelling, self._encoding)
        except Broken:
            return None  # damaged on its way: what was sent is not what was refused
        note = (await self._there(f"in/error/{name}.rej") or b"").decode("utf-8", "replace").strip()
        return Answer(False, "", "", note)

    async def _there(self, path: str) -> bytes | None:
        try:
            return await self._folder.read(path)
        except FileNotFoundError:
            return None

    async def fetch(self, now: int) -> None:
        """Read the files in ``out`` by their numbers and put them away; ask for numbers that are missing."""
        if not self._started:
            for name in sorted(await self._folder.names("out/archive"), key=_order):
                await self._read(f"out/archive/{name}", None)
            self._started = True
        names = await self._folder.names("out")
        waiting: set[int] = set()
        for name in sorted(names, key=_order):
            if name.endswith(_DONE) or name.endswith(_UNFINISHED):
                continue
            if (self._markers and name + _DONE not in names) or not await self._read(f"out/{name}", now):
                number = _order(name)[0]
                # A writer that has died completes nothing: after a night its file counts as missing.
                if now - self._half.setdefault(number, now) <= _ASK_AGAIN_US:
                    waiting.add(number)
                continue
            self._half.pop(_order(name)[0], None)
            await self._folder.move(f"out/{name}", f"out/archive/{name}")
            if self._markers:
                await self._folder.move(f"out/{name}{_DONE}", f"out/archive/{name}{_DONE}")
        await self._ask_for_gaps(waiting, now)

    async def _read(self, path: str, now: int | None) -> bool:
        """Apply one file; False when it is not whole yet."""
        if path.endswith(_DONE):
            return True
        spelling: Spelling = "fixed" if path.endswith(SUFFIX["fixed"]) else "csv"
        try:
            sheaf = read_file(await self._folder.read(path), spelling, self._encoding)
        except Broken:
            return False
        if sheaf.number >= self._next and sheaf.number not in self._seen:
            at = instant(sheaf.created, self._mirror.offset_minutes) if now is None else now
            for paper in sheaf.papers:
                self._mirror.take(paper, at)
            self._seen.add(sheaf.number)
        return True

    async def _ask_for_gaps(self, waiting: set[int], now: int) -> None:
        while self._next in self._seen:
            self._seen.discard(self._next)
            self._next += 1
        last = max(self._seen, default=0)
        for number in range(max(self._next, last - _MOST_GAPS), last):
            if number in self._seen or number in waiting or not self._may_ask(number, now):
                continue
            ref = f"again:{number}:{now}"
            await self.send(Paper("REQ", {"REF": ref, "WHAT": str(number)}), _NO_STAMP)
            self._asked[number] = (ref, now)

    def _may_ask(self, number: int, now: int) -> bool:
        if number not in self._asked:
            return True
        ref, asked_at = self._asked[number]
        answer = self._mirror.answers.get(("REQ", ref))
        # A refused number was never used. What was sent again may be lost again, and so may the request.
        return (answer is None or answer.accepted) and now - asked_at > _ASK_AGAIN_US


def _order(name: str) -> tuple[int, str]:
    parts = name.split(".", maxsplit=1)[0].split("_")
    return (int(parts[2]) if len(parts) > 2 and parts[2].isdecimal() else 0, name)


class TableEdge:
    """The staging tables. A document is a head row with its lines; the row itself tells what became of it."""

    def __init__(self, tables: TablesPort, mirror: Mirror) -> None:
        self._tables = tables
        self._mirror = mirror
        self._started = False

    async def send(self, paper: Paper, stamp: str) -> None:
        """Insert the lines and their head in one transaction."""
        form = FORMS[paper.type]
        key: Row = {"BATCH_ID": paper.head["REF"], "SEQ": 1}
        rows: list[tuple[str, Row]] = []
        if form.line is not None:
            rows += [(form.line.table, {**key, **to_plain(form.line, line)}) for line in paper.lines]
        rows.append((form.head.table, {**key, **to_plain(form.head, paper.head), "STATUS_FLG": "N", "CRT_TS": stamp}))
        await self._tables.insert(rows)

    async def standing(self, kind: str, ref: str) -> Answer | Waiting | None:
        """By the status of its row."""
        rows = await self._tables.rows(FORMS[kind].head.table, {"REF": ref})
        if not rows:
            return None
        row = next((row for row in rows if row["STATUS_FLG"] == "C"), rows[-1])
        if row["STATUS_FLG"] in ("N", "P"):
            return "waiting"
        status = "A" if row["STATUS_FLG"] == "C" else "R"
        return answer_of(status, row["ERP_ID_OUT"], row["ERP_NO_OUT"], row)

    async def fetch(self, now: int) -> None:
        """Read new outbound rows and mark them; at the start those of earlier lives too."""
        where: dict[str, str | int] = {"STATUS_FLG": "N"} if self._started else {}
        # Acknowledgements are read first and applied last: what they speak of was written before them.
        for kind in reversed(OUTBOUND):
            form = FORMS[kind]
            rows = await self._tables.rows(form.head.table, where)
            for row in rows:
                new = row["STATUS_FLG"] == "N"
                at = now if new else instant(str(row["CRT_TS"]), self._mirror.offset_minutes)
                try:
                    paper = Paper(kind, from_plain(form.head, row))
                except Broken:
                    self._mirror.unread += 1
                    continue
                self._mirror.take(paper, at)
            fresh = [row["ID"] for row in rows if row["STATUS_FLG"] == "N"]
            if fresh:
                await self._tables.change(form.head.table, fresh, {"STATUS_FLG": "C"})
        self._started = True


class QueueEdge:
    """The message queue. A document's reference is its message id, by which the ERP knows it for a week."""

    def __init__(self, queues: QueuesPort, mirror: Mirror) -> None:
        self._queues = queues
        self._mirror = mirror
        self._published: set[tuple[str, str]] = set()

    async def send(self, paper: Paper, stamp: str) -> None:
        """Publish the document and wait for the broker's word."""
        form, ref = FORMS[paper.type], str(paper.head["REF"])
        lines = [] if form.line is None else [to_plain(form.line, line) for line in paper.lines]
        body = _encode({"type": paper.type, "head": to_plain(form.head, paper.head), "lines": lines})
        await self._queues.publish("erp.in", body, f"{paper.type}:{ref}", paper.type)
        self._published.add((paper.type, ref))

    async def standing(self, kind: str, ref: str) -> Answer | Waiting | None:
        """By its acknowledgement; what this life published waits, of an earlier life nothing is known."""
        answer = self._mirror.answers.get((kind, ref))
        if answer is not None:
            return answer
        return "waiting" if (kind, ref) in self._published else None

    async def fetch(self, now: int) -> None:
        """Take all messages, each settled once it is in the mirror."""
        while (message := await self._queues.take("erp.out")) is not None:
            try:
                paper = _paper(_BODY.decode(message.body))
            except (Broken, msgspec.DecodeError, KeyError):
                self._mirror.unread += 1
                await self._queues.settle(message, "dead")
                continue
            self._mirror.take(paper, now)
            await self._queues.settle(message, "done")


def _paper(read: dict[str, Any]) -> Paper:
    kind = read["type"]
    if kind not in OUTBOUND:
        raise Broken(f"a document {kind!r} does not come from the ERP")
    form = FORMS[kind]
    lines: list[Record] = [] if form.line is None else [from_plain(form.line, line) for line in read["lines"]]
    return Paper(kind, from_plain(form.head, read["head"]), lines)
