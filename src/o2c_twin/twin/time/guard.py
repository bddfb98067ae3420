"""A fence around simulated code: inside it, reaching for the real world raises `Escape`.

The lint rules stop most of it when the code is written; this stops the rest when it runs, in libraries and in
somebody's own engine too. What it does:

* It patches functions, once, when the first guard of the process is entered, and puts everything back when the
  last one is left. Nothing is traced, so code that stays inside virtual time pays nothing.
* It holds in the thread that entered it. The threads of a test runner or a notebook go on as before.
* `from time import time` keeps a reference that no patch of `time` reaches, so the names that the project's own
  modules hold (all but the standard library and site-packages) are swapped too. `datetime.now` lives in a C
  type and is replaced there, for every reference.

Let through, because it is harmless and cannot be avoided (`HARMLESS`): time stamps of log records; test
runners, notebook kernels and progress bars around the run; whatever a module does while it is being imported.

Not caught: builtins that a library took into its own namespace before (`from time import monotonic` in a
package under site-packages), NumPy's global generator, `CURRENT_TIMESTAMP` and `random()` inside SQL, and the
order of sets of strings. Running twice under different hash seeds finds those.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import datetime
import gc
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from threading import get_ident
from types import FrameType, ModuleType
from typing import Any, Final

from o2c_twin.twin.time.caller import SITE_PACKAGES, in_standard_library, place_of
from o2c_twin.twin.time.errors import Escape

HARMLESS: Final = frozenset(
    {
        "logging",  # the time stamp of a log record; nothing in a run depends on it
        "tempfile",  # random names of scratch files
        "queue",  # time limits of its locks
        "_pytest", "pytest", "pluggy", "xdist", "execnet", "hypothesis", "coverage",  # around the run, not in it
        "ipykernel", "jupyter_client", "zmq", "tornado", "IPython",  # a notebook shows what the run prints
        "rich", "tqdm",  # progress on a terminal
        "http.cookiejar",  # a client's jar asks the time at every response, for the age of cookies
        "httpx._client",  # the duration shown as `Response.elapsed`
    }
)  # fmt: skip

_CLOCK: Final = "take the time from the injected clock or the loop"
_CHANCE: Final = "draw from an injected Chance, keyed by the business"
_IDS: Final = "take ids from the injected id source"
_THREAD: Final = "a simulation has one thread: call it directly, or start a task"
_NETWORK: Final = "call the application in process, or run on TwinEnvironment.paced(...)"
_LOOP: Final = "a simulation has one loop: await it there"
_PROCESS: Final = "start other programs before or after the run"

# Functions that read the clock only when a certain argument is left out, and the position of that argument.
_CLOCK_BY_DEFAULT: Final = {"gmtime": 0, "localtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}
_CLOCKS: Final = (
    "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns "
    "thread_time thread_time_ns clock_gettime clock_gettime_ns sleep"
)
_GLOBAL_CHANCE: Final = (
    "betavariate binomialvariate choice choices expovariate gammavariate gauss getrandbits getstate "
    "lognormvariate normalvariate paretovariate randbytes randint random randrange sample seed setstate shuffle "
    "triangular uniform vonmisesvariate weibullvariate _urandom"
)


@dataclass(slots=True)
class _Entry:
    """One `with guard():` of one thread."""

    allowed: frozenset[str]
    outermost_frame: int
    lifted: bool = False


@dataclass(slots=True)
class _Fence:
    """What is patched, and for whom."""

    entries: dict[int, list[_Entry]] = field(default_factory=dict)  # by thread
    undo: list[Callable[[], None]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def lets_through(self, frame: FrameType) -> bool:
        entries = self.entries.get(get_ident())
        if not entries or entries[-1].lifted:
            return True
        asker = _asker(frame)
        allowed = entries[-1].allowed
        at: FrameType | None = asker
        if _package(asker) in allowed or asker.f_globals.get("__name__") in allowed:
            return True
        while at is not None and id(at) != entries[-1].outermost_frame:
            if at.f_globals.get("__name__") == "importlib._bootstrap":
                return True
            at = at.f_back
        return False


# The one piece of state of a process that this project keeps: `time.time` exists once in a process as well.
_FENCE: Final = _Fence()
_PASSED_OVER: Final = frozenset({"random", "uuid", "secrets", "socket", "subprocess", "_pydatetime"})


@contextlib.contextmanager
def guard(*, allow: Iterable[str] = ()) -> Iterator[None]:
    """Refuse the wall clock, global chance, random ids, threads, sockets and subprocesses in this block.

    In: `allow`, the names of further packages (top-level), or of single modules (in full), that may do it.
    Guards nest; an inner one allows what the outer one does and more. Raises, in the offending code, `Escape`
    naming its file and line.
    """
    thread = get_ident()
    with _FENCE.lock:
        if not _FENCE.entries:
            _put_up(_FENCE.undo)
        entries = _FENCE.entries.setdefault(thread, [])
        outer = entries[-1].allowed if entries else HARMLESS
        # Frame 0 is this generator, 1 is contextlib's __enter__, 2 the block that we guard.
        entries.append(_Entry(outer.union(allow), id(sys._getframe(2))))
    try:
        yield
    finally:
        with _FENCE.lock:
            entries.pop()
            if not entries:
                del _FENCE.entries[thread]
            if not _FENCE.entries:
                _take_down(_FENCE.undo)


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """Let this block, inside a guarded one, do as it likes: to tell of progress between two stages of a run.

    To leave a guard and enter it again costs a look at every name of every module.
    """
    with _FENCE.lock:
        entries = _FENCE.entries.get(get_ident())
        if entries:
            entries.append(_Entry(entries[-1].allowed, 0, lifted=True))
    try:
        yield
    finally:
        if entries:
            with _FENCE.lock:
                entries.pop()


# -- who asks -------------------------------------------------------------------------------------------------


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]


def _asker(frame: FrameType) -> FrameType:
    """Pass over those that only hand the question on, such as uuid asking os.urandom."""
    at = frame
    while at.f_back is not None and (_package(at) in _PASSED_OVER or at.f_globals is globals()):
        at = at.f_back
    return at


def _refusing(real: Callable[..., Any], what: str, remedy: str) -> Callable[..., Any]:
    """Return `real` with the fence in front of it; outside every guard it is `real` again, whoever kept it."""

    @wraps(real)
    def refused(*args: Any, **options: Any) -> Any:
        frame = sys._getframe(1)
        if _FENCE.lets_through(frame):
            return real(*args, **options)
        raise Escape(f"{what} was called at {place_of(frame)}; {remedy}")

    return refused


def _refusing_without(real: Callable[..., Any], position: int, what: str, remedy: str) -> Callable[..., Any]:
    """Return `real` with the fence in front of the calls that leave out the argument at `position`."""
    refused_then = _refusing(real, what, remedy)

    @wraps(real)
    def refused(*args: Any, **options: Any) -> Any:
        given = (*args[position : position + 1], *options.values())
        if any(value is not None for value in given):
            return real(*args, **options)
        return refused_then(*args, **options)

    return refused


# -- what is patched ------------------------------------------------------------------------------------------


def _put_up(undo: list[Callable[[], None]]) -> None:
    swapped: dict[int, tuple[Any, Any]] = {}

    def patch(owner: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
        real = owner.__dict__.get(name)
        if real is None:
            return
        replacement = make(real)
        setattr(owner, name, replacement)
        undo.append(lambda: setattr(owner, name, real))
        if isinstance(owner, ModuleType):
            swapped[id(real)] = (real, replacement)

    def refuse(owner: Any, names: str, remedy: str) -> None:
        for name in names.split():
            patch(owner, name, lambda real, what=f"{owner.__name__}.{name}": _refusing(real, what, remedy))  # type: ignore[misc]

    refuse(time, _CLOCKS, _CLOCK)
    for name, position in _CLOCK_BY_DEFAULT.items():
        patch(
            time,
            name,
            lambda real, position=position, what=f"time.{name}": _refusing_without(real, position, what, _CLOCK),  # type: ignore[misc]
        )
    refuse(random, _GLOBAL_CHANCE, _CHANCE)
    patch(random.Random, "seed", lambda real: _refusing_without(real, 1, "random.Random() without a seed", _CHANCE))
    refuse(os, "urandom getrandom", _IDS)
    refuse(uuid, "uuid1 uuid4", _IDS)
    refuse(os, "fork forkpty posix_spawn system", _PROCESS)
    refuse(socket, "getaddrinfo gethostbyname socketpair", _NETWORK)
    for module in (asyncio, asyncio.events):
        refuse(module, "new_event_loop", _LOOP)
    for owner, name, remedy in (
        (threading.Thread, "start", _THREAD),
        (socket.socket, "__init__", _NETWORK),
        (subprocess.Popen, "__init__", _PROCESS),
    ):
        what = f"{owner.__module__}.{owner.__qualname__}" + ("" if name == "__init__" else f".{name}")
        patch(owner, name, lambda real, what=what, remedy=remedy: _refusing(real, what, remedy))  # type: ignore[misc]
    _patch_datetime(undo)
    _swap_kept_references(swapped, undo)


def _take_down(undo: list[Callable[[], None]]) -> None:
    while undo:
        undo.pop()()


def _patch_datetime(undo: list[Callable[[], None]]) -> None:
    """Replace `now` and `utcnow` inside the C type, the only place where every reference to it leads."""
    kind = datetime.datetime
    namespace = gc.get_referents(kind.__dict__)[0]

    def put(name: str, value: Any) -> None:
        namespace[name] = value
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))

    for name in ("now", "utcnow"):
        real = namespace[name]

        def now(cls: type[Any], /, *args: Any, _real: Any = real, _name: str = name, **options: Any) -> Any:
            frame = sys._getframe(1)
            if _FENCE.lets_through(frame):
                return _real.__get__(None, cls)(*args, **options)
            raise Escape(f"datetime.{_name} was called at {place_of(frame)}; {_CLOCK}")

        put(name, classmethod(now))
        undo.append(lambda name=name, real=real: put(name, real))  # type: ignore[misc]


def _swap_kept_references(swapped: dict[int, tuple[Any, Any]], undo: list[Callable[[], None]]) -> None:
    """Swap what the project's own modules took with `from time import time`."""
    modules: list[object] = list(sys.modules.values())
    for module in modules:
        if not isinstance(module, ModuleType) or not _is_own(module):
            continue
        namespace = vars(module)
        for name, value in list(namespace.items()):
            real, replacement = swapped.get(id(value), (None, None))
            if real is not None and real is value:
                namespace[name] = replacement
                undo.append(lambda namespace=namespace, name=name, real=real: namespace.__setitem__(name, real))  # type: ignore[misc]


def _is_own(module: ModuleType) -> bool:
    name = module.__name__
    if name.startswith("o2c_twin.twin.time"):
        return False
    if name == "__main__" or name.partition(".")[0] == "o2c_twin":
        return True
    filename = getattr(module, "__file__", None)
    return filename is not None and not filename.startswith(SITE_PACKAGES) and not in_standard_library(filename)
