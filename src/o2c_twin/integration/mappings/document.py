"""A YAML file as nodes that know their line, and the list of what is wrong with it."""

from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from o2c_twin.integration.mappings.errors import MappingError, known, shown

_NULL, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float"))
_TRUE = ("true", "yes", "on")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, where it is installed


class Document:
    """One YAML file: its root node, and the problems found so far.

    Raises `MappingError` when the text is not YAML or empty.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._problems: list[tuple[int, int, str]] = []
        try:
            text.encode()  # half a pair of code units, which no file holds, would stop the parser
            root = yaml.compose(text, Loader=_LOADER)
        except UnicodeEncodeError as error:
            line = text.count("\n", 0, error.start) + 1
            raise MappingError([f"{name}:{line}:1: a character that is no text; remove it"]) from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
            said = error.problem or error.context or "cannot be read"
            raise MappingError(
                [f"{place}: not YAML: {said}; mend the indentation, quotes or brackets there"]
            ) from error
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise MappingError([f"{name}:{line}:1: a character that is no text; remove it"]) from error
        except RecursionError as error:
            raise MappingError([f"{name}:1:1: nested too deeply; a map has few levels"]) from error
        if root is None:
            raise MappingError(
                [f"{name}:1:1: is empty; begin with 'map:', 'codes:', 'system:', 'extends:' or 'rates:'"]
            )
        self.root: Node = root
        self._refuse_aliases()

    def _refuse_aliases(self) -> None:
        """Each value is written where it counts; one that contains itself would have no end."""
        seen: list[Node] = [self.root]
        met = {id(self.root)}
        for node in seen:
            pairs = node.value if isinstance(node, MappingNode) else ()
            items = node.value if isinstance(node, SequenceNode) else ()
            for child in (*(each for pair in pairs for each in pair), *items):
                if id(child) in met:
                    line = child.start_mark.line + 1
                    raise MappingError([f"{self.name}:{line}:1: is used again by an alias; write the value itself"])
                met.add(id(child))
                seen.append(child)

    def complain(self, node: Node | None, message: str) -> None:
        """Note a problem at a node (at the top of the file without one)."""
        line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node is not None else (1, 1)
        self._problems.append((line, column, f"{self.name}:{line}:{column}: {message}"))

    def problems(self) -> list[str]:
        """What is wrong, in the order of the file, each said once."""
        return list(dict.fromkeys(text for _, _, text in sorted(self._problems)))

    def entries(self, node: Node, what: str, names: Collection[str] | None = None) -> dict[str, Node]:
        """The values of a mapping by key. Without ``names`` any key will do; else unknown ones are complained about."""
        if not isinstance(node, MappingNode):
            self.complain(node, f"{what} must hold 'name: value' lines{_there_are(names)}")
            return {}
        found: dict[str, Node] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, ScalarNode):
                self.complain(key_node, f"a key of {what} must be one word; write 'name: value'")
                continue
            key = str(key_node.value)
            if key in found:
                self.complain(key_node, f"{shown(key)} is given twice in {what}; keep one of them")
            elif names is not None and key not in names:
                self.complain(key_node, f"unknown key {shown(key)} in {what}; {known(key, names)}")
            else:
                found[key] = value
        return found

    def items(self, node: Node, what: str) -> list[Node]:
        """The items of a list."""
        if not isinstance(node, SequenceNode):
            self.complain(node, f"{what} must be a list; begin each item with '- '")
            return []
        return list(node.value)

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """The text of a scalar, as written."""
        if node is None:
            return default
        if not isinstance(node, ScalarNode) or node.tag == _NULL:
            self.complain(node, f"{what} must be one text; write it behind the colon")
            return default
        return " ".join(str(node.value).split())

    def flag(self, node: Node | None, what: str) -> bool:
        """``true`` or ``false``; absent is false."""
        if node is None:
            return False
        if not isinstance(node, ScalarNode) or node.tag != _BOOL:
            self.complain(node, f"{what} must be true or false")
            return False
        return str(node.value).lower() in _TRUE

    def whole(self, node: Node | None, what: str) -> int:
        """A whole number from 1."""
        value = None if node is None else self.plain(node)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.complain(node, f"{what} must be a whole number from 1")
            return 1
        return value

    def plain(self, node: Node) -> Any:
        """The value of a node as plain data; numbers with a point are exact decimals, dates stay text."""
        if isinstance(node, MappingNode):
            return {str(key.value): self.plain(value) for key, value in node.value}
        if isinstance(node, SequenceNode):
            return [self.plain(item) for item in node.value]
        text = str(node.value)
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() in _TRUE
        if node.tag in (_INT, _FLOAT):
            try:
                number = Decimal(text)
            except InvalidOperation:
                number = Decimal("NaN")
            if not number.is_finite():
                self.complain(node, f"{shown(text)} is no plain decimal number; write digits, or quote a text")
                return None
            return int(number) if node.tag == _INT else number
        return text


def _there_are(names: Collection[str] | None) -> str:
    return f"; there are: {', '.join(names)}" if names else ""
