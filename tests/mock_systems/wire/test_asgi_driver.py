"""The in-process ASGI driver with any ASGI application, not only ours."""

import asyncio
import json

import pytest
from fastapi import FastAPI
from fastapi import Request as FastRequest

from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.message import Request, TransportFault


def test_a_foreign_application_sees_the_whole_request():
    app = FastAPI()

    @app.put("/things/{name}", status_code=202)
    async def put(name: str, request: FastRequest) -> dict[str, object]:
        return {
            "name": name,
            "url": str(request.url),
            "colours": request.query_params.getlist("colour"),
            "agent": request.headers["user-agent"],
            "raw": request.scope["raw_path"].decode(),
            "body": (await request.body()).decode(),
        }

    request = Request(
        "PUT",
        "/things/a b",
        {"colour": "sky blue & grey"},
        {"user-agent": "test"},
        b"hello",
        "https://shop.test:8443",
        "/things/a%20b",
    )
    answer = asyncio.run(call_asgi(app, request))
    assert (answer.status, answer.headers["content-type"]) == (202, "application/json")
    assert json.loads(answer.body) == {
        "name": "a b",
        "url": "https://shop.test:8443/things/a b?colour=sky+blue+%26+grey",
        "colours": ["sky blue & grey"],
        "agent": "test",
        "raw": "/things/a%20b",
        "body": "hello",
    }


def test_an_answer_in_pieces_is_put_together():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    answer = asyncio.run(call_asgi(app, Request("GET", "/")))
    assert (answer.status, answer.body, answer.headers) == (200, b"one two", {"x-a": "1"})


def test_an_application_that_answers_nothing_has_dropped_the_connection():
    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    with pytest.raises(TransportFault) as dropped:
        asyncio.run(call_asgi(app, Request("GET", "/")))
    assert dropped.value.kind == "reset"
