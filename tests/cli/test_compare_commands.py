"""`o2c compare`, `o2c roi`, `o2c demo`: two runs side by side, from records or from scenarios."""

import json

import pytest
import yaml

from o2c_twin.reports.roi import demo_assumptions_text


def test_two_scenarios_are_run_and_set_side_by_side(o2c, played, tmp_path):
    answer = o2c("compare", "as-is", "to-be", "--json")
    assert [plan.name for plan in played] == ["as-is", "to-be"]
    assert answer.json["first"]["label"] == "as-is"
    assert len(answer.json["first"]["violations"]) == 1
    assert answer.json["second"]["record"] == "out/to-be-7"
    assert answer.json["kpis"]["orders.duplicate"] == {
        "first": 1,
        "second": 0,
        "difference": -1,
        "relative": -1.0,
        "unit": "count",
        "verdict": "better",
    }
    assert answer.json["report"] is None


def test_two_records_are_compared_without_a_run(o2c, played):
    o2c("run", "as-is", "--out", "a")
    o2c("run", "to-be", "--out", "b")
    answer = o2c("compare", "a", "b")
    assert len(played) == 2
    assert answer.code == 0
    for said in ("as-is", "to-be", "difference", "Duplicate orders"):
        assert said in answer.out


def test_a_record_in_this_directory_goes_before_a_scenario_of_that_name(o2c, played):
    o2c("run", "as-is", "--out", "to-be")
    assert o2c("compare", "to-be", "to-be", "--json").json["first"]["scenario"] == "as-is"


def test_a_naive_design_is_compared_with_its_cure(o2c, played):
    answer = o2c("compare", "lost-replies:naive", "lost-replies", "--orders", "20", "--seed", "3", "--json")
    naive, cure = played
    assert (naive.design.delivery, cure.design.delivery) == ("naive-retry", "effectively-once")
    assert (naive.world.orders, cure.seed) == (20, 3)
    assert [answer.json[side]["label"] for side in ("first", "second")] == ["lost-replies:naive", "lost-replies"]


def test_a_scenario_says_whether_its_two_designs_show_what_it_promises(o2c, played, tmp_path):
    text = (
        "extends: to-be\nnaive: {topology: manual}\nexpect: [{kpi: orders.duplicate, naive: '> 0', recommended: '= 0'}"
    )
    (tmp_path / "kept.yaml").write_text(text + "]\n")
    (tmp_path / "missed.yaml").write_text(text + ", {violation: won deal is ordered once, naive: '> 5'}]\n")
    assert o2c("compare", "kept.yaml:naive", "kept.yaml", "--json").json["promises_missed"] == []
    assert "As the scenario promises." in o2c("compare", "kept.yaml", "kept.yaml:naive").out
    missed = "won deal is ordered once, naive: expected > 5, found 1"
    assert o2c("compare", "missed.yaml:naive", "missed.yaml", "--json").json["promises_missed"] == [missed]
    assert f"Not as the scenario promises: {missed}" in o2c("compare", "missed.yaml:naive", "missed.yaml").out
    assert o2c("compare", "kept.yaml:naive", "to-be", "--json").json["promises_missed"] is None


def test_the_same_scenario_twice_is_run_once_and_told_apart(o2c, played):
    answer = o2c("compare", "to-be", "to-be", "--json")
    assert len(played) == 1
    assert [answer.json[side]["label"] for side in ("first", "second")] == ["to-be (1)", "to-be (2)"]


def test_records_of_one_scenario_are_told_apart_by_their_directories(o2c, played):
    o2c("run", "to-be", "--out", "a", "--seed", 1)
    o2c("run", "to-be", "--out", "b", "--seed", 2)
    answer = o2c("compare", "a", "b")
    assert "different seeds (1 and 2)" in answer.out
    assert [o2c("compare", "a", "b", "--json").json[s]["label"] for s in ("first", "second")] == ["a", "b"]


def test_a_report_is_written_on_request(o2c, played, tmp_path):
    answer = o2c("compare", "as-is", "to-be", "--out", "reports/both.html")
    assert answer.out.endswith("Report: reports/both.html\n")
    assert "<html" in (tmp_path / "reports" / "both.html").read_text(encoding="utf-8")
    assert [each.name for each in (tmp_path / "reports").iterdir()] == ["both.html"]


def test_a_report_values_integration_against_re_keying_and_nothing_else_unless_asked(o2c, played, tmp_path):
    def has_roi(*args):
        assert o2c("compare", *args, "--out", "both.html").code == 0
        return "Return on investment" in (tmp_path / "both.html").read_text(encoding="utf-8")

    (tmp_path / "ours.yaml").write_text(demo_assumptions_text())
    assert has_roi("as-is", "to-be")
    assert not has_roi("to-be", "as-is")
    assert not has_roi("lost-replies:naive", "lost-replies")
    assert has_roi("lost-replies:naive", "lost-replies", "--assumptions", "ours.yaml")
    o2c("run", "to-be", "--seed", 8)
    assert not has_roi("as-is", "out/to-be-8")
    refused = o2c("compare", "as-is", "out/to-be-8", "--out", "both.html", "--assumptions", "ours.yaml").error
    assert "seed is 7 in the one and 8 in the other" in refused
    assert "add --out FILE.html" in o2c("compare", "as-is", "to-be", "--assumptions", "ours.yaml").error


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["as-is", "to-bee"], "no scenario 'to-bee'; did you mean 'to-be'?"),
        (["as-is", "to-be:naive"], "scenario 'to-be' has no naive design"),
        (["as-is", "out/none"], "out/none: cannot be read (No such file or directory)"),
        (["as-is", "dir/empty"], "dir/empty: not a run record (no manifest.json); make one with 'o2c run"),
        (["as-is", "old"], "schema version 0, this version reads 2; run the scenario again"),
        (["as-is", "broken"], "manifest.json: cannot be read"),
        (["as-is", "torn"], "deals.parquet: is damaged; run the scenario again"),
        (["as-is", "gone"], "deals.parquet: is missing; run the scenario again"),
        (["whole", "whole", "--seed", "3"], "whole is a run already; --seed, --orders and --days are for scenarios"),
        (["as-is", "to-be", "--out", "dir"], "dir is a directory; give the name of a file"),
        (["as-is", "to-be", "--out", "file/x.html"], "cannot write to file: File exists; choose another file"),
        (["as-is"], "Missing argument 'B'"),
    ],
)
def test_what_cannot_be_compared_is_one_line(o2c, played, tmp_path, args, said):
    (tmp_path / "dir" / "empty").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    for name in ("torn", "gone", "whole"):
        o2c("run", "to-be", "--out", name)
    (tmp_path / "torn" / "deals.parquet").write_text("x")
    (tmp_path / "gone" / "deals.parquet").unlink()
    for name, text in (("old", '{"schema_version": 0}'), ("broken", "{")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    played.clear()
    assert said in o2c("compare", *args).error
    assert played == []


def test_roi_values_the_second_design_against_the_first(o2c, played):
    answer = o2c("roi", "as-is", "to-be")
    assert answer.code == 0
    assert "net present value" in answer.out
    assert "assumptions are placeholders" in answer.out
    figures = o2c("roi", "out/as-is-7", "out/to-be-7", "--json").json
    assert figures["case"]["currency"] == "EUR"
    assert len(played) == 2


def test_roi_hands_out_its_template_and_takes_it_back(o2c, played, tmp_path):
    template = o2c("roi", "as-is", "to-be", "--template").out
    assert template == demo_assumptions_text()
    (tmp_path / "ours.yaml").write_text(template)
    assert o2c("roi", "as-is", "to-be", "--assumptions", "ours.yaml").code == 0


def test_roi_refuses_what_it_cannot_value(o2c, played, tmp_path):
    (tmp_path / "bad.yaml").write_text("currency: euro\n")
    error = o2c("roi", "as-is", "to-be", "--assumptions", "bad.yaml").error
    assert error.startswith("bad.yaml:1: ")
    assert error.endswith("(and 1 more problem in the file)")
    assert "no.yaml: cannot be read" in o2c("roi", "as-is", "to-be", "--assumptions", "no.yaml").error
    assert played == []
    o2c("run", "to-be", "--seed", 8)
    assert "seed is 7 in the one and 8 in the other" in o2c("roi", "as-is", "out/to-be-8").error


def test_the_demonstration_plays_both_and_leaves_a_report(o2c, played, tmp_path):
    answer = o2c("demo", "--orders", "30", "--days", "200", "--seed", "5")
    assert (answer.code, answer.err) == (0, "")
    assert [(plan.name, plan.seed, plan.world.orders) for plan in played] == [("as-is", 5, 30), ("to-be", 5, 30)]
    assert sorted(each.name for each in (tmp_path / "out" / "demo").iterdir()) == ["as-is", "report.html", "to-be"]
    assert "Report: out/demo/report.html" in answer.out
    assert "Return on investment: net benefit a year" in answer.out
    assert "Return on investment" in (tmp_path / "out" / "demo" / "report.html").read_text(encoding="utf-8")


def test_the_demonstration_as_json(o2c, played):
    answer = o2c("demo", "--json", "--out", "here")
    assert answer.err == ""
    assert len(answer.json["as_is"]["violations"]) == 1
    assert answer.json["to_be"]["trace_hash"]
    assert answer.json["kpis"]["orders.duplicate"]["difference"] == -1
    assert answer.json["roi"]["case"]["currency"] == "EUR"
    assert answer.json["report"] == "here/report.html"


def test_the_demonstration_may_be_repeated_but_takes_no_folder_of_others(o2c, played, tmp_path, monkeypatch):
    monkeypatch.setattr("o2c_twin.reports.write_report", lambda path, *args, **options: path.write_text("<html>"))
    assert o2c("demo", "--out", "here").code == 0
    assert o2c("demo", "--out", "here").code == 0
    played.clear()
    (tmp_path / "here" / "thesis.docx").write_text("x")
    assert "here holds what is not from here (thesis.docx); choose another --out" in o2c("demo", "--out", "here").error
    (tmp_path / "file").write_text("x")
    assert "file is no directory; choose another --out" in o2c("demo", "--out", "file").error
    assert played == []


def test_a_failed_demonstration_leaves_nothing(o2c, monkeypatch, tmp_path):
    def full(plan, out, progress):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("o2c_twin.cli.playing.simulate", full)
    assert "No space left on device" in o2c("demo").error
    assert list(tmp_path.iterdir()) == []


def test_the_scenarios_are_listed(o2c):
    listed = o2c("scenarios", "--json").json["scenarios"]
    assert [each["name"] for each in listed][:2] == ["as-is", "to-be"]
    assert all(each["story"] for each in listed)
    shown = o2c("scenarios").out
    assert all(each["name"] in shown and each["title"] in shown for each in listed)


def test_a_scenario_is_told_with_its_design(o2c, tmp_path):
    told = o2c("scenarios", "show", "lost-replies").out
    for said in ("never arrives", "naive-retry", "recommended", "orders.duplicate: naive > 0, recommended = 0"):
        assert said in told
    for args in (("scenarios", "show", "lost-replies", "--json"), ("scenarios", "--json", "show", "lost-replies")):
        assert o2c(*args).json["naive"] == {"delivery": "naive-retry"}
    text = o2c("scenarios", "show", "lost-replies", "--yaml").out
    assert yaml.safe_load(text)["name"] == "lost-replies"
    (tmp_path / "mine.yaml").write_text(text)
    assert o2c("scenarios", "show", "mine.yaml", "--yaml").out == text


def test_a_scenario_that_is_not_there_is_one_line(o2c):
    assert "did you mean 'lost-replies'?" in o2c("scenarios", "show", "lost-reply").error
    assert "No such command 'sohw'" in o2c("scenarios", "sohw").error


@pytest.fixture
def served(monkeypatch):
    """`o2c up` without servers: gives the list of (plan, options) it was asked to serve."""
    from o2c_twin.twin import live

    calls = []
    system = {"vendor": "v", "url": "http://127.0.0.1:1", "docs": "d", "control": "c", "credentials": {"token": "t"}}
    described = {"systems": {"crm": system}, "engine": "http://127.0.0.1:9", "control_token": "secret", "ca": None}

    def main_up(plan, options, ready):
        calls.append((plan, options))
        ready(described)

    monkeypatch.setattr(live, "main_up", main_up)
    return calls


def test_up_serves_the_estate_of_a_scenario(o2c, served):
    answer = o2c("up", "to-be", "--speed", "60", "--port", "0", "--tls", "--people", "--json")
    plan, options = served[0]
    assert plan.name == "to-be"
    assert (options.speed, options.port, options.people, options.engine) == (60.0, 0, True, True)
    assert str(options.tls_dir) == "out/tls"
    assert json.loads(answer.out)["systems"]["crm"]["credentials"] == {"token": "t"}
    told = o2c("up", "to-be").out
    assert "http://127.0.0.1:1" in told
    assert "token: t" in told


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["to-bee"], "no scenario 'to-bee'"),
        (["to-be", "--speed", "0"], "Invalid value for '--speed'"),
        (["to-be", "--port", "99999"], "Invalid value for '--port'"),
        (["to-be", "--webhook-base", "http://x"], "--webhook-base is for --no-engine"),
    ],
)
def test_what_cannot_be_served_is_one_line(o2c, served, args, said):
    assert said in o2c("up", *args).error
    assert served == []


def test_a_taken_port_is_one_line(o2c, monkeypatch):
    from o2c_twin.mock_systems.wire.live import CannotListen
    from o2c_twin.twin import live

    def taken(plan, options, ready):
        raise CannotListen("127.0.0.1", 8100, "the port is in use; choose another")

    monkeypatch.setattr(live, "main_up", taken)
    assert o2c("up", "to-be").error == "cannot listen on 127.0.0.1:8100: the port is in use; choose another"
