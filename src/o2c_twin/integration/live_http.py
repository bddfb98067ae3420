"""The engine's wire in production: aiohttp, with every failure told apart by what it may have changed."""

import ssl

import aiohttp
from yarl import URL

from o2c_twin.integration.ports import HttpAnswer, HttpRequest, NoAnswer, NotSent


class LiveHttp:
    """Calls over real sockets; close it when done. ``trust`` is the TLS context for systems on https."""

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """One call. Raises `NotSent` when no connection was made, `NoAnswer` when one was and broke."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._trust if self._trust is not None else True)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=True)
        url = URL(request.url).with_path(request.path).with_query(request.query)
        limit = aiohttp.ClientTimeout(total=request.timeout_s)
        try:
            async with self._session.request(
                request.method,
                url,
                headers=request.headers,
                data=request.body or None,
                timeout=limit,
                # A client that follows turns a POST into a GET and takes its answer for the POST's.
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                return HttpAnswer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, body)
        except aiohttp.ClientConnectorError as failure:
            raise NotSent(str(failure)) from failure
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as failure:
            raise NoAnswer(str(failure) or type(failure).__name__) from failure

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
