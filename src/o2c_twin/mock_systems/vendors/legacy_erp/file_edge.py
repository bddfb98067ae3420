"""The file drop: inbound files taken whole or refused whole, outbound files numbered without gaps."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.vendors.legacy_erp.config import EdgeName
from o2c_twin.mock_systems.vendors.legacy_erp.layouts import Document, DocumentType
from o2c_twin.mock_systems.vendors.legacy_erp.media import ARCHIVE, ERROR, IN, OUT, Folder
from o2c_twin.mock_systems.vendors.legacy_erp.passage import Step, Unreachable
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import local_stamp
from o2c_twin.mock_systems.vendors.legacy_erp.text_files import (
    SUFFIX,
    FileHeader,
    FileRefused,
    read_file,
    write_file,
)
from o2c_twin.mock_systems.wire.faults import FILE, DuplicatedFile, HalfWrittenFile, LostFile

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.legacy_erp.dialect import LegacyErpDialect

DONE = ".done"
UNFINISHED = (".tmp", ".part", ".filepart")
_NOTES = (".rej", DONE)


class FileEdge:
    """One installation's shared folder."""

    name: EdgeName = "file"

    def __init__(self, erp: "LegacyErpDialect", folder: Folder) -> None:
        self._erp = erp
        self._folder = folder

    # --- in --------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Take every complete file, in the order of their names. Raises OSError when the folder is not reached."""
        passage = self._erp.passage
        try:
            step = await passage.step("file.list", "LIST", f"/{IN}")
        except Unreachable:
            return
        names = await self._folder.names(IN)
        passage.done(step, 200, "\n".join(names).encode())
        for name in names:
            if self._complete(name, names) and not await self._take(name):
                return

    def _complete(self, name: str, names: list[str]) -> bool:
        if name.endswith(UNFINISHED) or name.endswith(_NOTES):
            return False
        return self._erp.config.completion == "rename" or f"{name}{DONE}" in names

    async def _take(self, name: str) -> bool:
        """One file; False when the folder cannot be reached any more."""
        passage, path = self._erp.passage, f"{IN}/{name}"
        data = await self._folder.read(path)
        try:
            step = await passage.step("file.take", FILE, f"/{path}", data)
        except Unreachable:
            return False
        await self._folder.remove(path + DONE)
        if step.struck_by(LostFile):
            await self._folder.remove(path)
            passage.done(step, 404, b"lost")
            return True
        if step.struck_by(HalfWrittenFile):
            data = data[: len(data) // 2]
            await self._folder.write(path, data)
        await self._judge(name, data, step)
        if step.struck_by(DuplicatedFile):
            await self._put(path, data)
        return True

    async def _judge(self, name: str, data: bytes, step: Step) -> None:
        passage, path = self._erp.passage, f"{IN}/{name}"
        try:
            count = self._enter(name, data)
        except FileRefused as refused:
            note = f"{name}|{refused.line}|{refused.code}|{refused.reason}\r\n".encode("utf-8", "replace")
            await self._folder.move(path, f"{ERROR}/{name}")
            await self._folder.write(f"{ERROR}/{name}.rej", note)
            passage.done(step, 409 if refused.code == "DUPLICATE-FILE" else 422, note)
            return
        await self._folder.move(path, f"{ARCHIVE}/{name}")
        passage.done(step, 200, f"{count} documents".encode())

    def _enter(self, name: str, data: bytes) -> int:
        """Work a file's documents; gives their number. Raises `FileRefused`."""
        erp = self._erp
        suffix = name[name.rfind(".") :].lower() if "." in name else ""
        if suffix not in SUFFIX:
            raise FileRefused(1, "FILE-NAME", f"unknown suffix {suffix!r}; files end in {' or '.join(SUFFIX)}")
        try:
            header, documents = read_file(data, SUFFIX[suffix], erp.config.encoding)
        except FileRefused as refused:
            if erp.config.works_before_the_trailer:
                for document in refused.read:
                    erp.enter(document, self.name)
            raise
        key = f"{header.sender}:{header.number}"
        if not erp.config.takes_duplicate_files and key in erp.state.files_seen:
            before = erp.state.files_seen[key]
            raise FileRefused(1, "DUPLICATE-FILE", f"{header.sender} sent number {header.number} before as {before}")
        for document in documents:
            erp.enter(document, self.name)
        erp.state.files_seen[key] = name
        return len(documents)

    async def _put(self, path: str, data: bytes) -> None:
        await self._folder.write(path, data)
        if self._erp.config.completion == "done-marker":
            await self._folder.write(path + DONE, b"")

    # --- out -------------------------------------------------------------------------------------

    async def publish(self, kind: DocumentType, documents: list[Document]) -> None:
        """Write one file of documents. Raises `Unreachable` or OSError when nothing was written."""
        erp = self._erp
        state, config = erp.state, erp.config
        number = state.file_number + 1
        if config.skips_number_every and number % config.skips_number_every == 0:
            number += 1
        stamp = local_stamp(erp.world.clock.now(), config.batch)
        suffix = ".csv" if config.file_format == "csv" else ".dat"
        name = f"{kind.file_type}_{stamp[:8]}_{number:06d}{suffix}"
        header = FileHeader(kind.file_type, number, config.name[:12], stamp)
        data = write_file(kind, header, documents, config.file_format, config.encoding)
        await self._write(name, data)
        state.file_number = number
        state.sent[name] = data
        while len(state.sent) > config.kept_files:
            del state.sent[next(iter(state.sent))]

    async def again(self) -> None:
        """Write the files that were asked for once more, under their old names."""
        state = self._erp.state
        while state.again:
            await self._write(state.again[0], state.sent.get(state.again[0], b""))
            del state.again[0]

    async def _write(self, name: str, data: bytes) -> None:
        erp, path = self._erp, f"{OUT}/{name}"
        step = await erp.passage.step("file.write", FILE, f"/{path}", data)
        half = step.struck_by(HalfWrittenFile)
        if step.struck_by(LostFile):
            erp.passage.done(step, 404, b"lost")
            return
        if isinstance(half, HalfWrittenFile):
            await self._folder.write(path, data[: len(data) // 2])
            erp.world.spawn(self._complete_later(path, data, half.whole_after_s), f"{erp.passage.name}.{name}")
        else:
            await self._put(path, data)
        if step.struck_by(DuplicatedFile):
            stem, dot, suffix = path.rpartition(".")
            await self._put(f"{stem}_R1{dot}{suffix}", data)
        erp.passage.done(step, 201)

    async def _complete_later(self, path: str, data: bytes, seconds: float) -> None:
        await self._erp.world.sleep(seconds)
        await self._put(path, data)
        self._erp.passage.note("file.complete", FILE, f"/{path}", 200, b"", b"")
