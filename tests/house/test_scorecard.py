"""The scorecard says what the results say: no more, no less, and nothing about what was not measured."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "scorecard.py"


@pytest.fixture(scope="module")
def card():
    spec = spec_from_file_location("scorecard", SCRIPT)
    module = module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def _result(card, name="quota", **changes):
    asked = card.claim_named(name).asked
    made = card.Result(name, asked, ("97.0 % used",), "pytest this", "2026-01-31", "one machine", True)
    return msgspec.structs.replace(made, **changes)


def test_the_page_is_what_the_results_say(card):
    assert (ROOT / "docs" / "scorecard.md").read_text("utf-8") == card.page(card.read_results()), (
        "run python benchmarks/scorecard.py"
    )


def test_every_promise_has_a_name_of_its_own_and_what_measures_it_is_there(card):
    names = [claim.name for claim in card.CLAIMS]
    assert len(names) == len(set(names)) >= 20
    words = [word for claim in card.CLAIMS for word in claim.measured_by.split()]
    asked_for = [word for word in words if word.startswith(("tests/", "benchmarks/"))]
    assert len(asked_for) >= 20
    assert [word for word in asked_for if not (ROOT / word).exists()] == []


def test_what_was_recorded_is_read_again_and_told(card, tmp_path):
    card.record(_result(card, values=("97.0 % used", "0.2 % | refused"), note="in virtual time"), tmp_path)
    card.record(_result(card, "outage", met=False), tmp_path)
    results = card.read_results(tmp_path)
    assert list(results) == ["outage", "quota"]
    told = card.page(results)
    assert f"{len(card.CLAIMS)} promises: 1 met, 1 not met, {len(card.CLAIMS) - 2} not measured" in told
    assert r"| 97.0 % used<br>0.2 % \| refused<br>in virtual time | yes |" in told
    assert "| 97.0 % used | **no** |" in told
    assert told.count("| not measured |") == len(card.CLAIMS) - 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "qouta"}, "did you mean 'quota'"),
        ({"values": ()}, "values: nothing was measured"),
        ({"values": (" ",)}, "values: nothing was measured"),
        ({"how": ""}, "how: is empty"),
        ({"when": "yesterday"}, "when: 'yesterday' is no date"),
    ],
)
def test_a_result_that_says_too_little_is_not_kept(card, tmp_path, changes, told):
    with pytest.raises(card.ScorecardError, match=told):
        card.record(_result(card, **changes), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_result_does_not_vouch_for_a_promise_that_has_changed(card, tmp_path):
    card.record(_result(card, asked="at least half of the quota used"), tmp_path)
    with pytest.raises(card.ScorecardError, match=r"quota\.json: something else was asked .* record it anew"):
        card.read_results(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": "quota", "met": "yes"}', "\xff"])
def test_a_file_that_is_no_result_is_named(card, tmp_path, text):
    (tmp_path / "quota.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(card.ScorecardError, match=r"quota\.json: .* record it anew"):
        card.read_results(tmp_path)


def test_a_result_under_another_name_is_refused(card, tmp_path):
    card.record(_result(card), tmp_path).rename(tmp_path / "outage.json")
    with pytest.raises(card.ScorecardError, match=r"outage\.json: is the result of quota"):
        card.read_results(tmp_path)


def test_the_command_refuses_what_it_does_not_know():
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "record", "qouta", "--value", "1", "--met", "yes", "--how", "x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (2, "scorecard: no claim 'qouta'; did you mean 'quota'?\n")
