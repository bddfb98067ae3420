"""Dead letters of the broker before the inbox: looked at, sent on again, or ended, each on the audit trail.

Of what is in a letter people see an event's own fields only, as far as they read like names of things, an account by
its pseudonym; everything else may be anything, and is counted.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeVar

import msgspec

from o2c_twin.integration.edges.broker import BrokerAway, Message, PutAside
from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.redaction import redact
from o2c_twin.integration.governance.secrets import MASK
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.service.approvals import DISCARD, Approvals
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.refusals import Refused

LIST, REVIVE = "list dead letters", "revive dead letters"
SUBJECT = "dead letters"
MOST = 1_000
"""So many are told of, or settled, at once."""
_FIELDS = Inbound.__struct_fields__
_NAME = re.compile(r"[A-Za-z0-9_:@/.+=~-]{1,200}")
Names = Callable[[str, str], str]
T = TypeVar("T")


class Aside(Protocol):
    """The broker's dead letters. Methods raise `BrokerAway`."""

    async def dead(self, most: int) -> list[PutAside]:
        """The oldest."""
        ...

    async def revive(self, ids: Collection[str]) -> int:
        """Send them on again; gives how many were there."""
        ...

    async def discard(self, ids: Collection[str]) -> int:
        """End them; gives how many were there."""
        ...

    def why(self, message: Message) -> str:
        """Why it is one, and the remedy."""
        ...


class DeadLetters:
    """The dead letters of one engine; ``aside`` is None where no broker is configured. Every method raises `Refused`.

    ``names`` says a name as it may be told, given the account it may contain.
    """

    def __init__(self, doing: Doing, approvals: Approvals, aside: Aside | None, names: Names) -> None:
        self._doing = doing
        self._approvals = approvals
        self._aside = aside
        self._names = names

    async def listed(self, who: Principal, most: int = 100) -> list[dict[str, Any]]:
        """The oldest ones: id, since when (microseconds since the epoch), why, and what of the event may be told."""
        with self._doing(who, LIST, SUBJECT, waits=True):
            if not 1 <= most <= MOST:
                raise Refused(422, f"most: {most} is not between 1 and {MOST}; give a number that is")
            return [self._shown(each) for each in await self._there(lambda aside: aside.dead(most))]

    async def revive(self, who: Principal, ids: list[str]) -> dict[str, Any]:
        """Send letters on again, by their ids."""
        with self._doing(who, REVIVE, _told(ids), waits=True) as told:
            await self._all_there(ids)
            count = await self._there(lambda aside: aside.revive(ids))
            told["outcome"] = f"{count} revived"
            return {"revived": count}

    async def discard(self, who: Principal, ids: list[str], approval: str | None) -> dict[str, Any]:
        """End letters, by their ids; somebody else must have approved just these."""
        with self._doing(who, DISCARD, _told(ids), waits=True) as told:
            await self._all_there(ids)
            self._approvals.use(approval, DISCARD, SUBJECT, content_of(ids))
            count = await self._there(lambda aside: aside.discard(ids))
            told["outcome"] = f"{count} discarded"
            return {"discarded": count}

    async def _all_there(self, ids: list[str]) -> None:
        if not 1 <= len(ids) <= MOST:
            raise Refused(422, f"ids: {len(ids)} are given; give one to {MOST}, as the list has them")
        known = {each.id for each in await self._there(lambda aside: aside.dead(MOST))}
        gone = [each for each in ids if each not in known]
        if gone:
            raise Refused(404, f"no dead letter {gone[0]!r} among the oldest {MOST}; look at the list again")

    async def _there(self, call: Callable[[Aside], Awaitable[T]]) -> T:
        if self._aside is None:
            raise Refused(409, "no broker stands before this engine's inbox; there are no dead letters without 'edge'")
        try:
            return await call(self._aside)
        except BrokerAway as away:
            raise Refused(503, f"{away}; try again when the broker is there") from away

    def _shown(self, aside: PutAside) -> dict[str, Any]:
        assert self._aside is not None
        message = aside.message
        event, others = self._event(message)
        return {
            "id": aside.id,
            "since": aside.since,
            "why": self._aside.why(message),
            "bytes": len(message.body),
            "event": event,
            "other_fields": others,
        }

    def _event(self, message: Message) -> tuple[dict[str, Any], int]:
        """The fields of an event that a body has, as they may be told, and how many others it has."""
        try:
            read = msgspec.json.decode(message.body)
        except msgspec.DecodeError:
            return {}, 0
        if not isinstance(read, dict):
            return {}, 0
        subject = subjects.of_lane(str(read.get("lane", "")))
        if not subject and read.get("flow") == "customer":
            subject = str(read.get("object_id", ""))
        told = {name: self._value(read[name], subject) for name in _FIELDS if name in read}
        return told, len(read) - len(told)

    def _value(self, value: Any, subject: str) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            return MASK
        return redact({"name_of": self._names(value, subject)})["name_of"]


def content_of(ids: Collection[str]) -> dict[str, str]:
    """What is approved of a discarding."""
    return {"letters": ",".join(sorted(ids))}


def _told(ids: list[str]) -> str:
    return f"{SUBJECT} {', '.join(ids)}"
