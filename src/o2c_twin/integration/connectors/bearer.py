"""Calls with a bearer token (RFC 6750): fetched when there is none, and once more when a call is refused for it."""

from collections.abc import Awaitable, Callable, Mapping

from o2c_twin.integration.connectors.wire import Wire, retry_after_s, status_cause
from o2c_twin.integration.ports import HttpAnswer
from o2c_twin.integration.runtime.errors import CallFailed

_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Bearer:
    """The token of a system's calls. ``fetch`` gets one, or raises `CallFailed`; None where ``token`` is for good."""

    __slots__ = ("_fetch", "_token", "_wire")

    def __init__(self, wire: Wire, fetch: Callable[[], Awaitable[str]] | None, token: str | None = None) -> None:
        self._wire = wire
        self._fetch = fetch
        self._token = token

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> HttpAnswer:
        """One call, as `Wire.send`; a second time with another token where the answer is 401 and there may be one."""
        token = self._token or await self._fetched()
        signed = {"authorization": f"Bearer {token}", **headers}
        answer = await self._wire.send(operation, method, path, query, signed, body)
        if answer.status != 401 or self._fetch is None:
            return answer
        # Calls side by side are refused one by one; the first has fetched a new token by now.
        if self._token == token:
            self._token = None
        token = self._token or await self._fetched()
        signed = {"authorization": f"Bearer {token}", **headers}
        return await self._wire.send(operation, method, path, query, signed, body)

    async def _fetched(self) -> str:
        if self._fetch is None:
            raise CallFailed(self._wire.system, "login", "login", "there is no token; give one")
        self._token = token = await self._fetch()
        return token


async def token_for(wire: Wire, path: str, form: str, refused: Callable[[HttpAnswer], CallFailed]) -> str:
    """The access token a form is answered with (RFC 6749 5.1). Raises `CallFailed`: for an answer that is none, what
    ``refused`` makes of it.
    """
    answer = await wire.send("login", "POST", path, None, _FORM, form.encode(), logs_in=True)
    if answer.status != 200:
        raise refused(answer)
    with wire.reading("login"):
        return str(wire.json("login", answer)["access_token"])


def refused_login(system: str, answer: HttpAnswer) -> CallFailed:
    """A refused login as it is usually read: below 429 the credentials are not good."""
    cause = "login" if answer.status < 429 else status_cause(answer.status, logs_in=True)
    return CallFailed(system, "login", cause, answer.body.decode("utf-8", "replace")[:200], retry_after_s(answer))
