"""Webhooks as vendors send them: signed, on the vendor's retry schedule, with the ways they fail."""

from collections.abc import Callable
from dataclasses import dataclass, field

from o2c_twin.mock_systems.wire.faults import NOTICE, DuplicatedWebhook, FaultPlan, LostWebhook, ReorderedWebhook
from o2c_twin.mock_systems.wire.ports import World

Sign = Callable[[bytes, int], dict[str, str]]
"""Headers for a body sent at that instant (microseconds since the epoch)."""

Body = bytes | Callable[[], bytes]
"""What is sent; a function for vendors that tell, at each attempt, how things are by then."""

Acknowledged = Callable[[int, bytes], bool]
"""Whether the vendor takes this answer (status, body) as received."""


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How a vendor delivers: seconds before each attempt, signature, and what counts as received."""

    attempts_s: tuple[float, ...]
    sign: Sign
    acknowledged: Acknowledged = lambda status, body: 200 <= status < 300
    source: str = ""


@dataclass(slots=True)
class Outcome:
    """Counts over the life of a sender."""

    delivered: int = 0
    retried: int = 0
    given_up: int = 0
    lost: int = 0


@dataclass(slots=True)
class WebhookSender:
    """Delivers the notices of one system to one subscriber."""

    system: str
    url: str
    rules: DeliveryRules
    world: World
    faults: FaultPlan
    outcome: Outcome = field(default_factory=Outcome)

    def send(self, topic: str, key: str, body: Body, headers: dict[str, str] | None = None) -> None:
        """Hand over one notice; it is delivered in the background.

        ``topic`` is the operation name a webhook fault may name (``webhook.<topic>``); ``key`` the
        business key its dice depend on.
        """
        copies, held_s = 1, 0.0
        for fault, _ in self.faults.strikes(f"webhook.{topic}", NOTICE, key, self.world.clock.now()):
            if isinstance(fault, LostWebhook):
                self.outcome.lost += 1
                return
            if isinstance(fault, DuplicatedWebhook):
                copies = 2
            elif isinstance(fault, ReorderedWebhook):
                held_s = fault.delay_s_
        for copy in range(copies):
            self.world.spawn(
                self._deliver(body, headers or {}, held_s + copy), f"webhook.{self.system}.{topic}.{key}.{copy}"
            )

    async def _deliver(self, body: Body, headers: dict[str, str], held_s: float) -> None:
        if held_s:
            await self.world.sleep(held_s)
        for attempt, wait_s in enumerate(self.rules.attempts_s):
            if wait_s:
                await self.world.sleep(wait_s)
            content = body if isinstance(body, bytes) else body()
            signed = {**headers, **self.rules.sign(content, self.world.clock.now())}
            status, answer = await self.world.post(self.url, signed, content)
            if self.rules.acknowledged(status, answer):
                self.outcome.delivered += 1
                return
            if attempt + 1 < len(self.rules.attempts_s):
                self.outcome.retried += 1
        self.outcome.given_up += 1
