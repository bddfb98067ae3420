"""A YAML text as nodes that know their place, and the list of what is wrong with it."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from o2c_twin.scenarios.errors import ScenarioError, known, shown
from o2c_twin.scenarios.values import read_text

# What the parser says, and what to do about it.
_REMEDIES = (
    ("mapping values are not allowed", "put a text that holds ': ' in quotes, or mend the indentation"),
    ("found character '\\t'", "indent with spaces, not with tabs"),
    ("could not find expected ':'", "write 'name: value'"),
    ("found unexpected end of stream", "close the quote or bracket"),
    ("but found another document", "keep one scenario a file"),
    ("undefined alias", "write the value itself instead of *alias"),
)


class Entry(NamedTuple):
    """One ``key: value`` of a mapping; problems of the value are shown where the value stands."""

    key: str
    key_node: Node
    node: Node


class Document:
    """One YAML file: its root node, and the problems found so far.

    Raises `ScenarioError` when the text is not YAML.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._problems: list[tuple[int, int, str]] = []
        try:
            self.root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
            said = error.problem or error.context or "cannot be read"
            raise ScenarioError([f"{place}: not YAML: {said}; {_remedy(said)}"]) from error
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise ScenarioError(
                [f"{name}:{line}: not text: character #x{int(error.character):04x}; remove it"]
            ) from error
        except RecursionError as error:
            raise ScenarioError([f"{name}: nested too deeply; a scenario has three levels"]) from error

    def complain(self, node: Node | None, message: str) -> None:
        """Note a problem at a node (at the top of the file without one)."""
        line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node is not None else (1, 1)
        self._problems.append((line, column, f"{self.name}:{line}:{column}: {message}"))

    def finish(self) -> None:
        """Raise `ScenarioError` with all problems noted, in the order of the file."""
        if self._problems:
            raise ScenarioError([text for _, _, text in sorted(self._problems, key=lambda p: p[:2])])

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self._problems

    def mapping(
        self, node: Node | None, what: str, names: Collection[str], belongs: Mapping[str, str] | None = None
    ) -> dict[str, Entry]:
        """The entries of a mapping by key; unknown and repeated keys are complained about.

        ``belongs`` says where a key that is unknown here has its place.
        """
        if not isinstance(node, MappingNode):
            self.complain(node, f"{what} must hold 'name: value' lines; there are: {', '.join(names)}")
            return {}
        found: dict[str, Entry] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, ScalarNode):
                self.complain(key_node, f"a key of {what} must be one word; write 'name: value'")
                continue
            key = str(key_node.value)
            if key in found:
                first = found[key].key_node.start_mark.line + 1
                self.complain(
                    key_node, f"{shown(key)} is given twice in {what} (first in line {first}); keep one of them"
                )
            elif key in names:
                found[key] = Entry(key, key_node, value)
            elif belongs is not None and key in belongs:
                self.complain(key_node, f"{shown(key)} does not stand in {what}; {belongs[key]}")
            else:
                self.complain(key_node, f"unknown key {shown(key)} in {what}; {known(key, names)}")
        return found

    def items(self, entry: Entry, what: str, example: str) -> list[Node]:
        """The items of a list; complains about anything else."""
        if not isinstance(entry.node, SequenceNode):
            self.complain(entry.node, f"{what} must be a list; write e.g. {example}")
            return []
        return list(entry.node.value)

    def choice(self, entry: Entry, what: str, names: Collection[str]) -> str | None:
        """One of the names, as written: ``off`` is a word here, not a boolean."""
        text = self.text(entry.node)
        if text is not None and text in names:
            return text
        said = f"no value {shown(text)}" if text else "no value given"
        self.complain(entry.node, f"{what}: {said}; {known(text or '', names)}")
        return None

    def value(self, entry: Entry, what: str, type_: object) -> object | None:
        """The value of a scalar, list or mapping as this type (see `values.read_text`); None after a complaint."""
        node = entry.node
        text: str | list[str | None] | dict[str, str | None] | None
        if isinstance(node, SequenceNode):
            text = [self.text(item) for item in node.value]
        elif isinstance(node, MappingNode):
            keys = [self.text(key) or "" for key, _ in node.value]
            text = dict(zip(keys, (self.text(item) for _, item in node.value), strict=True))
            if len(text) < len(keys):
                twice = next(key for key in keys if keys.count(key) > 1)
                self.complain(node, f"{what}: {shown(twice)} is given twice; keep one of them")
                return None
        else:
            text = self.text(node)
        try:
            value: object = read_text(text, type_)
            return value
        except ValueError as error:
            self.complain(node, f"{what} {error}")
            return None

    @staticmethod
    def text(node: Node) -> str | None:
        """The text of a scalar; None for null and for what is no scalar."""
        if not isinstance(node, ScalarNode):
            return None
        text = str(node.value).strip()
        if node.style is None and node.tag == "tag:yaml.org,2002:null":
            return None
        return text


def _remedy(said: str) -> str:
    return next((remedy for part, remedy in _REMEDIES if part in said), "mend the line")
