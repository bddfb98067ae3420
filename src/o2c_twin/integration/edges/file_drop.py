"""Dropped files: whatever lands whole in ``in`` is read into the inbox and put into ``archive``, or into ``error``.

A file is whole by the way agreed on: ``rename`` (it is written under a name ending in ``.tmp``, ``.part`` or
``.filepart`` and then renamed) or ``done`` (an empty ``NAME.done`` follows it). The folder is a port: a mounted
directory is `legacy_erp_live.DirectoryFolder`, one at an SFTP server `live_sftp.SftpFolder`.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Literal

import msgspec

from o2c_twin.integration.connectors.legacy_erp_ports import FolderPort
from o2c_twin.integration.edges.inbound import Receive, Taken, Unreadable, notices
from o2c_twin.integration.model import Inbound

Completion = Literal["rename", "done"]
Reader = Callable[[str, bytes], list[Inbound]]
"""Events of a file's name and bytes. Raises `Unreadable`."""

_DONE, _WHY = ".done", ".why"
_UNFINISHED = (".tmp", ".part", ".filepart")


class FileDrop:
    """One folder with the places ``in``, ``archive`` and ``error``."""

    def __init__(
        self, folder: FolderPort, receive: Receive, *, completion: Completion = "rename", read: Reader = notices
    ) -> None:
        self._folder = folder
        self._receive = receive
        self._completion = completion
        self._read = read
        self.waiting: tuple[str, ...] = ()
        """Files that were there in the last round and not whole yet."""

    async def round(self) -> Taken:
        """Take in all whole files, by name. A crash between inbox and archive makes a file come again: it is known."""
        new = known = refused = 0
        names = await self._folder.names("in")
        whole = [name for name in names if self._is_whole(name, names)]
        self.waiting = tuple(name for name in names if name not in whole and not name.endswith(_DONE))
        for name in whole:
            data = await self._folder.read(f"in/{name}")
            try:
                events = self._read(name, data)
            except Unreadable as bad:
                refused += 1
                await self._folder.write(f"error/{name}{_WHY}", str(bad).encode())
                await self._put_away(name, data, "error")
                continue
            for nth, event in enumerate(events):
                if self._receive(_named(event, data, nth)):
                    new += 1
                else:
                    known += 1
            await self._put_away(name, data, "archive")
        return Taken(new, known, refused)

    def _is_whole(self, name: str, names: list[str]) -> bool:
        unfinished = name.endswith((_DONE, *_UNFINISHED))
        return not unfinished and (self._completion == "rename" or name + _DONE in names)

    async def refused(self) -> int:
        """How many files lie in ``error``. Raises OSError when the folder is not reached."""
        return sum(not name.endswith((_DONE, _WHY)) for name in await self._folder.names("error"))

    async def _put_away(self, name: str, data: bytes, place: str) -> None:
        # Another file of the same name may lie there: what is put away is never written over.
        kept = name if name not in await self._folder.names(place) else f"{_digest(data)[:8]}.{name}"
        await self._folder.move(f"in/{name}", f"{place}/{kept}")
        if self._completion == "done":
            await self._folder.move(f"in/{name}{_DONE}", f"{place}/{kept}{_DONE}")


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _named(event: Inbound, data: bytes, nth: int) -> Inbound:
    """An event without a name of its own is named by the file's content: the same file again is the same event."""
    return event if event.event_id else msgspec.structs.replace(event, event_id=f"file:{_digest(data)}:{nth}")
