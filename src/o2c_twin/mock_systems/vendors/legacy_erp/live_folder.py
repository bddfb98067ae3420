"""A real directory as the shared folder: for live use."""

import os
from pathlib import Path

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.media import PLACES

_WRITING = ".part"


class LiveFolder:
    """The folder at ``root``, with its places made. Sub-folders and links that lead out of it are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for place in PLACES:
            (root / place).mkdir(parents=True, exist_ok=True)

    def _path(self, path: str) -> Path:
        place, _, name = path.rpartition("/")
        if place not in PLACES or name in ("", ".", ".."):
            raise FileNotFoundError(f"no place {path!r}; files lie in {', '.join(PLACES)}")
        return self.root / place / name

    async def names(self, place: str) -> list[str]:
        """The files directly in a place, sorted by name."""
        with os.scandir(self.root / place) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

    async def read(self, path: str) -> bytes:
        """A file's bytes."""
        return self._path(path).read_bytes()

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there: written under another name and renamed."""
        target = self._path(path)
        unfinished = target.with_name(target.name + _WRITING)
        unfinished.write_bytes(data)
        unfinished.replace(target)

    async def move(self, path: str, to: str) -> None:
        """Give a file another place."""
        self._path(path).replace(self._path(to))

    async def remove(self, path: str) -> None:
        """Take a file away."""
        self._path(path).unlink(missing_ok=True)

    def dump(self) -> bytes:
        """All files."""
        places = {
            place: {p.name: p.read_bytes() for p in sorted((self.root / place).iterdir()) if p.is_file()}
            for place in PLACES
        }
        return msgspec.msgpack.encode(places)

    def load(self, content: bytes) -> None:
        """Back to these files; others are removed."""
        places = msgspec.msgpack.decode(content, type=dict[str, dict[str, bytes]])
        for place in PLACES:
            for path in sorted((self.root / place).iterdir()):
                if path.is_file():
                    path.unlink()
            for name, data in places.get(place, {}).items():
                self._path(f"{place}/{name}").write_bytes(data)
