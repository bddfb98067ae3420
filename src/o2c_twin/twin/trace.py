"""The trace: one rolling hash over everything that happens in a run, in order."""

from hashlib import blake2b


class Trace:
    """Same seed, same choices: same hash, on any machine and in any process."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self.lines = 0
        self.sink: list[str] | None = None
        """Lines are kept here too when somebody wants to compare two runs line by line."""

    def line(self, text: str) -> None:
        """Add one canonical line."""
        self.lines += 1
        self._hash.update(text.encode())
        self._hash.update(b"\n")
        if self.sink is not None:
            self.sink.append(text)

    def body(self, data: bytes) -> None:
        """Add raw bytes that belong to the last line."""
        self._hash.update(data)

    def digest(self) -> str:
        """The hash so far, as hex."""
        return self._hash.hexdigest()
