"""The schema contract: what happens to a record whose shape is not the one that was agreed."""

import re

from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter

# What the wire says of an answer it cannot read as the record it should be.
_NOT_UNDERSTOOD = "answer not understood"
_OF_ONE_RECORD = re.compile(r"\d+")


def is_drift(letter: DeadLetter) -> bool:
    """Whether a dead letter is there because a record had an unknown shape."""
    cause = letter.__cause__
    return isinstance(cause, CallFailed) and cause.cause == "rejected" and cause.detail.startswith(_NOT_UNDERSTOOD)


def shape_of(reason: str) -> str | None:
    """What all cases about records that changed in the same way have in common; None for a case of another kind.

    ``reason`` is the case's. Numbers are left out: they are those of one record.
    """
    return _OF_ONE_RECORD.sub("#", reason) if _NOT_UNDERSTOOD in reason else None
