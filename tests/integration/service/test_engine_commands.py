"""`o2c engine` without an engine: the maps, the audit trail of a file, and what is said where nobody answers."""

import json

import pytest
from click.testing import CliRunner

from o2c_twin.cli.main import main
from o2c_twin.integration.mappings import shipped_files
from o2c_twin.integration.model import Deal, DealLine, Party
from o2c_twin.integration.store import Effect, SqliteJournal
from o2c_twin.integration.store.audit_log import Trail

ORDER_MAP = "maps/netsuite/deal_to_sales_order.yaml"
MAPS = len(shipped_files().maps)


@pytest.fixture
def o2c():
    def run(*arguments):
        return CliRunner().invoke(main, ["engine", *map(str, arguments)])

    return run


@pytest.fixture
def journal(tmp_path):
    """Two orders of the past, and what the trail says of them."""
    import msgspec

    kept = SqliteJournal(str(tmp_path / "engine.db"), "OFF")
    for n in (1, 2):
        lines = tuple(DealLine(f"P-{each}", 3, 1_999) for each in range(1, n + 1))
        deal = Deal(str(n), f"D-{n}", None, Party("1", "A"), lines, "EUR", 0)
        arguments = msgspec.json.encode((deal, "77", {"P-1": "501", "P-2": "502"}))
        kept.intend(Effect(f"order:{n}", "erp", "put_order", arguments, "c", "l", "sent", None, 1, n, n, None))
        kept.settle(f"order:{n}", str(n))
        Trail(kept).add(n, "engine", "erp put_order", "l", f"order:{n}", str(n))
    kept.close()
    return f"sqlite:///{tmp_path}/engine.db"


@pytest.fixture
def changed_map(tmp_path):
    """The shipped order map, with prices of whole euros."""

    def write(change=("by: to-decimal", "by: {to-decimal: {decimals: 0}}"), version="version: 2"):
        text = shipped_files().maps[ORDER_MAP].replace("version: 1", version).replace(*change)
        path = tmp_path / "changed.yaml"
        path.write_text(text)
        return path

    return write


def test_all_maps_are_listed(o2c):
    told = json.loads(o2c("mapping", "list", "--json").output)["maps"]
    assert [each["map"] for each in told][:2] == ["account-to-party", "business-central-customer-to-master"]
    assert all(len(each["hash"]) == 16 for each in told)
    assert len(o2c("mapping", "list").output.splitlines()) == len(told) == MAPS


@pytest.mark.parametrize(("name", "begins"), [("guide.md", "# Mapping guide\n"), ("guide.html", "<!doctype html>")])
def test_the_guide_is_written_as_its_name_says(o2c, tmp_path, name, begins):
    assert o2c("mapping", "guide", "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text().lower().startswith(begins.lower())
    assert o2c("mapping", "guide").output.startswith("# Mapping guide")


def test_a_sound_map_may_be_used_and_a_changed_one_needs_a_new_version(o2c, changed_map):
    good = changed_map(("note: The agreed price stands.", "note: Other words."), "version: 1")
    answer = o2c("mapping", "check", good)
    assert (answer.exit_code, answer.output) == (0, f"{MAPS} maps are sound, their examples hold\n")
    stale = changed_map(("{from: po_number, to: otherRefNum, invertible: true", "{from: reference, to: otherRefNum"))
    text = stale.read_text().replace("version: 2", "version: 1")
    stale.write_text(text.replace("otherRefNum: PO-4711", "otherRefNum: D-1"))
    answer = o2c("mapping", "check", stale, "--json")
    assert answer.exit_code == 2
    (problem,) = json.loads(answer.output)["problems"]
    assert problem.startswith("map deal-to-sales-order: does something else under the version")


def test_a_bad_map_is_refused_with_file_line_and_remedy(o2c, changed_map):
    bad = changed_map(("to: otherRefNum", "to: otherRefNumber"))
    answer = o2c("mapping", "check", bad)
    assert answer.exit_code == 2
    (line,) = answer.stderr.splitlines()
    assert line.startswith(f"o2c: error: {bad}:19:")
    assert "did you mean 'otherRefNum'?" in line


def test_a_folder_is_checked_as_the_configuration_would_take_it(o2c, tmp_path, changed_map):
    (tmp_path / "own" / "maps").mkdir(parents=True)
    text = changed_map(("note: The agreed price stands.", "note: Other words."), "version: 1").read_text()
    (tmp_path / "own" / "maps" / "order.yaml").write_text(text)
    assert o2c("mapping", "check", tmp_path / "own").output == f"{MAPS} maps are sound, their examples hold\n"
    (tmp_path / "own" / "maps" / "order.yaml").write_text(text.replace("map: deal-to", "map: deals-to"))
    answer = o2c("mapping", "check", tmp_path / "own")
    assert answer.exit_code == 2
    assert (
        "order.yaml:1:1: no connector runs a map 'deals-to-sales-order'; did you mean 'deal-to-sales" in answer.stderr
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1:1: is empty; begin with 'map:', 'codes:', 'system:', 'extends:' or 'rates:'"),
        ("rules: []", ":1:1: is no map, code list, schema or source of rates; begin with 'map:', 'codes:'"),
        ("a: [", "not YAML"),
    ],
)
def test_a_file_that_is_no_map_is_refused(o2c, tmp_path, text, told):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    answer = o2c("mapping", "check", path)
    assert answer.exit_code == 2
    assert told in answer.stderr
    assert "x.yaml" in answer.stderr


def test_a_changed_map_is_tried_on_the_past(o2c, journal, changed_map, tmp_path):
    old = tmp_path / "old.yaml"
    old.write_text(shipped_files().maps[ORDER_MAP])
    new = changed_map(("{from: po_number, to: otherRefNum", "{from: reference, to: otherRefNum"))
    new.write_text(new.read_text().replace("otherRefNum: PO-4711", "otherRefNum: D-1"))
    told = json.loads(o2c("mapping", "diff", old, new, "--journal", journal, "--json").output)
    found = told["maps"]["deal-to-sales-order"]
    assert (found["documents"], found["fields"]) == (2, {"otherRefNum": 2})
    assert found["money"] == {"EUR": {"old": 5_997 * 3, "new": 5_997 * 3, "moved": 0}}
    assert found["changes"][0]["fields"] == [{"path": "otherRefNum", "old": None, "new": "D-1"}]
    text = o2c("mapping", "diff", old, new, "--journal", journal).output
    assert "2 of 2 documents change; 0 newly refused, 0 no longer" in text
    assert "order:1: otherRefNum None -> D-1" in text
    assert o2c("mapping", "diff", old, old, "--journal", journal).output == "no map does anything else\n"


def test_a_journal_that_is_not_there_is_named(o2c, changed_map, tmp_path):
    same = changed_map(("note: The agreed price stands.", "note: Other words."))
    answer = o2c("mapping", "diff", same, same, "--journal", f"sqlite:///{tmp_path}/none.db")
    assert (answer.exit_code, "there is no such journal" in answer.stderr) == (2, True)


def test_the_trail_of_a_file_is_read_and_verified(o2c, journal, tmp_path):
    told = o2c("audit", "--journal", journal).output.splitlines()
    assert [line.split()[2:] for line in told] == [["engine", "erp", "put_order", "l", f"order:{n}"] for n in (1, 2)]
    answer = o2c("audit", "--verify", "--journal", journal)
    assert (answer.exit_code, answer.output) == (0, "2 entries, 0 signed days: nothing was changed\n")
    import sqlite3

    with sqlite3.connect(tmp_path / "engine.db") as db:
        db.execute("delete from audit where seq = 1")
    db.close()
    answer = o2c("audit", "--verify", "--journal", journal)
    assert (answer.exit_code, "missing at 1: entry 1 is gone" in answer.output) == (1, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--roots", "x"), "--roots is for --verify; give both"),
        (("--verify", "--roots", "none.roots"), "none.roots: cannot be read: No such file or directory"),
    ],
)
def test_an_audit_that_cannot_be_made_says_why(o2c, journal, options, told):
    answer = o2c("audit", "--journal", journal, *options)
    assert (answer.exit_code, told in answer.stderr) == (2, True)


@pytest.mark.parametrize("command", [("status",), ("approvals",), ("approve", "apr-1"), ("erase", "A1"), ("audit",)])
def test_where_no_engine_answers_that_is_one_line(o2c, command):
    answer = o2c(*command, "--url", "http://127.0.0.1:9")
    assert answer.exit_code == 2
    (line,) = answer.stderr.splitlines()
    assert line.startswith("o2c: error: no engine answers on http://127.0.0.1:9: ")
    assert line.endswith("start one with 'o2c engine run'")
