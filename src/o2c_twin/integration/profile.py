"""The design profile: the choices an integration architect makes, each a real branch of the engine."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

AXES: dict[str, dict[str, str]] = {
    "topology": {
        "manual": "people re-key between systems; no engine",
        "hub": "one engine between all systems, with one journal and one cross-reference",
    },
    "delivery": {
        "fire-and-forget": "each write is sent once; whatever happens, it is not looked at again",
        "naive-retry": "each write is sent again on any failure, up to three times, five seconds apart",
        "effectively-once": "journal, idempotent writes, back-off with jitter, dead letters",
    },
    "trigger": {
        "webhook": "systems push their changes; with effectively-once a sweep catches what was never pushed",
        "poll": "the engine asks every few minutes",
        "nightly": "the engine asks once a night",
    },
    "matching": {
        "off": "each CRM account becomes an ERP customer",
        "exact-key": "accounts with the same customer number are one customer",
    },
    "partials": {
        "first-only": "the first delivery is billed and reported; later ones go unseen",
        "per-delivery": "each delivery is billed and reported",
    },
}


class ProfileError(ValueError):
    """An axis or a value that does not exist; the message names the ones that do."""


@dataclass(frozen=True, slots=True)
class DesignProfile:
    """One design. Raises `ProfileError` on a value an axis does not have."""

    topology: str = "hub"
    delivery: str = "effectively-once"
    trigger: str = "webhook"
    matching: str = "exact-key"
    partials: str = "per-delivery"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            # A scenario file may hold anything here: YAML reads an unquoted `off` as false.
            if not isinstance(value, str) or value not in AXES[field.name]:
                raise ProfileError(f"{field.name}: no value {value!r}; {_choose(value, AXES[field.name])}")

    def with_choices(self, choices: Mapping[str, str]) -> "DesignProfile":
        """This profile with some axes set otherwise. Raises `ProfileError`."""
        for axis in choices:
            if axis not in AXES:
                raise ProfileError(f"no design axis {axis!r}; {_choose(axis, AXES)}")
        return replace(self, **choices)

    def choices(self) -> dict[str, str]:
        """Axis to value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _choose(given: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(str(given), known, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}there are: {', '.join(known)}"
