"""The handshake: a subscription is made or renewed when the subscriber sends the token back, and not before."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import Request, TransportFault

HOOK = "http://hub/bc"
DAY_US = 86_400_000_000


def _body(company: Any, set_: str = "salesOrders") -> dict[str, str]:
    resource = f"/api/v2.0/companies({company.cid})/{set_}"
    return {"notificationUrl": HOOK, "resource": resource, "clientState": "s3cret"}


def _path(company: Any) -> str:
    return f"{company.root}/subscriptions"


def _answering(company: Any, status: int, text: str | None) -> None:
    """The subscriber answers so; with no text it sends the token back."""

    async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        company.posted.handshakes.append(url)
        token = dict(parse_qsl(urlsplit(url).query))["validationToken"]
        return status, (token if text is None else text).encode()

    company.world.post = post


def test_the_subscription_is_there_when_the_answer_comes(company: Any) -> None:
    made = company.post(_path(company), _body(company))
    assert [url.partition("=")[0] for url in company.posted.handshakes] == [f"{HOOK}?validationToken"]
    (listed,) = company.get(_path(company))["value"]
    assert listed["subscriptionId"] == made["subscriptionId"]
    company.order(("WIDGET", 1))
    (notice,) = company.posted.deliver()
    assert notice["subscriptionId"] == made["subscriptionId"]


def test_a_token_with_white_space_around_it_is_taken(company: Any) -> None:
    _answering(company, 200, None)
    post = company.world.post

    async def spaced(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        status, token = await post(url, headers, body)
        return status, b" " + token + b"\n"

    company.world.post = spaced
    company.post(_path(company), _body(company))


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (200, "no", "answered something else than the validation token"),
        (200, "", "answered something else than the validation token"),
        (202, None, "answered 202"),
        (404, None, "answered 404"),
        (500, "", "answered 500"),
        (0, "", "did not answer"),
    ],
)
def test_without_the_token_nothing_is_made(company: Any, status: int, text: str | None, told: str) -> None:
    _answering(company, status, text)
    before = company.dialect.snapshot()
    refused = company.refusal("POST", _path(company), _body(company))
    assert refused == (400, "BadRequest", f"The notification URL '{HOOK}' could not be validated: it {told}.")
    assert len(company.posted.handshakes) == 1
    assert company.dialect.snapshot() == before
    assert company.get(_path(company))["value"] == []


def test_without_the_token_nothing_is_renewed(company: Any) -> None:
    made = company.post(_path(company), _body(company))
    path = f"{_path(company)}('{made['subscriptionId']}')"
    company.clock.us += DAY_US // 100
    _answering(company, 200, "no")
    answer = company.call("PATCH", path, {"clientState": "new"}, if_match=made["@odata.etag"])
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "BadRequest")
    kept = company.get(path)
    assert (kept["clientState"], kept["expirationDateTime"]) == ("s3cret", made["expirationDateTime"])
    _answering(company, 200, None)
    renewed = company.patch(path, {"clientState": "new"}, made["@odata.etag"])
    assert (renewed["clientState"], renewed["expirationDateTime"] > made["expirationDateTime"]) == ("new", True)


def test_what_is_wrong_is_refused_without_asking_anybody(company: Any) -> None:
    company.post(_path(company), _body(company))
    company.posted.handshakes.clear()
    wrong = {**_body(company), "resource": "companies(x)/horns"}
    assert company.refusal("POST", _path(company), wrong)[0] == 400
    assert company.refusal("POST", _path(company), _body(company))[:2] == (400, "Internal_EntityWithSameKeyExists")
    assert company.refusal("POST", _path(company), b"{")[0] == 400
    assert company.posted.handshakes == []


def test_of_two_at_one_time_one_is_made(new_company: Any) -> None:
    company = new_company()
    both = asyncio.Event()

    async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        company.posted.handshakes.append(url)
        if len(company.posted.handshakes) == 2:
            both.set()
        await both.wait()
        return 200, dict(parse_qsl(urlsplit(url).query))["validationToken"].encode()

    company.world.post = post
    headers = {"authorization": f"Bearer {company.token}", "content-type": "application/json"}
    request = Request("POST", _path(company), {}, headers, json.dumps(_body(company)).encode())

    async def main() -> list[int]:
        answers = await asyncio.gather(company.server.call(request), company.server.call(request))
        return sorted(answer.status for answer in answers)

    assert asyncio.run(main()) == [201, 400]
    assert len(company.dialect.state.subscriptions) == 1


def test_the_answer_may_be_lost_after_the_handshake(new_company: Any) -> None:
    company = new_company()
    company.server.faults.add(LostReply(next=1))
    with pytest.raises(TransportFault):
        company.post(_path(company), _body(company))
    assert len(company.dialect.state.subscriptions) == 1


def test_a_batch_holds_no_subscription_for_nobody_would_be_asked(company: Any) -> None:
    inner = {"id": "1", "method": "POST", "url": _path(company), "headers": {"content-type": "application/json"}}
    answer = company.call("POST", f"{company.root}/$batch", {"requests": [{**inner, "body": _body(company)}]})
    (reply,) = json.loads(answer.body)["responses"]
    assert reply["status"] == 400
    assert company.dialect.state.subscriptions == {}
