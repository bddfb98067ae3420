"""The design profile: what may be chosen, and what a wrong choice is told."""

import pytest

from o2c_twin.integration.profile import AXES, DesignProfile, ProfileError

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
