"""The journal of a simulation keeps the promises of the durable one: asked the same, both answer the same."""

from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store import Case, Effect, Link, MemoryJournal, SqliteJournal

NAMES = st.sampled_from(["a", "b", "c", "d"])
INSTANTS = st.integers(0, 9)


class BothJournals(RuleBasedStateMachine):
    """The same words to a journal in dictionaries and to one in SQLite."""

    def __init__(self):
        super().__init__()
        self.pair = (MemoryJournal(), SqliteJournal(":memory:", "OFF"))

    def teardown(self):
        for journal in self.pair:
            journal.close()

    def ask(self, method, *arguments, **named):
        with self.pair[0].together(), self.pair[1].together():
            memory, sqlite = (getattr(journal, method)(*arguments, **named) for journal in self.pair)
        assert memory == sqlite, method
        return memory

    @rule(name=NAMES, lane=NAMES, at=INSTANTS)
    def accept(self, name, lane, at):
        self.ask("accept", Inbound(name, "order", "D", lane, at), at)

    @rule(name=NAMES, state=st.sampled_from(["done", "dead"]))
    def finish(self, name, state):
        self.ask("finish", name, state)

    @rule(name=NAMES, on=NAMES)
    def park(self, name, on):
        self.ask("finish", name, "parked", on)

    @rule(on=NAMES)
    def release(self, on):
        self.ask("release", on)

    @rule(name=NAMES)
    def reopen(self, name):
        self.ask("reopen", name)

    @rule(key=NAMES, result=st.none() | st.just("given"), at=INSTANTS)
    def intend(self, key, result, at):
        self.ask("intend", Effect(key, "erp", "bill", b"[]", "c", "l", "sent", result, 1, at, at, None))

    @rule(key=NAMES, at=INSTANTS)
    def resend(self, key, at):
        self.ask("resend", key, at)

    @rule(key=NAMES, attempts=INSTANTS, at=INSTANTS, unknown=st.booleans())
    def again(self, key, attempts, at, unknown):
        if self.ask("outcome", key) is None:
            self.ask("again", key, attempts, at, unknown=unknown)

    @rule(key=NAMES, canonical=NAMES)
    def settle(self, key, canonical):
        self.ask("settle", key, "made", [Link("erp", "order", canonical, key)])

    @rule(key=NAMES, at=INSTANTS, what=st.sampled_from(["give_up", "void", "revive"]))
    def end(self, key, at, what):
        self.ask(what, key, *((at,) if what == "revive" else ()))

    @rule(key=NAMES, at=INSTANTS)
    def record(self, key, at):
        self.ask("record", key, "decided", at)

    @rule(name=NAMES, value=NAMES)
    def move(self, name, value):
        self.ask("move", name, value)

    @rule(name=NAMES, at=INSTANTS, key=st.none() | NAMES)
    def open_case(self, name, at, key):
        self.ask("open_case", Case(name, "refused", "order", "D", "l", key, "why", "sales", at, at + 1))

    @rule(name=NAMES, at=INSTANTS, state=st.sampled_from(["closed", "replayed"]))
    def close_case(self, name, at, state):
        self.ask("close_case", name, at, "anna", "done", state)

    @rule(name=NAMES, level=INSTANTS)
    def escalate(self, name, level):
        self.ask("escalate", name, level, level, "finance")

    @invariant()
    def they_hold_the_same(self):
        for method in ("pending", "unsettled", "cases", "counts"):
            self.ask(method)
        self.ask("cases", "open")
        self.ask("links", "erp", "order")
        for name in "abcd":
            for method in ("event", "effect", "outcome", "case"):
                self.ask(method, name)
            self.ask("remote", "erp", "order", name)
            self.ask("cursor", name, "nowhere")


BothJournals.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_both_journals_answer_alike = BothJournals.TestCase


def test_an_engine_that_forgets_everything_cannot_be_governed():
    engine = SimpleNamespace(journal=MemoryJournal(), clock=SimpleNamespace(now=lambda: 0))
    with pytest.raises(TypeError, match="give the engine one of SQLite or PostgreSQL"):
        governed(engine)
