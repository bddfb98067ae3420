"""The engine's webhook endpoint, spoken to as a server would."""

import asyncio
import json

import pytest

from o2c_twin.integration.webhook_endpoint import WebhookEndpoint


@pytest.fixture
def endpoint(bench):
    async def order(engine, event):
        await asyncio.sleep(60)

    return Client(bench, WebhookEndpoint(bench.engine({"order": order})))


class Client:
    """Posts to an ASGI application; ``chunks`` are the pieces a body comes in."""

    def __init__(self, bench, app):
        self.bench, self.app = bench, app

    def call(self, method, path, *chunks, kind="http"):
        incoming = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
        incoming.append({"type": "http.request"})
        sent = []

        async def receive():
            return incoming.pop(0)

        async def send(message):
            sent.append(message)

        self.bench.do(self.app({"type": kind, "method": method, "path": path, "headers": []}, receive, send))
        if not sent:
            return None
        start, body = sent
        headers = dict(start["headers"])
        assert int(headers[b"content-length"]) == len(body["body"])
        return start["status"], body["body"]

    def push(self, system, *events):
        return self.call("POST", f"/webhooks/{system}", json.dumps(list(events)).encode())


EVENT = {"event_id": "crm:won:D1", "flow": "order", "object_id": "D1", "lane": "party:A1", "source_at": 0}


def test_a_push_is_acknowledged_in_the_words_of_its_system_after_it_is_in_the_inbox(bench, endpoint):
    assert endpoint.push("crm", EVENT) == (200, b"taken")
    assert [event.event_id for event in bench.journal.pending()] == ["crm:won:D1"]


def test_a_push_in_pieces_is_read_whole(bench, endpoint):
    body = json.dumps([EVENT]).encode()
    assert endpoint.call("POST", "/webhooks/crm", body[:7], body[7:30], body[30:])[0] == 200
    assert len(list(bench.journal.pending())) == 1


def test_a_push_told_again_is_acknowledged_again_and_accepted_once(bench, endpoint):
    assert [endpoint.push("crm", EVENT)[0] for _ in range(3)] == [200, 200, 200]
    assert len(list(bench.journal.pending())) == 1


def test_what_cannot_be_put_in_the_inbox_is_not_acknowledged(bench, endpoint):
    bench.journal.close()
    with pytest.raises(Exception, match="closed"):  # the server makes a 500 of it, and the vendor pushes again
        endpoint.push("crm", EVENT)


@pytest.mark.parametrize("path", ["/webhooks/shop", "/webhooks/", "/webhooks", "/", "/webhooks/crm/more"])
def test_a_system_nobody_knows_is_not_found(endpoint, path):
    status, body = endpoint.call("POST", path, b"[]")
    assert status == 404
    assert b"/webhooks/{system}" in body


@pytest.mark.parametrize("body", [b"", b"not json", b"{}", b'[{"event_id": 1}]', b"\xff\xfe", b"[1]"])
def test_a_body_that_makes_no_sense_is_refused_and_nothing_is_accepted(bench, endpoint, body):
    assert endpoint.call("POST", "/webhooks/erp", body)[0] == 400
    assert list(bench.journal.pending()) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_pushes(endpoint, method):
    assert endpoint.call(method, "/webhooks/crm")[0] == 405


def test_health_is_answered(endpoint):
    assert endpoint.call("GET", "/health") == (200, b'{"status":"up"}')


def test_what_is_not_http_is_left_alone(endpoint):
    assert endpoint.call("GET", "/health", kind="lifespan") is None


def test_a_client_that_hangs_up_pushes_nothing(bench, endpoint):
    messages = [{"type": "http.request", "body": json.dumps([EVENT]).encode(), "more_body": True}]

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError("answered nobody")

    bench.do(endpoint.app({"type": "http", "method": "POST", "path": "/webhooks/crm", "headers": []}, receive, send))
    assert list(bench.journal.pending()) == []


def test_a_design_that_polls_takes_no_pushes(bench):
    client = Client(bench, WebhookEndpoint(bench.engine(trigger="poll")))
    assert client.push("crm", EVENT) == (200, b"")
    assert list(bench.journal.pending()) == []


def test_the_answer_says_what_it_is(bench):
    kinds = []

    async def send(message):
        kinds.extend(message.get("headers", ()))

    async def receive():
        return {"type": "http.request", "body": b"[]"}

    bench.crm.pushed = lambda body, headers: ([], b"<ok/>")
    asyncio.run(
        WebhookEndpoint(bench.engine())(
            {"type": "http", "method": "POST", "path": "/webhooks/crm", "headers": []}, receive, send
        )
    )
    assert (b"content-type", b"text/xml") in kinds
