"""Record ids: numbers, as this vendor spells them; and names for errors, traces and tokens."""

from hashlib import blake2b


class Ids:
    """Spells the ids of one portal."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._bases: dict[str, int] = {}

    def spell(self, kind: str, number: int) -> str:
        """The id of the ``number``-th record of a kind; ids grow with the number."""
        base = self._bases.get(kind)
        if base is None:
            digest = blake2b(f"hubspot {kind} {self._seed}".encode(), digest_size=4).digest()
            # Eleven digits, and room for a hundred million of each kind.
            base = self._bases[kind] = (100 + int.from_bytes(digest) % 800) * 100_000_000
        return str(base + number)

    def token(self, what: str, number: int) -> str:
        """An opaque token."""
        return blake2b(f"{what} {number} {self._seed}".encode(), digest_size=24, person=b"hubspot token").hexdigest()


def name_of(text: str) -> str:
    """A name in the form of a UUID, made from what it names."""
    h = blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
