"""Files dropped into a real directory: whole ones are taken once, in order; the rest waits or is refused."""

import asyncio
import json
from dataclasses import astuple

import pytest

from o2c_twin.integration.connectors.legacy_erp_live import DirectoryFolder
from o2c_twin.integration.edges.file_drop import FileDrop
from o2c_twin.integration.edges.inbound import watch
from o2c_twin.integration.model import Inbound


def told(*names, event_id="shop:{}"):
    return json.dumps(
        [
            {"event_id": event_id.format(n), "flow": "order", "object_id": n, "lane": "party:A1", "source_at": 0}
            for n in names
        ]
    )


@pytest.fixture
def root(tmp_path):
    for place in ("in", "archive", "error"):
        (tmp_path / place).mkdir()
    return tmp_path


@pytest.fixture
def drop(root, bench):
    def make(**options):
        return FileDrop(DirectoryFolder(root), lambda event: bench.journal.accept(event, 0), **options)

    return make


def rounds(edge):
    return astuple(asyncio.run(edge.round()))


def places(root):
    return {place: sorted(p.name for p in (root / place).iterdir()) for place in ("in", "archive", "error")}


def test_a_renamed_file_is_taken_and_one_being_written_waits(root, drop, bench):
    edge = drop()
    for ending in (".tmp", ".part", ".filepart"):
        (root / "in" / f"half.json{ending}").write_text(told("H"))
    (root / "in" / "b.json").write_text(told("D2", "D3"))
    (root / "in" / "a.json").write_text(told("D1"))
    assert rounds(edge) == (3, 0, 0)
    assert [event.object_id for event in bench.journal.pending()] == ["D1", "D2", "D3"]
    assert places(root)["archive"] == ["a.json", "b.json"]
    assert len(places(root)["in"]) == 3
    (root / "in" / "half.json.tmp").rename(root / "in" / "half.json")
    assert rounds(edge) == (1, 0, 0)
    assert rounds(edge) == (0, 0, 0)


def test_a_file_with_a_marker_is_taken_when_the_marker_is_there(root, drop):
    edge = drop(completion="done")
    (root / "in" / "a.json").write_text(told("D1"))
    assert rounds(edge) == (0, 0, 0)
    (root / "in" / "a.json.done").touch()
    assert rounds(edge) == (1, 0, 0)
    assert places(root) == {"in": [], "archive": ["a.json", "a.json.done"], "error": []}


def test_what_is_no_list_of_events_is_put_aside_with_the_reason(root, drop):
    (root / "in" / "a.json").write_text("{")
    (root / "in" / "b.json").write_text('[{"event_id": "x"}]')
    assert rounds(drop()) == (0, 0, 2)
    assert places(root)["error"] == ["a.json", "a.json.why", "b.json", "b.json.why"]
    why = (root / "error" / "b.json.why").read_text()
    assert "b.json" in why
    assert "flow" in why


@pytest.mark.parametrize("event_id", ["shop:{}", ""])
def test_a_crash_between_inbox_and_archive_takes_nothing_twice(root, drop, bench, event_id):
    class Crashes(DirectoryFolder):
        async def move(self, path, to):
            raise KeyboardInterrupt

    (root / "in" / "a.json").write_text(told("D1", "D2", event_id=event_id))
    edge = drop()
    edge._folder = Crashes(root)
    with pytest.raises(KeyboardInterrupt):
        rounds(edge)
    assert rounds(drop()) == (0, 2, 0)
    assert len(bench.journal.pending()) == 2
    assert places(root)["in"] == []


def test_another_file_of_the_same_name_writes_nothing_over(root, drop, bench):
    edge = drop()
    for name in ("D1", "D2"):
        (root / "in" / "orders.json").write_text(told(name))
        assert rounds(edge) == (1, 0, 0)
    kept = places(root)["archive"]
    assert len(kept) == 2
    assert {(root / "archive" / name).read_text() for name in kept} == {told("D1"), told("D2")}


def test_the_format_is_the_readers(root, drop, bench):
    def lines(name, data):
        return [Inbound("", "order", line, "party:A1", 0) for line in data.decode().split()]

    (root / "in" / "orders.txt").write_text("D1\nD2\n")
    assert rounds(drop(read=lines)) == (2, 0, 0)
    first, second = bench.journal.pending()
    assert first.event_id != second.event_id


def test_a_folder_that_is_not_mounted_is_looked_for_again(tmp_path, bench):
    edge = FileDrop(DirectoryFolder(tmp_path), lambda event: bench.journal.accept(event, 0))
    away, looks = [], []

    async def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            for place in ("in", "archive", "error"):
                (tmp_path / place).mkdir()
            (tmp_path / "in" / "a.json").write_text(told("D1"))

    asyncio.run(watch(edge, 30.0, sleep, lambda: len(looks) == 3, away.append))
    assert [type(error) for error in away] == [FileNotFoundError] * 2
    assert looks == [30.0] * 3
    assert len(bench.journal.pending()) == 1
