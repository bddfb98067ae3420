"""The file of a configuration as text: YAML in which nothing is said twice, and what is wrong in it in plain words."""

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from o2c_twin.integration.connectors.registry import ConfigError


def read_yaml(path: Path) -> Any:
    """What a file says. Raises `ConfigError` with file, line and remedy."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as missing:
        reason = missing.strerror or missing
        raise ConfigError(f"{path}: cannot be read: {reason}; give the path of a configuration") from missing
    except UnicodeDecodeError as bad:
        raise ConfigError(f"{path}: is not UTF-8; save it as UTF-8") from bad
    except yaml.MarkedYAMLError as bad:
        line = bad.problem_mark.line + 1 if bad.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {bad.problem or bad}; mend it there") from bad
    except yaml.YAMLError as bad:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(bad).split())}; save it as plain text") from bad


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is an error: the second one would win, unseen."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping. Raises `yaml.MarkedYAMLError`."""
        seen = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} is given twice; keep one", key.start_mark
                )
            seen.append(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_WANTED = re.compile(r"Expected (.*?)(?:, got (.*))?")


def readable(bad: msgspec.ValidationError, within: str = "") -> str:
    """The place in the file, what is wrong there, and the remedy."""
    told, _, where = str(bad).partition(" - at `$")
    place = f"{within}{where.rstrip('`')}".lstrip(".").replace("[...]", "")
    inside = f"{place}." if place else ""
    if found := _UNKNOWN.fullmatch(told):
        return f"{inside}{found[1]}: there is no such setting; remove it, or correct its name"
    if found := _MISSING.fullmatch(told):
        return f"{inside}{found[1]}: is missing; give it"
    if found := _WANTED.fullmatch(told):
        got = f", not {found[2]}" if found[2] else ""
        return f"{place or 'the file'}: must be {found[1]}{got}; correct it there".replace("`", "")
    return f"{place or 'the file'}: {told}; correct it there".replace("`", "")
