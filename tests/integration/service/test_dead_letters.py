"""Dead letters of a real RabbitMQ: listed, sent on again and ended by people, each on the trail, nobody's name told."""

import asyncio
import json

import pytest
from tests.integration.service.conftest import TOKENS
from tests.integration.service.test_push_queue import Service, until

from o2c_twin.integration.edges.broker import BrokerAway, Message
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.service.dead_letters import DeadLetters
from o2c_twin.integration.service.wiring import names_of

PERSON = ("Ada Lovelace", "ada@example.org", "DE89370400440532013000", "12 St James's Square")
POISON = (
    json.dumps(
        {
            "event_id": "crm:won:D7",
            "flow": "ordre",
            "object_id": PERSON[0],
            "lane": f"party:{PERSON[1]}",
            "source_at": 7,
            "buyer": {"name": PERSON[0], "iban": PERSON[2], "street": PERSON[3]},
        }
    ).encode(),
    f"Dear all, {PERSON[0]} of {PERSON[3]} writes".encode(),
    json.dumps([PERSON[0]]).encode(),
)


class Desk:
    """A service behind a real broker, with people at it; everything happens while somebody waits for an answer."""

    def __init__(self, service, office, runner):
        self.service, self.runner = service, runner
        self.office = office(service.app, TOKENS, runner.run)

    def put(self, *bodies, lane="party:A1"):
        async def publish():
            before = self.service.queue.figures()["dead"]
            for n, body in enumerate(bodies):
                await self.service.queue._broker.publish(Message(lane, f"{PERSON[1]}-{n}", "order", body))
            await until(lambda: self.service.queue.figures()["dead"] == before + len(bodies))

        self.runner.run(publish())

    def letters(self, who="operations"):
        """When the broker has put them where it shows them."""
        return self.office.call("GET", "/api/dead-letters", who).json()

    def trail(self):
        told = self.service.operations._audit.entries()
        return [(e["who"], e["what"], e["object"], e["key"]) for e in told if e["who"] != "engine"]


@pytest.fixture
def desk(rabbit_url, rabbit_prefix, bench, tmp_path, office):
    with asyncio.Runner() as runner:
        service = Service(bench, rabbit_url, rabbit_prefix, tmp_path / "j.db", TOKENS)
        runner.run(service.__aenter__())
        made = Desk(service, office, runner)
        runner.run(until(lambda: service.queue.there))
        yield made
        runner.run(service.__aexit__())


def test_what_was_put_aside_is_listed_with_the_reason_and_nobody_is_named(desk):
    desk.put(*POISON)
    letters = desk.letters()
    assert [each["why"].partition(";")[0] for each in letters] == [
        "its flow is none of this engine's",
        "is no event: it is not JSON with the fields of one",
        "is no event: it is not JSON with the fields of one",
    ]
    first = letters[0]["event"]
    assert (first["event_id"], first["flow"], first["source_at"]) == ("crm:won:D7", "ordre", 7)
    assert [each["other_fields"] for each in letters] == [1, 0, 0]
    assert all(abs(each["since"] - desk.service.engine.clock.now()) < 60_000_000 for each in letters)
    shown = json.dumps(letters) + desk.office.o2c("dead-letters", "list").output
    assert [told for told in PERSON if told in shown] == []
    assert desk.letters() == letters, "to look at them takes none away"
    assert desk.trail()[0] == ("operations", "list dead letters", "dead letters", "done")


def test_a_letter_is_sent_on_again_by_its_id_and_the_others_stay(desk):
    desk.put(POISON[1])
    desk.service.queue._intake._receive = lambda event: (_ for _ in ()).throw(OSError("the inbox is locked"))
    good = {"event_id": "crm:D1", "flow": "order", "object_id": "D1", "lane": "party:A1", "source_at": 0}
    desk.put(json.dumps(good).encode())
    id_ = next(each["id"] for each in desk.letters() if each["event"])
    desk.service.queue._intake._receive = desk.service.engine.receive
    told = desk.office.o2c("dead-letters", "revive", id_)
    assert told.output == "1 revived\n"
    desk.runner.run(until(lambda: desk.service.worked == [("party:A1", "D1")]))
    assert [each["event"] for each in desk.letters()] == [{}]
    assert desk.trail()[-2] == ("operations", "revive dead letters", f"dead letters {id_}", "1 revived")


def test_letters_are_ended_by_two_and_only_those_that_were_approved(desk):
    desk.put(*POISON)
    ids = [each["id"] for each in desk.letters()]
    assert desk.office.o2c("dead-letters", "discard", *ids[:2]).output.startswith("apr-1: asked; somebody else of oper")
    assert desk.office.o2c("approve", "apr-1", who="finance").exit_code == 0
    other = desk.office.o2c("dead-letters", "discard", "--all", "--approval", "apr-1")
    assert (other.exit_code, "something else was approved" in other.stderr) == (2, True)
    alone = desk.office.call("POST", "/api/dead-letters/discard", json={"ids": ids[:2]})
    assert (alone.status_code, "needs a second pair of eyes" in alone.json()["error"]) == (403, True)
    assert len(desk.letters()) == 3
    assert desk.office.o2c("dead-letters", "discard", *ids[:2], "--approval", "apr-1").output == "2 discarded\n"
    assert [each["id"] for each in desk.letters()] == ids[2:]
    assert ("operations", "discard dead letters", f"dead letters {ids[0]}, {ids[1]}", "2 discarded") in desk.trail()
    gone = desk.office.o2c("dead-letters", "revive", ids[0])
    assert f"no dead letter '{ids[0]}' among the oldest 1000; look at the list again" in gone.stderr


def test_status_tells_of_the_broker_and_of_its_oldest_dead_letter(desk, monkeypatch):
    desk.put(*POISON)
    (oldest, *_) = desk.letters()
    told = desk.office.call("GET", "/api/status").json()
    broker = {"kind": "broker", "there": True, "accepted": 0, "known": 0, "dead": 3, "waiting": 0, "dead_letters": 3}
    assert told["edges"] == {"broker": {**broker, "oldest_dead": oldest["since"]}}
    assert "broker, 0 waiting, 3 put aside, the oldest for " in desk.office.o2c("status").output

    async def away():
        raise BrokerAway("broker: gone")

    monkeypatch.setattr(desk.service.queue._broker, "figures", away)
    told = desk.office.call("GET", "/api/status").json()["edges"]["broker"]
    assert (told["there"], told["away"]) == (False, "broker: gone")
    assert "broker          broker, away: broker: gone" in desk.office.o2c("status").output


@pytest.mark.parametrize("who", ["sales", "credit", "finance", "auditor"])
def test_only_operations_settles_them_and_the_auditor_may_look(desk, who):
    desk.put(POISON[0])
    (letter,) = desk.letters()
    listed = desk.office.call("GET", "/api/dead-letters", who)
    assert listed.status_code == (200 if who == "auditor" else 403)
    for action in ("revive", "discard"):
        answer = desk.office.call("POST", f"/api/dead-letters/{action}", who, json={"ids": [letter["id"]]})
        assert (answer.status_code, "may not" in answer.json()["error"]) == (403, True)
    assert len(desk.letters()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("revive",), "give the ids of letters, or --all"),
        (("discard", "x", "--all"), "give the ids of letters, or --all"),
        (("revive", "nobody"), "no dead letter 'nobody'"),
        (("revive", "--all"), "ids: 0 are given; give one to 1000"),
    ],
)
def test_what_cannot_be_settled_is_said(desk, arguments, said):
    told = desk.office.o2c("dead-letters", *arguments)
    assert (told.exit_code, said in told.stderr) == (2, True), told.stderr


def test_with_a_vault_an_account_is_told_by_its_pseudonym(vault: Vault):
    letters = DeadLetters(None, None, None, names_of(vault))
    event = {"event_id": "crm:customer:0015gAOKI:7", "flow": "customer", "object_id": "0015gAOKI", "lane": "x"}
    for lane in ("party:0015gAOKI", "odd"):
        told, _ = letters._event(Message("k", "m", "customer", json.dumps({**event, "lane": lane}).encode()))
        assert "0015gAOKI" not in json.dumps(told)
        assert told["object_id"] == vault.pseudonym("0015gAOKI")


def test_while_the_broker_is_away_and_without_one_it_is_said(make_desk, monkeypatch):
    desk = make_desk(None)
    answer = desk.get("/api/dead-letters")
    assert (answer.status_code, "no broker stands before this engine's inbox" in answer.json()["error"]) == (409, True)

    class Away:
        async def dead(self, most):
            raise BrokerAway("broker: gone")

    monkeypatch.setattr(desk.operations.dead_letters, "_aside", Away())
    answer = desk.get("/api/dead-letters")
    assert (answer.status_code, answer.json()["error"]) == (503, "broker: gone; try again when the broker is there")
