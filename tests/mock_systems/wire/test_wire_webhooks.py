"""Webhooks as a subscriber meets them: signed, retried, doubled, out of order, lost."""

import hashlib
import hmac
import json

import pytest

HELLO = b'{"id":"1","text":"hello","weight":null}'


@pytest.fixture
def hooked(open_notes):
    """The vendor with a subscriber; an attempt at once, one after 60 s, a last one 300 s later."""
    notes = open_notes(hooks=True)
    notes.clock.holding = True
    return notes


def _at(notes, start):
    return [(us - start) / 1e6 for us, _, _ in notes.subscriber.received]


def test_a_notice_is_signed_for_the_instant_it_is_sent(hooked):
    start = hooked.clock.us
    hooked.subscriber.statuses = [500]
    hooked.create("hello")
    hooked.later(60)
    (_, first, body), (_, second, _) = hooked.subscriber.received
    assert body == HELLO
    for headers, at in ((first, start), (second, start + 60_000_000)):
        expected = hmac.new(b"hook-secret", b"%d." % at + body, hashlib.sha256).hexdigest()
        assert headers == {"X-Time": str(at), "X-Signature": expected}


@pytest.mark.parametrize(
    ("answers", "attempts_s", "counts"),
    [
        ([], [0], (1, 0, 0)),
        ([500], [0, 60], (1, 1, 0)),
        ([0, 404], [0, 60, 360], (1, 2, 0)),
        ([500, 500, 500], [0, 60, 360], (0, 2, 1)),
    ],
    ids=["acknowledged", "second try", "third try", "given up"],
)
def test_a_notice_is_retried_on_the_vendors_schedule_until_acknowledged(hooked, answers, attempts_s, counts):
    start = hooked.clock.us
    hooked.subscriber.statuses = list(answers)
    hooked.create("hello")
    hooked.later(10_000)
    assert _at(hooked, start) == attempts_s
    outcome = hooked.dialect.sender.outcome
    assert (outcome.delivered, outcome.retried, outcome.given_up) == counts


def test_a_refused_change_gives_no_notice(hooked):
    assert hooked.create("").status == 422
    hooked.later(10_000)
    assert hooked.subscriber.received == []


def test_a_change_whose_reply_is_lost_gives_its_notice(hooked):
    hooked.arm("malformed-body", next=1)
    hooked.create("hello")
    hooked.later(0)
    assert [json.loads(body)["text"] for _, _, body in hooked.subscriber.received] == ["hello"]


def test_a_duplicated_notice_comes_twice(hooked):
    hooked.arm("duplicated-webhook", next=1)
    hooked.create("a")
    hooked.create("b")
    hooked.later(10)
    assert sorted(hooked.subscriber.texts) == ["a", "a", "b"]
    assert hooked.dialect.sender.outcome.delivered == 3


def test_a_reordered_notice_is_overtaken_by_a_later_one(hooked):
    hooked.arm("reordered-webhook", next=1, delay_s=30)
    hooked.create("first")
    hooked.create("second")
    hooked.later(29)
    assert hooked.subscriber.texts == ["second"]
    hooked.later(1)
    assert hooked.subscriber.texts == ["second", "first"]


def test_a_lost_notice_never_comes(hooked):
    hooked.arm("lost-webhook", operations=["webhook.note.created"], next=1)
    hooked.create("gone")
    hooked.create("kept")
    hooked.later(10_000)
    assert hooked.subscriber.texts == ["kept"]
    assert hooked.dialect.sender.outcome.lost == 1
    assert hooked.texts() == ["gone", "kept"], "the change itself was made"


def test_a_fault_of_calls_is_not_used_up_by_notices(hooked):
    hooked.create("a")
    hooked.later(0)
    hooked.arm("server-error", every=2)
    assert [hooked.create(t).status for t in "bcde"] == [201, 500, 201, 500]
