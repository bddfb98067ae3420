"""The catalogue of mock systems: every folder of `vendors`, and what its dialect says of itself.

Nothing is listed by hand: a folder that holds a dialect is a system. Figures come from the operation table, the
capability sheet and the limits, so that the catalogue cannot say what a mock does not do.
"""

import inspect
import re
import typing
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, get_args, get_origin

import msgspec

from o2c_twin.mock_systems import vendors
from o2c_twin.mock_systems.catalogue_clients import KnownAs, known
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.limits import Concurrency, LimitPolicy, Window
from o2c_twin.mock_systems.wire.ports import World

STANDINGS = ("documented", "recorded", "assumed")
_PLANS = ("plan", "tier", "edition")
_ODDITIES = re.compile(r"\boddit", re.IGNORECASE)
_NAMED = re.compile(r"``(\w+)``")
_A_MOMENT = 1_767_225_600_000_000  # 2026-01-01: a clock that stands still has to stand somewhere


class CatalogueError(Exception):
    """A folder of `vendors` holds no dialect that can be listed; the message names folder, reason and remedy."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting of a system's configuration that turns one of its oddities on, off, up or down."""

    name: str
    default: Any


@dataclass(frozen=True, slots=True)
class MockSystem:
    """One mock system as the catalogue lists it.

    ``name`` is its folder and its name in an estate file. ``standing`` counts operations by where they are known
    from. ``plan`` is the plan its limits are those of by default, ``plans`` all it can be set to (empty: one only).
    """

    name: str
    vendor: str
    family: str
    core: str
    operations: int
    standing: dict[str, int]
    plan: str
    plans: tuple[str, ...]
    limits: tuple[str, ...]
    switches: tuple[Switch, ...]
    promises: tuple[Promise, ...]
    client: KnownAs


def names() -> tuple[str, ...]:
    """The folders of `vendors` in alphabetical order."""
    return tuple(sorted(m.name for m in iter_modules(vendors.__path__) if m.ispkg and not m.name.startswith("_")))


def catalogue() -> tuple[MockSystem, ...]:
    """All mock systems, by name. Raises `CatalogueError`."""
    return tuple(describe(name) for name in names())


def dialect_class(name: str) -> type[Dialect]:
    """The one class of ``vendors/<name>/dialect.py`` that is a `Dialect`. Raises `CatalogueError`."""
    module = _imported(name, f"{vendors.__name__}.{name}.dialect")
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Dialect) and each.__module__ == module.__name__
    ]
    if len(found) != 1:
        given = ", ".join(each.__name__ for each in found) or "none"
        raise CatalogueError(f"mock system {name}: dialect.py must define one class of Dialect, and defines {given}")
    return found[0]


def config_class(name: str) -> type[msgspec.Struct]:
    """What the system is set up with: the type of the second parameter of its ``make``. Raises `CatalogueError`."""
    hints = typing.get_type_hints(_make(name))
    hints.pop("return", None)
    for hint in list(hints.values())[1:2]:
        for each in get_args(hint) or (hint,):
            if isinstance(each, type) and issubclass(each, msgspec.Struct):
                return each
    raise CatalogueError(f"mock system {name}: the second parameter of make() must be its configuration, a Struct")


def sample(name: str, world: World, **settings: Any) -> Any:
    """The system in ``world`` with its default configuration, but for ``settings``.

    Credentials without a default are ``o2c-<field>``. Raises `CatalogueError`.
    """
    config = config_class(name)
    given = dict(settings)
    for field in msgspec.structs.fields(config):
        if field.required and field.name not in given:
            if field.type is not str:
                raise CatalogueError(f"mock system {name}: its setting {field.name} has no default; give it one")
            given[field.name] = f"o2c-{field.name.replace('_', '-')}"
    return _make(name)(world, config(**given))


def still_world() -> World:
    """A world in which nothing happens: for looking at a system, not for running it."""

    class Clock:
        def now(self) -> int:
            return _A_MOMENT

    async def sleep(seconds: float) -> None:
        return None

    async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 0, b""

    def spawn(work: Coroutine[Any, Any, None], name: str) -> object:
        work.close()
        return None

    return World(Clock(), lambda stream, *key: 0.5, sleep, spawn, post)


def describe(name: str) -> MockSystem:
    """One system. Raises `CatalogueError` when there is no such folder, or no dialect in it."""
    if name not in names():
        raise CatalogueError(f"no mock system {name!r}; there are: {', '.join(names())}")
    kind, config = dialect_class(name), config_class(name)
    try:
        dialect = sample(name, still_world())
    except (TypeError, ValueError) as bad:
        raise CatalogueError(f"mock system {name}: cannot be made with its default configuration: {bad}") from bad
    counted = Counter(operation.standing for operation in kind.routes)
    client = known(name, kind.vendor)
    return MockSystem(
        name=name,
        vendor=client.vendor,
        family=kind.family,
        core=_role_of(dialect.core),
        operations=len(kind.routes),
        standing={standing: counted[standing] for standing in STANDINGS},  # type: ignore[index]  # Standing is Literal
        plan=dialect.policy.plan,
        plans=_plans(config),
        limits=_limits(dialect.policy),
        switches=_switches(config),
        promises=kind.promises,
        client=client,
    )


def _imported(name: str, module: str) -> ModuleType:
    try:
        return import_module(module)
    except (ImportError, SyntaxError) as bad:
        raise CatalogueError(f"mock system {name}: {module} cannot be imported: {bad}") from bad


def _make(name: str) -> Callable[..., Any]:
    make = getattr(_imported(name, f"{vendors.__name__}.{name}"), "make", None)
    if make is None:
        raise CatalogueError(f"mock system {name}: its package has no make(world, config)")
    return make  # type: ignore[no-any-return]  # looked up by name


def _role_of(core: object) -> str:
    # A core's module is o2c_twin.mock_systems.roles.<role>.core, whatever the dialect's family.
    return next(
        (kind.__module__.split(".")[3] for kind in type(core).__mro__ if ".mock_systems.roles." in kind.__module__), ""
    )


def _plans(config: type[msgspec.Struct]) -> tuple[str, ...]:
    hints = typing.get_type_hints(config)
    for name in _PLANS:
        if name in hints and get_origin(hints[name]) is typing.Literal:
            return tuple(get_args(hints[name]))
    return ()


def _limits(policy: LimitPolicy) -> tuple[str, ...]:
    return (*(_window(each) for each in policy.windows), *(_flight(each) for each in policy.concurrency))


def _window(rule: Window) -> str:
    return f"{rule.limit:,} in {_span(rule.seconds)} ({rule.kind}, by {rule.scope})"


def _flight(rule: Concurrency) -> str:
    longer = f" that take {rule.counts_after_s:g} s or more" if rule.counts_after_s else ""
    return f"{rule.limit:,} calls at once{longer} (by {rule.scope})"


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"a{'n' if unit == 'hour' else ''} {unit}" if count == 1 else f"{count} {unit}s"
    return "a second" if seconds == 1 else f"{seconds} seconds"


def _switches(config: type[msgspec.Struct]) -> tuple[Switch, ...]:
    """The settings that the configuration's docstring names after the word "oddities", and all of a part of it that
    is of a type called Oddities; where neither is there, its on/off settings."""
    fields = msgspec.structs.fields(config)
    told = inspect.cleandoc(config.__doc__ or "")
    word = _ODDITIES.search(told)
    named = set(_NAMED.findall(told[word.start() :])) if word else set()
    parts = [(f.name, _default(f)) for f in fields if getattr(f.type, "__name__", "") == "Oddities"]
    found = [Switch(f"{name}.{each}", getattr(part, each)) for name, part in parts for each in part.__struct_fields__]
    found += [Switch(f.name, _default(f)) for f in fields if f.name in named]
    return tuple(found or (Switch(f.name, _default(f)) for f in fields if f.type is bool))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return None if field.default_factory is msgspec.NODEFAULT else field.default_factory()
