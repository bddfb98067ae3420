"""Presets: whole designs by name, in a scenario file and on the command line."""

from dataclasses import replace

import pytest

from o2c_twin.integration.presets import PRESETS, expanded
from o2c_twin.integration.profile import AXES, DesignProfile, ProfileError
from o2c_twin.mock_systems.wire.faults import LostWebhook
from o2c_twin.scenarios import ScenarioError, load, parse
from o2c_twin.twin.run import run

HEAD = "title: t\nstory: s\n"


def read(text):
    return parse(HEAD + text, "mine.yaml", load)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_whole_design(name):
    scenario = read(f"extends: partial-shipments\nnaive: {{preset: {name}}}\n")
    design = scenario.plan(naive=True).design
    assert design == DesignProfile(**PRESETS[name].choices)
    assert design == load("duplicate-masters").plan({"preset": name}, naive=True).design
    assert PRESETS[name].says


def test_presets_differ_from_each_other_and_name_no_default():
    assert len({DesignProfile(**preset.choices) for preset in PRESETS.values()}) == len(PRESETS)
    for preset in PRESETS.values():
        assert all(getattr(DesignProfile(), axis) != value for axis, value in preset.choices.items())


def test_what_is_chosen_besides_changes_the_preset_wherever_it_stands():
    expected = DesignProfile(**{**PRESETS["webhook-only"].choices, "sweep": "daily"})
    for text in ("{preset: webhook-only, sweep: daily}", "{sweep: daily, preset: webhook-only}"):
        assert read(f"design: {text}\n").design == expected
    choices = {"sweep": "daily", "preset": "webhook-only"}
    assert load("to-be").plan(choices).design == expected
    assert set(expanded(choices)) == set(AXES)


def test_a_preset_that_does_not_exist_is_told_the_nearest():
    with pytest.raises(ScenarioError, match=r"3:18: design.preset: no value 'nightly'; did you mean 'nightly-csv'\?"):
        read("design: {preset: nightly}\n")
    with pytest.raises(ScenarioError, match=r"choice preset=nightly: no value 'nightly'; did you mean 'nightly-csv'\?"):
        load("to-be").plan({"preset": "nightly"})
    with pytest.raises(ScenarioError, match="'preset' does not stand in the scenario; put it under 'design'"):
        read("preset: nightly-csv\n")
    with pytest.raises(ProfileError, match="preset: no value False"):
        expanded({"preset": False})


def test_of_designs_that_lose_double_and_guess_only_the_recommended_keeps_everything_right():
    broken = {}
    for name in ("point-to-point-scripts", "webhook-only", "recommended"):
        plan = load("lost-replies").plan({"preset": name}, orders=50, days=10)
        world = replace(plan.world, drain_days=40, duplicate_accounts=0.2)
        erp = replace(plan.systems["erp"], faults=(*plan.systems["erp"].faults, LostWebhook(probability=0.1)))
        # Polls are the greater part of a run's calls; the business is as slow as this.
        rhythm = replace(plan.rhythm, poll_s=7_200.0)
        plan = replace(plan, world=world, rhythm=rhythm, systems={**plan.systems, "erp": erp})
        broken[name] = len(run(plan, None).violations)
    assert broken.pop("recommended") == 0
    assert all(broken.values()), broken
