"""The ``$batch`` codec, against bodies as clients write them and against its own answers."""

import json
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.odata import (
    BatchReply,
    BatchRequest,
    ChangeSet,
    ChangeSetReply,
    ODataError,
    join_batch,
    split_batch,
)

MIXED = "multipart/mixed; boundary=batch_1"
BODY = b"""
--batch_1
Content-Type: application/http
Content-Transfer-Encoding:binary

GET A_SalesOrder('1')?$select=SalesOrder HTTP/1.1
Accept: application/json


--batch_1
Content-Type: multipart/mixed; boundary="cs 2"

--cs 2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST A_SalesOrder HTTP/1.1
Content-Type: application/json

{"A": "1"}

--cs 2
Content-Type: application/http

PATCH $1 HTTP/1.1
If-Match: W/"x"
Content-Length: 2

{}trailing
--cs 2--

--batch_1--
after
"""


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_batch_with_a_change_set(newline):
    first, changes = split_batch(MIXED, BODY.replace(b"\n", newline))
    assert first == BatchRequest("GET", "A_SalesOrder('1')?$select=SalesOrder", {"accept": "application/json"})
    assert changes == ChangeSet(
        (
            BatchRequest("POST", "A_SalesOrder", {"content-type": "application/json"}, b'{"A": "1"}', "1"),
            BatchRequest("PATCH", "$1", {"if-match": 'W/"x"', "content-length": "2"}, b"{}"),
        )
    )


def test_a_batch_as_json():
    rows = [
        {"id": "1", "method": "get", "url": "/orders"},
        {"id": "2", "method": "POST", "url": "orders", "atomicityGroup": "g", "body": {"n": 1}},
        {
            "id": "3",
            "method": "PATCH",
            "url": "$2",
            "atomicityGroup": "g",
            "dependsOn": ["2"],
            "headers": {"If-Match": "*"},
        },
        {"id": "4", "method": "GET", "url": "orders", "dependsOn": ["g"]},
    ]
    body = json.dumps({"requests": rows}).encode().replace(b'"n": 1', b'"n": 0.10')
    one, group, four = split_batch("application/json", body)
    assert one == BatchRequest("GET", "/orders", id="1")
    assert isinstance(group, ChangeSet) and group.id == "g"
    assert group.requests[0].body == b'{"n": 0.10}'
    assert group.requests[1] == BatchRequest("PATCH", "$2", {"if-match": "*"}, b"", "3", ("2",))
    assert four.depends_on == ("g",)
    kind, answer = join_batch(
        "application/json",
        [
            BatchReply(200, {"Content-Type": "application/json"}, b'{"v":0.10}', "1"),
            ChangeSetReply((BatchReply(204, id="2"),), "g"),
        ],
    )
    assert kind.startswith("application/json")
    assert b'"v":0.10' in answer
    assert [r.get("atomicityGroup") for r in json.loads(answer)["responses"]] == [None, "g"]


BODIES = st.binary(max_size=40).map(lambda body: body.replace(b"--", b"__"))
REPLIES = st.builds(
    BatchReply, st.sampled_from([200, 201, 204, 400, 412]), st.just({"Content-Type": "application/json"}), BODIES
)


@given(st.lists(REPLIES | st.builds(ChangeSetReply, st.lists(REPLIES, min_size=1, max_size=3).map(tuple)), max_size=4))
def test_an_answer_is_read_back_by_the_standard_library(replies):
    kind, body = join_batch(MIXED, replies, "b")
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = message.get_payload() if replies else []
    assert len(parts) == len(replies)
    for part, reply in zip(parts, replies, strict=True):
        many = reply.replies if isinstance(reply, ChangeSetReply) else (reply,)
        inner = part.get_payload() if isinstance(reply, ChangeSetReply) else [part]
        assert len(inner) == len(many)
        for one, wanted in zip(inner, many, strict=True):
            assert one.get_content_type() == "application/http"
            assert f"HTTP/1.1 {wanted.status} " in one.as_string()
            assert f"Content-Length: {len(wanted.body)}\n" in one.as_string().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b""),
        ("multipart/mixed", b"--b--"),
        ("multipart/mixed; boundary=\u00e9", b""),
        (MIXED, b""),
        (MIXED, b"--batch_1\r\n"),
        (MIXED, b"--batch_1\r\nContent-Type: text/plain\r\n\r\nx\r\n--batch_1--"),
        (MIXED, b"--batch_1\r\nContent-Type: application/http\r\n\r\nnonsense\r\n--batch_1--"),
        (MIXED, b"--batch_1\r\nno header\r\n\r\n--batch_1--"),
        (MIXED, BODY.replace(b"PATCH $1", b"GET X")),
        ("application/json", b"[]"),
        ("application/json", b'{"requests":[{"id":"1","method":"GET"}]}'),
        ("application/json", b'{"requests":[{"id":"1","method":"GET","url":"x","dependsOn":["9"]}]}'),
        ("application/json", b'{"requests":[{"id":"1","method":"GET","url":"x"},{"id":"1","method":"GET","url":"x"}]}'),
    ],
)
def test_batches_that_cannot_be_read(kind, body):
    with pytest.raises(ODataError) as refused:
        split_batch(kind, body)
    assert refused.value.option == "$batch"


@given(st.binary(max_size=200), st.integers(0, len(BODY)), st.integers(0, 40))
def test_any_damage_is_read_or_refused(noise, at, length):
    for kind, body in ((MIXED, BODY[:at] + noise + BODY[at + length :]), ("application/json", noise), (MIXED, noise)):
        try:
            split_batch(kind, body)
        except ODataError as refused:
            assert refused.option == "$batch"


def test_an_empty_batch_is_answered_empty():
    assert split_batch(MIXED, b"--batch_1--") == ()
    assert join_batch(MIXED, [], "b") == ("multipart/mixed; boundary=b", b"--b--\r\n")
