"""Reads an assumptions file and checks it against the schema; every complaint names file, line and remedy.

The file is YAML: ``currency``, and ``assumptions`` with one entry a key, each with value, unit, source and
owner, and optionally low, high and as_of. Numbers are taken from their text, so none passes through a float.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from o2c_twin.reports.roi.assumptions import FINANCING, INFLOW, REVERSAL, SPECS, Assumption, Assumptions, Spec, Value
from o2c_twin.reports.roi.cash_flow import RoiError

DEFAULT_FILE = "assumptions.default.yaml"
DEMO_FILE = "assumptions.demo.yaml"
_REQUIRED_FIELDS = ("value", "unit", "source", "owner")
_FIELDS = (*_REQUIRED_FIELDS, "low", "high", "as_of")


class AssumptionsError(RoiError):
    """An assumptions file that cannot be used: ``problems`` holds one line a fault, with its place and remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_assumptions(path: Path | str | None = None) -> Assumptions:
    """The assumptions in the file, or the shipped placeholders. Raises `AssumptionsError` with all faults found."""
    if path is None:
        return parse_assumptions(default_assumptions_text(), DEFAULT_FILE)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise AssumptionsError(
            [f"{path}: cannot be read ({error.strerror}); start from a copy of {DEFAULT_FILE}"]
        ) from error
    except UnicodeDecodeError as error:
        raise AssumptionsError([f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8"]) from error
    return parse_assumptions(text, str(path))


def default_assumptions_text() -> str:
    """The shipped file as it is, to be copied and filled in."""
    return _shipped(DEFAULT_FILE)


def demo_assumptions() -> Assumptions:
    """Placeholders sized for the company of the shipped scenarios, some 8.5 million EUR revenue."""
    return parse_assumptions(demo_assumptions_text(), DEMO_FILE)


def demo_assumptions_text() -> str:
    """The file of `demo_assumptions` as it is, to be copied and filled in."""
    return _shipped(DEMO_FILE)


def _shipped(name: str) -> str:
    return files("o2c_twin.reports.roi").joinpath(name).read_text(encoding="utf-8")


def parse_assumptions(text: str, name: str) -> Assumptions:
    """The assumptions in the text of a file called ``name``. Raises `AssumptionsError` with all faults found."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise AssumptionsError([f"{name}:{line}: not YAML: {error.problem}; mend the line"]) from error
    except yaml.YAMLError as error:
        raise AssumptionsError([f"{name}: not YAML: {error}; mend the file"]) from error
    reader = _Reader(name)
    assumptions = reader.read(root)
    if reader.problems:
        raise AssumptionsError([text for _, text in sorted(reader.problems, key=itemgetter(0))])
    return assumptions


class _Entry(NamedTuple):
    """A value of a mapping and the line of its key, counted from 1."""

    line: int
    node: Node


class _Reader:
    """Walks the nodes of one file and collects what is wrong with them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.problems: list[tuple[int, str]] = []

    def read(self, root: Node | None) -> Assumptions:
        top = self._mapping(_Entry(1, root) if root is not None else None, "the file", ("currency", "assumptions"))
        currency = self._currency(top.get("currency"))
        if "assumptions" not in top:
            self._complain(1, f"no 'assumptions'; start from a copy of {DEFAULT_FILE}")
            return Assumptions(currency, MappingProxyType({}))
        entries = self._mapping(top["assumptions"], "assumptions", tuple(SPECS))
        given = {key: self._assumption(SPECS[key], entry, currency) for key, entry in entries.items()}
        for spec in SPECS.values():
            if spec.required and spec.key not in entries:
                self._complain(
                    top["assumptions"].line,
                    f"no {spec.key!r} ({spec.meaning}); copy the entry from {DEFAULT_FILE} and state your own",
                )
        read = Assumptions(currency, MappingProxyType({k: a for k in SPECS if (a := given.get(k)) is not None}))
        self._check_released_cash(entries, read)
        return read

    def _check_released_cash(self, entries: Mapping[str, _Entry], read: Assumptions) -> None:
        if FINANCING in entries and INFLOW in entries:
            self._complain(
                entries[INFLOW].line,
                f"released cash is counted twice, by {FINANCING!r} (line {entries[FINANCING].line}) and {INFLOW!r}; "
                "keep one of them",
            )
        if REVERSAL in entries and INFLOW not in entries:
            self._complain(entries[REVERSAL].line, f"{REVERSAL!r} needs {INFLOW!r}; give both or neither")
        if "ramp" not in read or INFLOW not in read:
            return
        line, years, shares = entries[INFLOW].line, len(read.shares("ramp")), read.shares(INFLOW)
        if len(shares) > years:
            self._complain(line, f"{INFLOW!r} covers {len(shares)} years, 'ramp' only {years}; shorten it")
        if sum(shares) > 1:
            self._complain(line, f"{INFLOW!r} adds up to {sum(shares)}; the shares of the cash make at most 1")
        if REVERSAL in read and not len(shares) <= read.number(REVERSAL) <= years:
            line = entries[REVERSAL].line
            self._complain(
                line, f"{REVERSAL!r} is {read.number(REVERSAL)}; choose a year from {len(shares)} to {years}"
            )

    def _currency(self, entry: _Entry | None) -> str:
        text = str(entry.node.value) if entry is not None and isinstance(entry.node, ScalarNode) else ""
        if not (len(text) == 3 and text.isalpha() and text.isupper()):
            self._complain(entry.line if entry else 1, "'currency' must be an ISO 4217 code; write e.g. currency: EUR")
        return text

    def _assumption(self, spec: Spec, entry: _Entry, currency: str) -> Assumption | None:
        before = len(self.problems)
        fields = self._mapping(entry, spec.key, _FIELDS)
        if not fields:
            return None
        missing = [field for field in _REQUIRED_FIELDS if field not in fields]
        if missing:
            self._complain(entry.line, f"{spec.key} has no {' and no '.join(missing)}; state {', '.join(missing)}")
        texts = {f: self._text(spec.key, f, fields[f]) for f in ("unit", "source", "owner") if f in fields}
        if texts.get("unit", "") not in ("", spec.unit_in(currency)):
            self._complain(
                fields["unit"].line, f"{spec.key} is in {texts['unit']!r}; state it in {spec.unit_in(currency)!r}"
            )
        value = self._value(spec, fields["value"]) if "value" in fields else None
        low, high = (self._limit(spec, side, fields.get(side)) for side in ("low", "high"))
        as_of = self._date(f"{spec.key}.as_of", fields["as_of"]) if "as_of" in fields else None
        if ("low" in fields) != ("high" in fields):
            self._complain(entry.line, f"{spec.key} has only one of low and high; give both or neither")
        elif low is not None and high is not None and isinstance(value, Decimal) and not low <= value <= high:
            self._complain(entry.line, f"{spec.key}: value {value} is not between {low} and {high}; correct one")
        if value is None or len(self.problems) > before:
            return None
        place = f"{self._name}:{entry.line}"
        return Assumption(spec.key, value, texts["unit"], texts["source"], texts["owner"], place, low, high, as_of)

    def _limit(self, spec: Spec, side: str, entry: _Entry | None) -> Decimal | None:
        if entry is None:
            return None
        if spec.kind != "number":
            self._complain(entry.line, f"{spec.key} takes no {side}, it is not a plain number; remove the line")
            return None
        return self._number(f"{spec.key}.{side}", entry, spec.least, spec.most)

    def _value(self, spec: Spec, entry: _Entry) -> Value | None:
        match spec.kind:
            case "shares":
                return self._shares(spec.key, entry)
            case "flag":
                return self._flag(spec.key, entry)
            case "date":
                return self._date(spec.key, entry)
            case "year":
                return self._year(spec, entry)
            case "number":
                return self._number(spec.key, entry, spec.least, spec.most)

    def _shares(self, key: str, entry: _Entry) -> tuple[Decimal, ...] | None:
        if not isinstance(entry.node, SequenceNode) or not entry.node.value:
            self._complain(entry.line, f"{key} must be a list of one share a year; write e.g. [0.5, 1, 1]")
            return None
        parts = [_Entry(node.start_mark.line + 1, node) for node in entry.node.value]
        shares = [self._number(f"{key}, year {n}", part, Decimal(0), Decimal(1)) for n, part in enumerate(parts, 1)]
        return tuple(share for share in shares if share is not None)

    def _flag(self, key: str, entry: _Entry) -> bool | None:
        text = _scalar(entry)
        if text in ("true", "false"):
            return text == "true"
        self._complain(entry.line, f"{key} is {text!r}; write true or false")
        return None

    def _date(self, what: str, entry: _Entry) -> date | None:
        try:
            return date.fromisoformat(_scalar(entry))
        except ValueError:
            self._complain(entry.line, f"{what} is {_scalar(entry)!r}; write a date such as 2026-01-31")
            return None

    def _year(self, spec: Spec, entry: _Entry) -> Decimal | None:
        number = self._number(spec.key, entry, spec.least, spec.most)
        if number is not None and number != int(number):
            self._complain(entry.line, f"{spec.key} is {number}; give a whole year, 1 for the first")
        return number

    def _number(self, what: str, entry: _Entry, least: Decimal, most: Decimal | None) -> Decimal | None:
        text = _scalar(entry)
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            shown = repr(text) if text else "no number"
            self._complain(entry.line, f"{what} is {shown}; write a plain number with a point (9 % is 0.09)")
            return None
        if number < least or (most is not None and number > most):
            bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
            hint = " (9 % is 0.09)" if most == 1 else ""
            self._complain(entry.line, f"{what} is {number}; give a number {bounds}{hint}")
            return None
        return number

    def _text(self, key: str, field: str, entry: _Entry) -> str:
        text = _scalar(entry)
        if not text:
            self._complain(entry.line, f"{key}.{field} is empty; say {_FIELD_QUESTIONS[field]}")
        return text

    def _mapping(self, entry: _Entry | None, what: str, known: tuple[str, ...]) -> dict[str, _Entry]:
        if entry is None or not isinstance(entry.node, MappingNode):
            line = entry.line if entry else 1
            self._complain(line, f"{what} must hold 'name: value' lines; start from a copy of {DEFAULT_FILE}")
            return {}
        found: dict[str, _Entry] = {}
        for key_node, value in entry.node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in found:
                self._complain(line, f"{key!r} is given twice in {what}; keep one of them")
            elif key not in known:
                near = get_close_matches(key, known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                self._complain(line, f"unknown key {key!r} in {what}; {remedy}")
            else:
                found[key] = _Entry(line, value)
        return found

    def _complain(self, line: int, message: str) -> None:
        self.problems.append((line, f"{self._name}:{line}: {message}"))


def _scalar(entry: _Entry) -> str:
    return str(entry.node.value).strip() if isinstance(entry.node, ScalarNode) else ""


_FIELD_QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "unit": "what it is measured in",
        "source": "where the figure comes from",
        "owner": "who answers for it",
    }
)
