"""`o2c run`: a record in its place, figures on the screen or as JSON, and exit codes."""

import json

import pytest

from o2c_twin.run_record import RunRecord


def test_a_run_leaves_its_record_under_scenario_and_seed(o2c, played, tmp_path):
    answer = o2c("run", "to-be", "--seed", 3)
    assert (answer.code, answer.err) == (0, "")
    assert RunRecord(tmp_path / "out" / "to-be-3").manifest["seed"] == 3
    assert "Run record: out/to-be-3" in answer.out
    assert "DSO, simple, last 90 days" in answer.out


def test_json_is_one_object_and_nothing_else(o2c, played):
    answer = o2c("run", "to-be", "--json")
    assert answer.err == ""
    assert {
        "trace_hash", "orders", "api_calls", "wall_s", "virtual_days", "violations", "kpis", "record", "seed", "design",
    } <= set(answer.json)  # fmt: skip
    assert (answer.json["orders"], answer.json["virtual_days"]) == (3, 425)
    assert answer.json["kpis"]["deals.won"]["value"] == 3


def test_options_reach_the_plan(o2c, played):
    answer = o2c(
        "run", "lost-replies", "--naive", "--set", "trigger=poll", "--set", "matching = off",
        "--seed", 9, "--orders", 10, "--days", 20, "--transport", "asgi", "--json",
    )  # fmt: skip
    plan = played[0]
    assert (plan.name, plan.seed, plan.transport) == ("lost-replies:naive", 9, "asgi")
    assert (plan.world.orders, plan.world.days) == (10, 20)
    assert (plan.design.delivery, plan.design.trigger, plan.design.matching) == ("naive-retry", "poll", "off")
    assert answer.json["record"] == "out/lost-replies-naive-9"


def test_a_file_of_ones_own_is_run(o2c, played, tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: to-be\norders: 12\n")
    assert o2c("run", "mine.yaml", "--json").json["scenario"] == "mine"
    assert played[0].world.orders == 12


def test_violations_are_listed_and_do_not_change_the_exit_code(o2c, played):
    answer = o2c("run", "as-is", "--json")
    assert answer.code == 0
    assert answer.json["violations"] == [
        {"invariant": "won deal is ordered once", "key": "D0", "detail": "2 orders: SO0, SO9"}
    ]
    shown = o2c("run", "as-is")
    assert shown.code == 0
    assert "won deal is ordered once: 2 orders: SO0, SO9" in shown.out


def test_a_promise_of_the_scenario_that_is_missed_is_told(o2c, played, tmp_path):
    text = (
        "extends: as-is\nexpect: [{kpi: orders.duplicate, recommended: '= 0'}, {kpi: deals.won, recommended: '= 3'}]\n"
    )
    (tmp_path / "mine.yaml").write_text(text)
    missed = "orders.duplicate, recommended: expected = 0, found 1"
    assert f"Not as the scenario promises: {missed}" in o2c("run", "mine.yaml").out
    assert o2c("run", "mine.yaml", "--json").json["promises_missed"] == [missed]
    assert o2c("run", "mine.yaml", "--json", "--set", "trigger=poll").json["promises_missed"] == []


def test_fail_on_violation_exits_with_one(o2c, played):
    assert o2c("run", "as-is", "--fail-on-violation").code == 1
    assert o2c("run", "as-is", "--fail-on-violation", "--json").json["violations"]
    assert o2c("run", "to-be", "--fail-on-violation").code == 0


def test_a_run_record_is_replaced_by_the_next(o2c, played, tmp_path):
    o2c("run", "to-be", "--out", "here", "--seed", 1)
    o2c("run", "to-be", "--out", "here", "--seed", 2)
    assert json.loads((tmp_path / "here" / "manifest.json").read_text())["seed"] == 2
    assert not [each for each in (tmp_path / "here").iterdir() if each.name.startswith(".")]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"thesis.docx": "x"}, "here holds what is no run record (thesis.docx); choose another --out"),
        ({"a": "x", "b": "x", "manifest.json": "{}"}, "here holds what is no run record (a and 1 more)"),
        ({"manifest.json": '{"name": "an app"}'}, "here is not empty and no finished run record"),
        ({"orders.parquet": "somebody's data"}, "here is not empty and no finished run record"),
    ],
)
def test_a_foreign_directory_is_left_as_it_is(o2c, played, tmp_path, files, said):
    here = tmp_path / "here"
    here.mkdir()
    for name, text in files.items():
        (here / name).write_text(text)
    assert said in o2c("run", "to-be", "--out", "here").error
    assert {each.name: each.read_text() for each in here.iterdir()} == files
    assert played == []


def test_notes_beside_a_record_are_not_lost(o2c, played, tmp_path):
    o2c("run", "to-be", "--out", "here")
    (tmp_path / "here" / "notes.txt").write_text("what I found")
    assert "(notes.txt)" in o2c("run", "to-be", "--out", "here").error
    assert (tmp_path / "here" / "notes.txt").read_text() == "what I found"


@pytest.mark.parametrize(
    ("out", "said"),
    [("file", "file is no directory; choose another --out"), ("file/below", "file/below is no directory")],
)
def test_an_output_that_cannot_be_a_directory_is_refused_before_the_run(o2c, played, tmp_path, out, said):
    (tmp_path / "file").write_text("mine")
    assert said in o2c("run", "to-be", "--out", out).error
    assert (tmp_path / "file").read_text() == "mine"
    assert played == []


def test_a_run_that_cannot_be_written_leaves_nothing(o2c, monkeypatch, tmp_path):
    def full(plan, out, progress):
        (out / "orders.parquet").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("o2c_twin.cli.playing.simulate", full)
    assert o2c("run", "to-be").error == (
        "cannot write to out/to-be-7: No space left on device; choose another directory"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_the_record_that_was_there(o2c, played, monkeypatch, tmp_path):
    o2c("run", "to-be", "--out", "here", "--seed", 1)

    def interrupted(plan, out, progress):
        (out / "orders.parquet").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("o2c_twin.cli.playing.simulate", interrupted)
    answer = o2c("run", "to-be", "--out", "here", "--seed", 2)
    assert (answer.code, answer.err.strip()) == (130, "o2c: interrupted")
    assert RunRecord(tmp_path / "here").table("orders").shape[0] == 3
    assert not [each for each in (tmp_path / "here").iterdir() if each.name.startswith(".")]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["to-bee"], "no scenario 'to-bee'; did you mean 'to-be'?"),
        (["no/such.yaml"], "no/such.yaml: cannot be read (No such file or directory)"),
        (["to-be", "--set", "delivry=x"], "choice delivry=x: no design axis 'delivry'; did you mean 'delivery'?"),
        (["to-be", "--set", "topology=hbu"], "choice topology=hbu: no value 'hbu'; did you mean 'hub'?"),
        (["to-be", "--set", "topology"], "'topology' is not of the form axis=value"),
        (["to-be", "--set", "orders=5"], "'orders' is no design axis; use --orders 5"),
        (["to-be", "--naive"], "scenario 'to-be' has no naive design"),
        (["to-be", "--orders", "many"], "Invalid value for '--orders': 'many' is no whole number of at least 1"),
        (["to-be", "--orders", "0"], "Invalid value for '--orders': '0' is no whole number of at least 1"),
        (["to-be", "--seed", "-1"], "Invalid value for '--seed': '-1' is no whole number of at least 0"),
        (["to-be", "--days", "9" * 30], "Invalid value for '--days'"),
        (["to-be", "--days", "5000"], "days is '5000'; write a whole number from 1 to 3660"),
        (["to-be", "--orders", "99999999"], "orders is '99999999'; write a whole number from 1 to"),
        (["to-be", "--transport", "pigeon"], "'pigeon' is not one of 'direct', 'asgi'"),
        (["to-be", "--sed", "3"], "No such option '--sed'"),
        ([], "Missing argument 'SCENARIO-OR-FILE'"),
    ],
)
def test_bad_input_is_one_line(o2c, played, tmp_path, args, said):
    assert said in o2c("run", *args).error
    assert said in o2c("run", *args, "--json").error
    assert played == []
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_one_line_with_its_place(o2c, played, tmp_path):
    (tmp_path / "mine.yaml").write_text("title: A\nstory: s\norders: many\ndays: few\nsede: 1\n")
    assert o2c("run", "mine.yaml").error == (
        "mine.yaml:3:9: orders is 'many'; write a whole number from 1 to 10000000 (and 2 more problems in the file)"
    )


@pytest.mark.parametrize("args", [["--help"], ["-h"], []])
def test_help_tells_the_commands_with_examples(o2c, args):
    answer = o2c(*args)
    assert answer.code == 0
    for said in ("demo", "run", "compare", "scenarios", "roi", "up", "Examples:", "Exit codes"):
        assert said in answer.out


@pytest.mark.parametrize("command", ["demo", "run", "compare", "roi", "up"])
def test_each_command_helps_with_examples(o2c, command):
    answer = o2c(command, "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert "\b" not in answer.out


def test_the_version_is_told(o2c):
    assert o2c("--version").out.startswith("o2c-twin ")


def test_an_unknown_command_is_one_line(o2c):
    assert "No such command 'rnu'. Did you mean 'run'?" in o2c("rnu").error
