"""The trace: one rolling hash over everything that happens in a run, in order."""

from hashlib import blake2b


class Trace:
    """Same seed, same choices: same hash, on any machine and in any process."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self.lines = 0
        self.sink: list[str] | None = None
        """Lines are kept here too when somebody wants to compare two runs line by line."""

    def line(self, text: str, body: bytes = b"") -> None:
        """Add one canonical line, and the raw bytes that belong to it."""
        self.lines += 1
        self._hash.update(f"{text}\n".encode() + body)
        if self.sink is not None:
            self.sink.append(text)

    def digest(self) -> str:
        """The hash so far, as hex."""
        return self._hash.hexdigest()
