"""The design profile: what may be chosen, and what a wrong choice is told."""

from pathlib import Path

import pytest

from o2c_twin.integration.profile import AS_TRIGGER, AXES, DesignProfile, ProfileError
from o2c_twin.integration.profile_page import COSTS, markdown
from o2c_twin.scenarios import names

SLIPS = [(axis, value) for axis in AXES for value in AXES[axis]]


def test_there_is_a_choice_for_every_axis_and_all_of_them_can_be_made():
    assert list(DesignProfile().choices()) == list(AXES)
    for axis, values in AXES.items():
        for value in values:
            assert DesignProfile().with_choices({axis: value}).choices()[axis] == value


@pytest.mark.parametrize(("axis", "value"), SLIPS)
def test_a_value_that_is_nearly_right_is_told_the_right_one_and_all_there_are(axis, value):
    with pytest.raises(ProfileError) as told:
        DesignProfile().with_choices({axis: f"{value}x"})
    assert str(told.value).startswith(f"{axis}: no value '{value}x'; did you mean '{value}'?")
    assert str(told.value).endswith(f"there are: {', '.join(AXES[axis])}")


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_that_is_nearly_right_is_told_the_right_one_and_all_there_are(axis):
    with pytest.raises(ProfileError) as told:
        DesignProfile().with_choices({axis[:-1]: "x"})
    assert str(told.value) == f"no design axis '{axis[:-1]}'; did you mean '{axis}'? there are: {', '.join(AXES)}"


def test_what_is_like_nothing_is_told_only_what_there_is():
    with pytest.raises(ProfileError, match=rf"^topology: no value 'zzz'; there are: {', '.join(AXES['topology'])}$"):
        DesignProfile(topology="zzz")


@pytest.mark.parametrize("value", [False, None, 3, ["off"], {"off": 1}])
def test_a_value_that_is_no_text_at_all_is_told_the_same_way(value):
    # YAML reads an unquoted `off` as false.
    with pytest.raises(ProfileError, match=rf"^matching: no value .*there are: {', '.join(AXES['matching'])}$"):
        DesignProfile().with_choices({"matching": value})


def test_choices_leave_the_other_axes_and_the_profile_itself_alone():
    before = DesignProfile(trigger="poll")
    after = before.with_choices({"delivery": "naive-retry"})
    assert (before.delivery, after.delivery, after.trigger) == ("effectively-once", "naive-retry", "poll")


def test_every_value_says_what_it_does():
    assert all(text for values in AXES.values() for text in values.values())


def test_the_documentation_page_is_the_profile():
    page = Path(__file__).parents[2] / "docs" / "design-profile.md"
    assert page.read_text(encoding="utf-8") == markdown()


def test_every_value_says_what_it_costs_and_which_scenario_shows_it():
    assert {axis: list(values) for axis, values in COSTS.items()} == {axis: list(v) for axis, v in AXES.items()}
    assert {scenario for values in COSTS.values() for _, scenario in values.values()} <= set(names())


def test_a_vendors_connector_leaves_no_choice_of_trigger_and_matching():
    built = DesignProfile(
        topology="native-connector", trigger="nightly", trigger_erp="webhook", matching="off"
    ).as_built()
    assert (built.trigger, built.trigger_erp, built.matching) == ("poll", AS_TRIGGER, "exact-key")
    hub = DesignProfile(trigger="nightly", matching="off")
    assert hub.as_built() == hub
