"""An application in virtual time behind a server in wall time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from o2c_twin.twin.time.paced_loop import in_virtual_time, in_wall_time

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def virtual_time_app(app: Application) -> Application:
    """Return an ASGI application whose timers count virtual seconds although its server's count real ones.

    Calls back into the server (`receive`, `send`) go out in wall time again: that is where a server arms its
    keep-alive timer.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_in_wall_time() -> Message:
            with in_wall_time():
                return await receive()

        async def send_in_wall_time(message: Message) -> None:
            with in_wall_time():
                await send(message)

        with in_virtual_time():
            await app(scope, receive_in_wall_time, send_in_wall_time)

    return served
