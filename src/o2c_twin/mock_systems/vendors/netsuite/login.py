"""Token-based authentication: OAuth 1.0a signatures (RFC 5849) with HMAC-SHA256, and NetSuite's refusals.

Sources: RFC 5849 section 3.4; Oracle help, "The Signature for Web Services and RESTlets" and "Error Messages
for RESTlets, SOAP Web Services, and REST Web Services" (clock within five minutes, nonce used once and at least
six characters). The body hash follows draft-eaton-oauth-bodyhash, as clients in use send it.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote, unquote

from o2c_twin.mock_systems.vendors.netsuite.config import Integration
from o2c_twin.mock_systems.vendors.netsuite.errors import LOGIN_TEXT, problem
from o2c_twin.mock_systems.wire.message import Refused, Request
from o2c_twin.mock_systems.wire.route import Principal

METHOD = "HMAC-SHA256"
SHORTEST_NONCE = 6
CLOCK_SLACK_S = 300
"""How far a timestamp may be from the server's clock."""

_REMEMBER_S = 2 * CLOCK_SLACK_S
_MOST_NONCES = 65_536
_PARAMETERS = (
    "realm",
    "oauth_body_hash",
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_token",
    "oauth_version",
)
_NAMES = {f"{before}{name}=": name for name in _PARAMETERS for before in ("", ",", ", ")}
_USUAL_FIELDS = 8
_MOST_HEADS = 64
_CHANGING = re.compile(r'([0-9]{1,12})", oauth_nonce="([0-9A-Za-z]{6,64})", oauth_signature="([0-9A-Za-z+/=%]{44,64})"')
"""What changes from call to call, as a client writes it that puts the parameters in the usual order."""

_PATH_SAFE = "/:@!$&'()*+,;=~"
_UNSIGNED = ("realm", "oauth_signature")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


class Signer:
    """What signs for one token: the keyed hash, prepared, and the parts of the signed text that never change."""

    __slots__ = ("_after_nonce", "_after_stamp", "_before_nonce", "_inner", "_outer", "principal")

    def __init__(self, integration: Integration, principal: Principal) -> None:
        secrets = (integration.consumer_secret, integration.token_secret)
        key = "&".join(quote(secret, safe="~") for secret in secrets).encode()
        block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
        # HMAC (RFC 2104) from two hash states: half the cost of a keyed hash made anew.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        consumer, token = (quote(_quoted(v)) for v in (integration.consumer_key, integration.token_id))
        self._before_nonce = f"oauth_consumer_key%3D{consumer}%26oauth_nonce%3D"
        self._after_nonce = f"%26oauth_signature_method%3D{METHOD}%26oauth_timestamp%3D"
        self._after_stamp = f"%26oauth_token%3D{token}%26oauth_version%3D1.0"
        self.principal = principal

    def usual(self, nonce: str, stamp: str) -> str:
        """The signed text's parameters for a request without a query, signed in the usual way."""
        return f"{self._before_nonce}{nonce}{self._after_nonce}{stamp}{self._after_stamp}"

    def signs(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` (base64) is the one of ``text``."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return hmac.compare_digest(b2a_base64(outer.digest(), newline=False), signature)


class TokenLogin:
    """Checks who signed a request. One for each account; it remembers nonces, in bounded memory."""

    def __init__(self, account: str, integrations: Iterable[Integration]) -> None:
        self._account = account
        self._realm = account.upper()
        self._signers: dict[tuple[str, str], Signer] = {}
        self._consumers: dict[str, None] = {}
        for each in integrations:
            signer = Signer(each, Principal(account, each.name, each.user))
            self._signers[each.consumer_key, each.token_id] = signer
            self._consumers[each.consumer_key] = None
        self._roots: dict[str, str] = {}
        self._heads: dict[str, tuple[Signer, str]] = {}
        self.forget()

    def forget(self) -> None:
        """Forget all nonces."""
        self._nonces: set[str] = set()
        self._earlier: set[str] = set()
        self._turned_s = 0

    def check(self, request: Request, now: int) -> Principal:
        """The principal a request was signed for; ``now`` in microseconds. Raises `Refused` with a 401."""
        header = request.headers.get("authorization", "")
        # A client writes the same words before the timestamp each time. Once they were found good, only what
        # changes has to be looked at: half the cost of reading the whole header.
        head, _, rest = header.partition('oauth_timestamp="')
        changing = _CHANGING.fullmatch(rest)
        known = None if changing is None else self._heads.get(head)
        if (
            changing is not None
            and known is not None
            and self._signed_again(request, known, changing, now // 1_000_000)
        ):
            return known[0].principal
        signer, token = self._checked(request, header, now)
        if changing is not None and len(self._heads) < _MOST_HEADS and _is_usual(_fields(header)):
            self._heads[head] = signer, token
        return signer.principal

    def _signed_again(self, request: Request, known: tuple[Signer, str], changing: re.Match[str], second: int) -> bool:
        """Whether a client that is known signed this, in its usual words. Raises `Refused` for a nonce used before."""
        signer, token = known
        stamp, nonce, signature = changing.groups()
        if abs(int(stamp) - second) > CLOCK_SLACK_S:
            return False
        parameters = signer.usual(nonce, stamp)
        if request.query:
            parameters = _around(parameters, request.query)
        root = self._roots.get(request.url) or self._root(request.url)
        path = _encoded(request.raw_path) if request.raw_path else _encoded_of(request.path)
        if not signer.signs(f"{request.method}&{root}{path}&{parameters}", _plain(signature).encode()):
            return False
        self._use_once(f"{stamp} {nonce} {token}", second)
        return True

    def _checked(self, request: Request, header: str, now: int) -> tuple[Signer, str]:
        """Who signed, and with which token, from the whole header. Raises `Refused`."""
        if header[:6].lower() != "oauth ":
            self._refuse("token_rejected")
        fields = _fields(header)
        try:
            consumer, token = fields["oauth_consumer_key"], fields["oauth_token"]
            nonce, stamp, signature = fields["oauth_nonce"], fields["oauth_timestamp"], fields["oauth_signature"]
            method = fields["oauth_signature_method"]
        except KeyError:
            self._refuse("parameter_absent")
        signer = self._signers.get((consumer, token)) or self._signers.get((unquote(consumer), unquote(token)))
        if signer is None:
            self._refuse("token_rejected" if unquote(consumer) in self._consumers else "consumer_key_unknown")
        realm = fields.get("realm", "")
        if realm != self._account and unquote(realm).upper() != self._realm:
            self._refuse("token_rejected")
        if method != METHOD:
            self._refuse("signature_method_rejected")
        second = now // 1_000_000
        if not stamp.isdecimal() or abs(int(stamp) - second) > CLOCK_SLACK_S:
            self._refuse("timestamp_refused")
        if len(nonce) < SHORTEST_NONCE:
            self._refuse("nonce_rejected")
        if "oauth_body_hash" in fields and not _is_hash_of(unquote(fields["oauth_body_hash"]), request.body):
            self._refuse("signature_invalid")
        given = _plain(signature)
        given = unquote(given) if "%" in given else given
        if not self._signed(request, fields, signer, given.encode()):
            self._refuse("signature_invalid")
        self._use_once(f"{stamp} {nonce} {token}", second)
        return signer, token

    def _signed(self, request: Request, fields: dict[str, str], signer: Signer, given: bytes) -> bool:
        path = request.raw_path or _path_of(request.path)
        start = self._start(request, path)
        if _is_usual(fields):
            usual = signer.usual(fields["oauth_nonce"], fields["oauth_timestamp"])
            if signer.signs(start + (_around(usual, request.query) if request.query else usual), given):
                return True
        pairs = [pair for pair in fields.items() if pair[0] not in _UNSIGNED]
        query = [(_quoted(k), _quoted(v)) for k, v in request.query.items()]
        # The header carries each value encoded once, which is how it enters the signature.
        if signer.signs(start + _parameters(pairs + query), given):
            return True
        # A driver without the raw path, or a client that leaves header values unencoded, signs other text.
        again = [(k, _quoted(unquote(v))) for k, v in pairs]
        paths = [path] if request.raw_path else [path, "/".join(map(_strictly, request.path.split("/")))]
        return any(
            signer.signs(self._start(request, each) + _parameters(some + query), given)
            for each in paths
            for some in (pairs, again)
        )

    def _start(self, request: Request, path: str) -> str:
        return f"{request.method}&{self._root(request.url)}{_encoded(path)}&"

    def _root(self, url: str) -> str:
        """Scheme and authority as they enter a signature: lower case, without the default port."""
        root = self._roots.get(url)
        if root is None:
            if len(self._roots) > 16:
                self._roots.clear()
            plain = url.lower()
            plain = plain.removesuffix(_DEFAULT_PORT.get(plain.partition(":")[0], " "))
            root = self._roots[url] = _quoted(plain)
        return root

    def _use_once(self, mark: str, second: int) -> None:
        # Two generations: a nonce is remembered for as long as its timestamp would be taken.
        if second - self._turned_s >= _REMEMBER_S or len(self._nonces) >= _MOST_NONCES:
            self._earlier, self._nonces, self._turned_s = self._nonces, set(), second
        if mark in self._nonces or mark in self._earlier:
            self._refuse("nonce_used")
        self._nonces.add(mark)

    def _refuse(self, error: str) -> NoReturn:
        challenge = f'OAuth realm="{self._account}", error="{error}", error_description="Invalid login attempt."'
        raise Refused(problem(401, "INVALID_LOGIN", LOGIN_TEXT, headers={"WWW-Authenticate": challenge}))


def _fields(header: str) -> dict[str, str]:
    """The parameters of an Authorization header, values as they stand there."""
    parts = header[6:].split('"')
    known = _NAMES.get
    return {known(name) or name.strip(" ,=\t"): value for name, value in zip(parts[::2], parts[1::2], strict=False)}


def _is_usual(fields: dict[str, str]) -> bool:
    """Whether these are the parameters every client sends, and no others."""
    return len(fields) == _USUAL_FIELDS and fields["oauth_nonce"].isalnum() and fields.get("oauth_version") == "1.0"


def _plain(signature: str) -> str:
    return signature.replace("%3D", "=").replace("%2F", "/").replace("%2B", "+")


def _path_of(path: str) -> str:
    """The path, percent-encoded, of a driver that gives only the decoded one."""
    return path if _PLAIN(path) else quote(path, safe=_PATH_SAFE)


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _around(usual: str, query: dict[str, str]) -> str:
    """The usual OAuth parameters, signed, with those of a query in their places before and after."""
    before = after = ""
    for name in sorted(query):
        pair = f"{_twice(name)}%3D{_twice(query[name])}"
        if name < "oauth_":
            before += pair + "%26"
        else:
            after += "%26" + pair
    return before + usual + after


def _twice(text: str) -> str:
    """Percent-encoded twice over, as a query's parts enter a signature."""
    return text if text.isalnum() and text.isascii() else _quoted(_quoted(text))


def _parameters(pairs: list[tuple[str, str]]) -> str:
    pairs.sort()
    text = "&".join([f"{name}={value}" for name, value in pairs])
    return text.replace("%", "%25").replace("&", "%26").replace("=", "%3D")


def _encoded(path: str) -> str:
    """The path of a URL, percent-encoded once more: signatures encode the address as a whole."""
    if _PLAIN(path):
        return path.replace("/", "%2F").replace("!", "%21").replace(":", "%3A")
    return _quoted(path)


_PLAIN = re.compile(r"[A-Za-z0-9\-._~/!:]*").fullmatch


# A record is read soon after it was written, and again with each that follows from it.
@lru_cache(maxsize=1_024)
def _encoded_of(path: str) -> str:
    return _encoded(_path_of(path))


def _strictly(segment: str) -> str:
    """A path segment with everything encoded that may be, but for the words NetSuite itself has in paths."""
    if segment.startswith("eid:"):
        return "eid:" + _quoted(segment[4:])
    return segment if segment.startswith("!") else _quoted(segment)


def _is_hash_of(claimed: str, body: bytes) -> bool:
    return any(
        hmac.compare_digest(b64encode(hashlib.new(name, body).digest()), claimed.encode())
        for name in ("sha1", "sha256")
    )
