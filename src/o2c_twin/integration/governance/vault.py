"""Sealed texts that can be forgotten: each subject has a key of its own, and erasing the subject destroys the key.

AES-256-GCM. The nonce is a keyed hash of the text and its place (as in SIV modes), so that a replay seals the same
text to the same token and no two texts of a subject ever share a nonce.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from o2c_twin.integration.governance.errors import Erased, NotReadable
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.storage import KeyStore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Most engines have no vault: ciphers are loaded by the first key.

MARK = "sealed:1:"
"""What every sealed text begins with."""
_KEY = 32


class _Keys(NamedTuple):
    name: str
    cipher: "AESGCM"
    nonce: bytes
    print: bytes


class Vault:
    """Seals texts for subjects, and forgets a subject when told to.

    ``master`` is 32 random bytes as text, kept apart from the database; ``entropy(n)`` gives n random bytes (of the
    system when live, of a seed in virtual time). At most ``cached`` subjects' keys stay in memory: in another
    process an erased one may live there until `forget`.
    """

    def __init__(self, keys: KeyStore, master: Secret, entropy: Callable[[int], bytes], *, cached: int = 1_024) -> None:
        if len(master.reveal()) < _KEY:
            raise ValueError(f"{master.name} has fewer than 32 characters; make it of 32 random bytes, as text")
        secret = hashlib.blake2b(master.reveal().encode(), digest_size=64).digest()
        self._keys = keys
        self._entropy = entropy
        self._wrap = _derived(secret, b"wrap")
        self._slot = _derived(secret, b"slot")
        self._ready: dict[str, _Keys] = {}
        self._cached = cached

    # --- subjects --------------------------------------------------------------------------------

    def pseudonym(self, subject: str) -> str:
        """The name of a subject that tells nothing about it; made of its key, so that erasure cuts the tie.

        Raises `Erased`.
        """
        return self._of(subject).name

    def known(self, subject: str) -> bool:
        """Whether anything was ever sealed or named for a subject that is not erased."""
        return self._keys.by_slot(self._place(subject)) is not None

    def erased(self, subject: str) -> bool:
        """Whether a subject was erased."""
        return self._keys.destroyed(self._place(subject))

    def erase(self, subject: str) -> bool:
        """Destroy a subject's key: nothing sealed for it can be read again. False when it was done before."""
        slot = self._place(subject)
        self._ready.pop(slot, None)
        return self._keys.destroy(slot)

    def forget(self) -> None:
        """Drop all keys from memory: another process erased somebody."""
        self._ready.clear()

    # --- texts -----------------------------------------------------------------------------------

    def seal(self, subject: str, text: str, place: str) -> str:
        """A text as a token that only the subject's key opens, and only at this place (table and field).

        Raises `Erased`: of an erased subject nothing new is kept.
        """
        keys = self._of(subject)
        data, where = text.encode(), place.encode()
        nonce = hashlib.blake2b(len(where).to_bytes(4, "big") + where + data, key=keys.nonce, digest_size=12).digest()
        sealed = nonce + keys.cipher.encrypt(nonce, data, where)
        return f"{MARK}{keys.name}:{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, token: str, place: str) -> str:
        """The text of a token. Raises `Erased` when its subject was, `NotReadable` when it was tampered with."""
        from cryptography.exceptions import InvalidTag

        name, _, sealed = token.removeprefix(MARK).partition(":")
        if not token.startswith(MARK) or not sealed:
            raise NotReadable(f"not a sealed text at {place}; it begins with {MARK!r}")
        wrapped = self._keys.by_name(name)
        if wrapped is None:
            raise Erased(f"{name} at {place} was erased; its text cannot be read again")
        try:
            data = base64.urlsafe_b64decode(sealed.encode())
            return self._unwrapped(name, wrapped).cipher.decrypt(data[:12], data[12:], place.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            remedy = "it was changed, or sealed for another place"
            raise NotReadable(f"the text of {name} at {place} does not open: {remedy}") from error

    def fingerprint(self, subject: str, content: bytes) -> str:
        """A hash of a record that tells whether it changed, and which nobody can guess back without the key."""
        return hmac.new(self._of(subject).print, content, hashlib.sha256).hexdigest()[:32]

    # --- keys ------------------------------------------------------------------------------------

    def _place(self, subject: str) -> str:
        return hashlib.blake2b(subject.encode(), key=self._slot, digest_size=16).hexdigest()

    def _of(self, subject: str) -> _Keys:
        slot = self._place(subject)
        ready = self._ready.get(slot)
        if ready is not None:
            return ready
        if self._keys.destroyed(slot):
            raise Erased("the subject was erased; keep nothing new of it, or enter it as a new subject")
        found = self._keys.by_slot(slot) or self._made(slot)
        ready = self._unwrapped(*found)
        if len(self._ready) >= self._cached:
            self._ready.pop(next(iter(self._ready)))
        self._ready[slot] = ready
        return ready

    def _made(self, slot: str) -> tuple[str, bytes]:
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        key = self._entropy(_KEY)
        if len(key) != _KEY:
            raise ValueError(f"entropy gave {len(key)} bytes, not {_KEY}; give as many as are asked for")
        made = "sub_" + _derived(key, b"name").hex()[:20], aes_key_wrap(self._wrap, key)
        # Where another process was first, its key counts.
        found = made if self._keys.add(slot, *made) else self._keys.by_slot(slot)
        if found is None:
            raise Erased("the subject was erased while its key was made; keep nothing new of it")
        return found

    def _unwrapped(self, name: str, wrapped: bytes) -> _Keys:
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        try:
            return _ready(name, aes_key_unwrap(self._wrap, wrapped))
        except InvalidUnwrap as error:
            raise NotReadable(f"the key of {name} does not open; use the master key it was wrapped with") from error


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(purpose, key=key, digest_size=32, person=b"o2c-vault").digest()


def _ready(name: str, key: bytes) -> _Keys:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return _Keys(name, AESGCM(_derived(key, b"seal")), _derived(key, b"nonce"), _derived(key, b"print"))
