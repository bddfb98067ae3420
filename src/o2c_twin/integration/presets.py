"""Presets: whole designs as companies have them, each by a name; every other axis is as in `DesignProfile`."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from o2c_twin.integration.profile import DesignProfile, ProfileError

KEY = "preset"
"""The name under which a preset is chosen where axes are."""


@dataclass(frozen=True, slots=True)
class Preset:
    """``says`` who has it; ``choices`` are the axes that differ from the defaults."""

    says: str
    choices: Mapping[str, str]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "spreadsheet-and-email": Preset("people re-key between the systems", {"topology": "manual"}),
        "nightly-csv": Preset(
            "exports are loaded once a night, and what a load refuses is gone",
            {
                "delivery": "fire-and-forget",
                "trigger": "nightly",
                "breaker": "off",
                "budget": "off",
                "sweep": "off",
                "invoice_trigger": "daily",
                "credit_visibility": "nightly",
                "matching": "name",
                "cash": "exact",
                "currencies": "relabelled",
                "monitoring": "log",
            },
        ),
        "point-to-point-scripts": Preset(
            "a script a pair of systems, run every few minutes, known to whoever wrote it",
            {
                "topology": "point-to-point",
                "delivery": "naive-retry",
                "trigger": "poll",
                "breaker": "off",
                "budget": "off",
                "sweep": "off",
                "matching": "name",
                "partials": "first-only",
                "cash": "exact",
                "currencies": "relabelled",
                "monitoring": "off",
            },
        ),
        "low-code-ipaas": Preset(
            "a low-code platform as it is set up by default: polls, five retries, look-up by name, two-way sync",
            {
                "delivery": "naive-retry",
                "trigger": "poll",
                "retry": "fixed",
                "breaker": "off",
                "budget": "off",
                "sweep": "off",
                "matching": "name",
                "master_customer": "last-change",
                "master_credit": "last-change",
                "cash": "tolerance",
                "monitoring": "log",
            },
        ),
        "webhook-only": Preset(
            "every push is handled as it comes, and what was never pushed is never known",
            {
                "delivery": "naive-retry",
                "retry": "ladder",
                "breaker": "off",
                "budget": "off",
                "sweep": "off",
                "cash": "exact",
                "monitoring": "log",
            },
        ),
        "recommended": Preset(
            "one hub with journal and keys, pushes with an hourly sweep, cases that go up when nobody settles them",
            {"master_credit": "erp", "sweep": "hourly", "monitoring": "escalate", "controls": "roles"},
        ),
    }
)


def expanded(choices: Mapping[str, str]) -> dict[str, str]:
    """Axes to values, where ``preset`` may be among the axes: it sets all of them, and the others change it.

    Raises `ProfileError` for a preset that does not exist.
    """
    rest = dict(choices)
    name = rest.pop(KEY, None)
    if name is None:
        return rest
    if str(name) not in PRESETS:
        near = difflib.get_close_matches(str(name), PRESETS, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ProfileError(f"{KEY}: no value {name!r}; {hint}there are: {', '.join(PRESETS)}")
    return {**DesignProfile().with_choices(PRESETS[name].choices).choices(), **rest}
