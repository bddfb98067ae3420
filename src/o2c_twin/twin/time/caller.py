"""Where in the reader's own code something was called from.

Frames of the standard library and of this package are passed over, so that an error about
`asyncio.to_thread` names the line that called it and not a line inside asyncio.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any, Final


def _folder(path: str | Path) -> str:
    return f"{Path(path)}{os.sep}"


STANDARD_LIBRARY: Final = (_folder(sysconfig.get_path("stdlib")), _folder(sysconfig.get_path("platstdlib")), "<frozen ")
SITE_PACKAGES: Final = (_folder(sysconfig.get_path("purelib")), _folder(sysconfig.get_path("platlib")))
_THIS_PACKAGE: Final = _folder(Path(__file__).parent)


def in_standard_library(filename: str) -> bool:
    """Whether a file belongs to Python itself, not to an installed package."""
    return filename.startswith(STANDARD_LIBRARY) and not filename.startswith(SITE_PACKAGES)


def place_of(frame: FrameType | None = None) -> str:
    """Return "file:line in function" of the nearest frame that is neither Python's nor this package's.

    In: the frame to start from; the caller's own when left out. Out: "an unknown place" when every frame is
    the library's.
    """
    at: FrameType | None = frame if frame is not None else sys._getframe(1)
    while at is not None:
        filename = at.f_code.co_filename
        if not filename.startswith(_THIS_PACKAGE) and not in_standard_library(filename):
            return f"{filename}:{at.f_lineno} in {at.f_code.co_name}"
        at = at.f_back
    return "an unknown place"


def waiting_place(coroutine: object) -> str:
    """Return "file:line in function" where a suspended coroutine waits, seen from its own code; "" if unknown."""
    place = ""
    inner: Any = coroutine
    while inner is not None:
        frame = getattr(inner, "cr_frame", None)
        if frame is None:
            break
        filename = frame.f_code.co_filename
        if not filename.startswith(_THIS_PACKAGE) and not in_standard_library(filename):
            place = f"{filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        inner = inner.cr_await
    return place
