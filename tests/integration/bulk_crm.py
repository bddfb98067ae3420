"""A CRM that takes many notes in one call, and fails item by item or as a whole, as a test tells it to."""

import asyncio
from collections import Counter

from tests.integration.fake_systems import FakeCrm, failed

from o2c_twin.integration.capability import Capability
from o2c_twin.integration.runtime.errors import CallFailed


def sheet(guard="external-id", limit=200, lag_s=0.0):
    return (
        Capability("note_deal", "note_deal", guard, index_lag_s=lag_s),
        Capability("note_party", "note_party", "external-id"),
        Capability("note_deals", "note_deals", guard, index_lag_s=lag_s, bulk_limit=limit, partial=True),
    )


class BulkCrm(FakeCrm):
    """``bad`` deals are always refused; ``passing[deal]`` are causes its next tries fail with; ``whole`` is what
    becomes of the next calls for many: None, a `CallFailed` before anything is done, or "lost" after all is.
    ``strict`` refuses a call for many for one bad item's sake.
    """

    def __init__(self, clock, guard="external-id", limit=200, lag_s=0.0):
        super().__init__(clock)
        self.sheet = sheet(guard, limit, lag_s)
        self.lag_s = lag_s
        self.bad, self.passing, self.whole, self.strict = set(), {}, [], False
        self.loads, self.alone = [], []
        self.applied = Counter()
        self.visible_at = {}

    async def note_deal(self, deal_id, notes, correlation):
        self.calls.append("note_deal")
        self.alone.append(deal_id)
        await asyncio.sleep(self.takes_s)
        outcome = self._one(deal_id, notes)
        if outcome is not None:
            raise outcome

    async def note_deals(self, notes, correlation):
        self.calls.append("note_deals")
        deals = [deal_id for deal_id, _ in notes]
        assert len(set(deals)) == len(deals) > 1
        self.loads.append(deals)
        await asyncio.sleep(self.takes_s)
        trouble = self.whole.pop(0) if self.whole else None
        if isinstance(trouble, CallFailed):
            raise trouble
        if self.strict and self.bad & set(deals):
            raise failed("rejected")
        outcomes = [self._one(deal_id, each) for deal_id, each in notes]
        if trouble == "lost":
            raise failed("unknown-outcome")
        return outcomes

    def _one(self, deal_id, notes):
        if deal_id in self.bad:
            return failed("rejected")
        cause = self.passing[deal_id].pop(0) if self.passing.get(deal_id) else None
        if cause in (None, "applied, and nobody knows"):
            self.applied[deal_id] += 1
            self.notes[deal_id].update(notes)
            self.visible_at[deal_id] = self.clock.now() + int(self.lag_s * 1_000_000)
        if cause is not None:
            return failed("unknown-outcome" if cause == "applied, and nobody knows" else cause)
        return None

    async def find(self, write, key):
        await asyncio.sleep(self.takes_s)
        deal_id = key.removeprefix("note:")
        visible = self.visible_at.get(deal_id)
        return "" if visible is not None and self.clock.now() >= visible else None
