"""From a queue into the engine's inbox: a message is acknowledged when the inbox has its event, and never before."""

from collections.abc import Callable, Collection

import msgspec

from o2c_twin.integration.edges.broker import Message, Received, Settlement
from o2c_twin.integration.model import Inbound

_EVENT = msgspec.json.Decoder(Inbound)
_encode = msgspec.json.Encoder().encode


def as_message(event: Inbound) -> Message:
    """An event as a message: its lane is the key, so that its order is kept."""
    return Message(event.lane, event.event_id, event.flow, _encode(event))


def why_dead(message: Message, flows: Collection[str]) -> str:
    """Why a message is put aside, and the remedy; nothing of what is in it."""
    try:
        event = _EVENT.decode(message.body)
    except msgspec.DecodeError:
        return "is no event: it is not JSON with the fields of one; discard it, and have its sender mended"
    if event.flow not in flows:
        return "its flow is none of this engine's; discard it, or revive it at an engine that has the flow"
    return "the inbox did not take it; see the engine's log, mend what is wrong there, and revive it"


class Intake:
    """The consumer's work. ``receive`` commits an event to the inbox, or finds it there (`Engine.receive`).

    A message that is no event is dead at once. One whose commit fails comes again, ``most_attempts`` times in
    this process, and is dead then: an operator finds it there and revives it. What it did is counted.
    """

    def __init__(self, receive: Callable[[Inbound], bool], flows: frozenset[str], most_attempts: int = 5) -> None:
        self._receive = receive
        self._flows = flows
        self._most_attempts = most_attempts
        self._failed: dict[str, int] = {}
        self.accepted = 0
        self.known = 0
        self.dead = 0

    async def __call__(self, received: Received) -> Settlement:
        """Settle one message."""
        message = received.message
        try:
            event = _EVENT.decode(message.body)
        except msgspec.DecodeError:
            return self._give_up(message)
        if event.flow not in self._flows:
            return self._give_up(message)
        try:
            new = self._receive(event)
        except Exception:  # whatever kept it from the inbox: the message must not be lost, nor block its lane for ever
            failed = self._failed[message.message_id] = self._failed.get(message.message_id, 0) + 1
            return "again" if failed < self._most_attempts else self._give_up(message)
        self._failed.pop(message.message_id, None)
        if new:
            self.accepted += 1
        else:
            self.known += 1
        return "done"

    def _give_up(self, message: Message) -> Settlement:
        self._failed.pop(message.message_id, None)
        self.dead += 1
        return "dead"
