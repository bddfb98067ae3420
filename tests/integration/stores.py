"""Benches on PostgreSQL, where a worker looks for lanes: with one worker, and with two."""

import itertools

from tests.integration.conftest import Bench

from o2c_twin.integration.runtime import engine as running
from o2c_twin.integration.store.postgres import PostgresJournal


class SharedBench(Bench):
    """A bench on PostgreSQL. An engine looks for lanes though it was not started, as one on SQLite works unstarted.

    A killed worker lets go of nothing: the next has another name, and waits for the leases to run out. ``opened``
    makes a worker's journal of its name.
    """

    def __init__(self, path, url, monkeypatch, opened=PostgresJournal):
        self._url, self._opened, self._names = url, opened, itertools.count(1)
        self._monkeypatch = monkeypatch
        super().__init__(path)

    def opens(self):
        return self._opened(self._url, f"worker-{next(self._names)}")

    def engine(self, *given, **choices):
        engine = super().engine(*given, **choices)
        looking = self._spawn(engine._take_lanes(self.journal), "lanes")
        start = engine.start

        def started():
            looking.cancel()
            start()

        engine.start = started
        return engine

    def pass_time(self, seconds):
        # A worker that looks for lanes five times a second all night is not what a test is about.
        self._monkeypatch.setattr(running, "_CLAIM_EVERY_S", max(0.2, seconds / 400))
        super().pass_time(seconds)

    def kill(self):
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self.journal._db.close()
        self.journal._engine.dispose()
        self.journal = self.opens()


class Pair(SharedBench):
    """A bench with two workers, ``anna`` and ``bert``: each an engine with a journal of its own to one database."""

    def __init__(self, *given):
        super().__init__(*given)
        self.journals, self._theirs = {}, {}

    def start(self, **choices):
        self.anna, self.bert = self.joins("anna", **choices), self.joins("bert", **choices)

    def joins(self, name, **choices):
        """A worker comes; gives its engine."""
        self._theirs[name] = []
        return self._worker(name, choices)

    def _worker(self, name, choices):
        first, usual = self.journal, self._spawn
        self.journals[name] = self.journal = self._opened(self._url, name)

        def spawn(work, label):
            task = usual(work, f"{name}.{label}")
            self._theirs[name].append(task)
            return task

        self._spawn = spawn
        try:
            return self.engine(**choices)
        finally:
            self.journal, self._spawn = first, usual

    def at_work(self, label):
        """The workers that have a task of that name under way."""
        return [
            name for name, tasks in self._theirs.items() if any(label in t.get_name() and not t.done() for t in tasks)
        ]

    def dies(self, name):
        """A worker is gone, and lets go of nothing."""
        for task in self._theirs[name]:
            task.cancel()
        journal = self.journals.pop(name)
        journal._db.close()
        journal._engine.dispose()

    def close(self):
        for journal in self.journals.values():
            journal.close()
        super().close()
