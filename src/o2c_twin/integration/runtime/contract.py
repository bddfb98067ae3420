"""The schema contract: what happens to a record whose shape is not the one that was agreed."""

from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter

# What the wire says of an answer it cannot read as the record it should be.
_NOT_UNDERSTOOD = "answer not understood"


def is_drift(letter: DeadLetter) -> bool:
    """Whether a dead letter is there because a record had an unknown shape."""
    cause = letter.__cause__
    return isinstance(cause, CallFailed) and cause.cause == "rejected" and cause.detail.startswith(_NOT_UNDERSTOOD)
