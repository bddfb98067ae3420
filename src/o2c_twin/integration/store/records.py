"""What a journal keeps: effects, links, cases."""

from typing import Literal

import msgspec

EffectState = Literal["sent", "due", "done", "dead"]
"""``sent``: the call may have left, what it did is unknown until its outcome is recorded. ``due``: it did
nothing (refused, or never arrived) and is to be sent again at ``next_at``. ``dead``: given up, a case is open."""


class Effect(msgspec.Struct, frozen=True):
    """One write to a system, on record before its first byte is sent.

    ``key`` comes from the business fact; ``write`` is the connector's method, ``arguments`` what it was
    called with, as JSON: a resend sends the same, whatever the record has become since. Instants are
    microseconds since the epoch; ``sent_at`` is the last attempt, ``created_at`` the first intention.
    """

    key: str
    system: str
    write: str
    arguments: bytes
    correlation: str
    lane: str
    state: EffectState
    result: str | None
    attempts: int
    created_at: int
    sent_at: int
    next_at: int | None


class Backlog(msgspec.Struct, frozen=True):
    """Events of a flow that are in a state other than done: how many, and when the oldest was received (µs)."""

    flow: str
    state: str
    count: int
    oldest: int


class Link(msgspec.Struct, frozen=True):
    """The id (or what else is remembered) a system has for something."""

    system: str
    kind: str
    canonical: str
    remote: str


CaseKind = Literal["unknown-outcome", "refused", "deadline", "unmatched-cash", "on-account", "drift", "divergence"]
CaseState = Literal["open", "replayed", "compensated", "closed"]


class Case(msgspec.Struct, frozen=True):
    """Something only a person can settle: why, whose it is, and by when.

    ``owner`` is a role (sales, credit, finance, operations); ``due_at`` when it escalates, on the
    calendar of business days; ``level`` how often it has escalated.
    """

    case_id: str
    kind: CaseKind
    flow: str
    object_id: str
    lane: str
    effect_key: str | None
    reason: str
    owner: str
    opened_at: int
    due_at: int
    level: int = 0
    state: CaseState = "open"
    closed_at: int | None = None
    closed_by: str | None = None
    note: str | None = None


class ApprovalRow(msgspec.Struct, frozen=True):
    """A request for approval as it is kept: ``body`` is all of it, the rest what it is looked up by.

    ``version`` counts its changes from 1, so that of two who decide at once one is first.
    """

    id: str
    version: int
    operation: str
    state: str
    asked_at: int
    body: bytes
