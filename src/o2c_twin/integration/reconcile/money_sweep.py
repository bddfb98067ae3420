"""One sweep of the money: bank, provider and ledger are listed and compared; what differs is told, or asked about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import msgspec

from o2c_twin.integration.exchange import NoRate
from o2c_twin.integration.flows.collection import is_payout
from o2c_twin.integration.governance.approvals import ApprovalPolicy
from o2c_twin.integration.model import BankEntry, Inbound
from o2c_twin.integration.reconcile.approving import ENGINE, POLICY, Person, approve
from o2c_twin.integration.reconcile.contract import Mode, checked
from o2c_twin.integration.reconcile.digests import Difference
from o2c_twin.integration.reconcile.flight import OWN, remembered
from o2c_twin.integration.reconcile.money import (
    Found,
    Known,
    MoneySides,
    Progress,
    Spans,
    events_of,
    lane_of,
    money_remedy,
    sides_of_money,
    without_name,
)
from o2c_twin.integration.reconcile.money_ports import Incoming, MoneyKind, MoneyListings, Sent, Told
from o2c_twin.integration.reconcile.plan import Applied, Repair, RepairPlan
from o2c_twin.integration.reconcile.planning import due
from o2c_twin.integration.reconcile.rhythm import by_rhythm
from o2c_twin.integration.reconcile.sides import Evidence
from o2c_twin.integration.runtime.cases import case_id_of
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter
from o2c_twin.integration.runtime.line import worth_of_work
from o2c_twin.integration.runtime.quota import Worth

_MICRO = 1_000_000
_DAY_S = 86_400.0
_SEEN = "reconcile:money:seen"
_MEMORY = msgspec.json.Decoder(dict[str, int])
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """How a company reconciles its money.

    ``every_s`` is the rhythm, ``settle_s`` how long a difference must have lasted, ``window_s`` how far back money is
    looked at; ``before_s``: what is posted so long before its statement is found too (a clerk posts from the bank's
    portal); ``late_s``: a payout may come on a statement so much later than the provider says it is there.
    ``grace_s``: what is posted is asked for its money when it is so old; ``behind_s``: money may be posted so long
    after it came in, by a person who had to find out whose it is. Both are assumptions, of a bank that is a long
    weekend late and of a desk that clears within a month. A company that takes money past this bank and provider
    (cheques, another account) has what it posts left alone with ``unbacked`` false.
    """

    currency: str = "EUR"
    every_s: float = _DAY_S
    settle_s: float = 3_600.0
    window_s: float = 14 * _DAY_S
    before_s: float = 7 * _DAY_S
    late_s: float = 5 * _DAY_S
    grace_s: float = 5 * _DAY_S
    behind_s: float = 30 * _DAY_S
    unbacked: bool = True
    contract: Mode = "evolve"
    policy: ApprovalPolicy = POLICY


@dataclass(slots=True)
class _Listed:
    """What one look could read, and what it could not."""

    blind: list[str] = field(default_factory=list)
    drifts: list[str] = field(default_factory=list)


class MoneyReconciler:
    """The sweeps of one engine's money. Raises ValueError for an engine that keeps no journal of its effects."""

    def __init__(self, engine: Engine, listings: MoneyListings, rules: MoneyRules | None = None) -> None:
        if not engine.careful:
            raise ValueError("reconciliation needs the journal of delivery: effectively-once; choose that, or no sweep")
        self.engine = engine
        self.listings = listings
        self.rules = rules or MoneyRules()
        self.looks = 0
        self._summed: dict[str, int] = {}
        """The sums of payouts that were read already: what they are made of does not change."""
        self._backed: set[str] = set()
        self._searched: set[str] = set()
        """Postings whose money was found, and those for whose money all that came in earlier was searched."""
        self._earlier: dict[str, Incoming] = {}

    # --- looking ---------------------------------------------------------------------------------

    async def look(self) -> RepairPlan:
        """Compare what came in with what is posted. Nothing is changed; only what has been seen is remembered.

        Raises nothing for what cannot be read: the plan names it, and is silent about what rests on it.
        """
        worth_of_work.set(Worth.SWEEP)
        self.looks += 1
        now, rules = self.engine.clock.now(), self.rules
        since = max(0, now - int(rules.window_s * _MICRO))
        listed = _Listed()
        found = await self._found(listed, since, now)
        if found is None:
            return RepairPlan(now, rules.currency, blind=tuple(listed.blind), drifts=tuple(listed.drifts))
        known = self._known()
        found = await self._completed(listed, found, since)
        spans = Spans(int(rules.late_s * _MICRO), int(rules.before_s * _MICRO), int(rules.grace_s * _MICRO))
        sides = sides_of_money(found, known, self.listings.erp.mark_of, spans, now)
        journal = self.engine.journal
        seen = _MEMORY.decode(journal.cursor(_SEEN, "{}"))
        what = due(
            sides.wanted,
            sides.found,
            sides.evidence,
            remedy=lambda difference, evidence: self._remedy(difference, evidence, sides, known),
            busy=self._busy(),
            seen=seen,
            now=now,
            settle_us=int(rules.settle_s * _MICRO),
            bucket=sides.bucket,
        )
        journal.move(_SEEN, msgspec.json.encode(remembered(seen, what.unripe, now)).decode())
        return RepairPlan(
            now, rules.currency, what.repairs, len(sides.wanted), what.buckets, what.in_flight, len(what.unripe),
            "", tuple(listed.blind), tuple(listed.drifts),
        )  # fmt: skip

    async def _found(self, listed: _Listed, since: int, now: int) -> Found | None:
        """What bank, provider and ledger say; None without the ledger, for then all would seem not posted."""
        bank, provider, erp = self.listings.bank, self.listings.provider, self.listings.erp
        before = max(0, since - int(self.rules.before_s * _MICRO))
        incoming: list[Incoming] = []
        sent: list[Sent] = []
        bank_since = now
        entries = await self._read(listed, bank, "entry", lambda: bank.incoming(since, now))
        if entries is not None:
            incoming, bank_since = self._as_posted(listed, entries), since
        if provider is not None:
            incoming += await self._read(listed, provider, "collection", lambda: provider.incoming(since, now)) or []
            sent = await self._read(listed, provider, "payout", lambda: provider.sent(since, now)) or []
        # Last of all: what is posted meanwhile is seen, and what comes in meanwhile is not missed.
        postings = await self._read(listed, erp, "posting", lambda: erp.postings(before))
        if postings is None:
            return None
        sums = await self._sums(listed, sent)
        whole = self.rules.unbacked and not listed.blind
        return Found(tuple(incoming), tuple(postings), tuple(sent), sums, bank_since, whole=whole)

    async def _completed(self, listed: _Listed, found: Found, since: int) -> Found:
        """With what came in before the window, where something is posted in it under the name of nothing in it.

        For each such posting that is asked once.
        """
        mark_of = self.listings.erp.mark_of
        ids = {posting.id for posting in found.postings}
        self._backed &= ids
        self._searched &= ids
        left = without_name(found, mark_of)
        self._backed |= ids - {posting.id for posting in left}
        back = max(0, since - int((self.rules.before_s + self.rules.behind_s) * _MICRO))
        self._earlier = {key: each for key, each in self._earlier.items() if back <= each.at <= since}
        unknown = [posting for posting in left if posting.id not in self._backed and posting.id not in self._searched]
        whole = found.whole
        if unknown:
            earlier = await self._before(listed, since, min(posting.at for posting in unknown))
            whole = whole and earlier is not None
            if earlier is not None:
                self._earlier |= {each.key: each for each in earlier}
                self._searched |= {posting.id for posting in unknown}
        earlier_ones = tuple(self._earlier.values())
        completed = replace(found, earlier=earlier_ones, backed=frozenset(self._backed), whole=whole)
        self._backed |= ids - {posting.id for posting in without_name(completed, mark_of)}
        return completed

    async def _before(self, listed: _Listed, since: int, posted: int) -> list[Incoming] | None:
        """What came in before ``since`` and may have been posted at an instant; None where it could not be read."""
        bank, provider, now = self.listings.bank, self.listings.provider, self.engine.clock.now()
        back = max(0, posted - int(self.rules.behind_s * _MICRO))
        # To the present: a listing keeps of the statements it has read those that were asked for last.
        entries = await self._read(listed, bank, "entry", lambda: bank.incoming(back, now))
        if entries is None:
            return None
        found = self._as_posted(listed, entries)
        if provider is None:
            return [each for each in found if each.at <= since]
        collected = await self._read(listed, provider, "collection", lambda: provider.incoming(back, since))
        return None if collected is None else [each for each in (*found, *collected) if each.at <= since]

    def _as_posted(self, listed: _Listed, entries: list[Incoming]) -> list[Incoming]:
        """What came in, as the engine posts it: in the books' currency where its design converts.

        Without a rate nobody knows what should be posted: the plan says so, and is silent about that entry.
        """
        exchange, found = self.engine.exchange, []
        if exchange is None or self.engine.profile.currencies != "converted":
            return entries
        for each in entries:
            try:
                amount = exchange.into_books(each.amount_minor, each.currency, each.value_on)
            except NoRate as none:
                listed.blind.append(f"{self.listings.bank.system} entry {each.reference}: {none}")
                continue
            found.append(msgspec.structs.replace(each, amount_minor=amount, currency=exchange.books))
        return found

    async def _read(
        self, listed: _Listed, source: Told, kind: MoneyKind, ask: Callable[[], Awaitable[list[_Answer]]]
    ) -> list[_Answer] | None:
        try:
            rows = await self.engine.delivery.read(source.system, f"sweep:money:{kind}", ask)
        except DeadLetter as letter:
            listed.blind.append(f"{source.system} {kind}: {letter.reason}")
            return None
        shape = source.shapes.get(kind)
        if shape is not None:
            decision = checked(self.rules.contract, shape, source.sample(kind))
            told = [str(drift) for drift in decision.drifts]
            listed.drifts += told
            if decision.action == "stop":
                listed.blind.append(f"{source.system} {kind}: {'; '.join(told)}")
                return None
        return rows

    async def _sums(self, listed: _Listed, sent: list[Sent]) -> dict[str, int]:
        payments = self.engine.payments
        if payments is None:
            return {}
        for payout in sent:
            if payout.payout_id in self._summed or not payout.arrived:
                continue
            id_ = payout.payout_id
            try:
                ask = partial(payments.payout, id_)
                whole = await self.engine.delivery.read(payments.system, f"sweep:money:{id_}", ask)
            except DeadLetter as letter:
                listed.blind.append(f"{payments.system} payout {id_}: {letter.reason}")
                continue
            self._summed[id_] = sum(line.amount_minor - line.fee_minor for line in whole.lines)
        self._summed = {p.payout_id: self._summed[p.payout_id] for p in sent if p.payout_id in self._summed}
        return self._summed

    # --- what the engine remembers ---------------------------------------------------------------

    def _known(self) -> Known:
        engine, journal = self.engine, self.engine.journal
        cases = journal.cases()
        asked = {case.effect_key for case in cases}
        payments = engine.payments

        def progress(key: str) -> Progress:
            effect = journal.effect(key)
            return "none" if effect is None else "done" if effect.state == "done" else "unsettled"

        def payout(each: Incoming) -> bool:
            entry = BankEntry(
                each.reference, each.amount_minor, each.currency, "", None, " ".join(each.names), None, None
            )
            return each.kind == "entry" and is_payout(engine, entry)

        return Known(
            progress,
            lambda key: key in asked,
            lambda event: journal.event(event.event_id) is not None,
            payout,
            lambda reference: payments is not None and journal.remote(payments.system, "payout", reference) is not None,
            frozenset(name for case in cases for name in (case.effect_key, case.object_id) if name),
        )

    def _busy(self) -> frozenset[str]:
        """Postings without outcome, and events that are open."""
        journal = self.engine.journal
        keys = [effect.key for effect in journal.unsettled()]
        return frozenset([*keys, *(lane_of(event) for event in journal.pending())])

    def _remedy(self, difference: Difference, evidence: Evidence, sides: MoneySides, known: Known) -> Repair | None:
        what = sides.about[difference.place]
        erp, bank = self.engine.erp.system, self.engine.bank.system
        note = sides.notes.get(difference.place, "")
        repair = money_remedy(difference, evidence, what, known, erp, bank, note)
        if repair.action != "case":
            return repair
        asked = self.engine.journal.case(case_id_of(_event(repair, 0), _key(repair))) is not None
        # The flow that heard of a payout adds it up, too.
        summed = repair.group == "sum" and known.asked(f"payout:{repair.key}")
        return None if asked or summed else repair

    # --- applying --------------------------------------------------------------------------------

    def held(self, plan: RepairPlan) -> tuple[Repair, ...]:
        """What of a plan needs somebody's approval when a person applies it: what tells the engine of much money.

        One statement is told of as a whole: so its repairs are held together, by their sum.
        """
        told: dict[str, int] = {}
        for repair in plan.repairs:
            for event in repair.events:
                told[event.event_id] = told.get(event.event_id, 0) + repair.amount_minor
        much = {name for name, amount in told.items() if self.rules.policy.needed(amount, plan.currency)}
        return tuple(repair for repair in plan.repairs if any(event.event_id in much for event in repair.events))

    def apply(self, plan: RepairPlan, approver: Person | None = None, asker: Person = ENGINE) -> Applied:
        """Have the engine hear of what it missed, and ask people about the rest; without ``approver`` what needs none.

        Raises `ApprovalError` or `NotAllowed` when ``approver`` may not approve what ``asker`` asks.
        """
        held = {repair.id for repair in self.held(plan)}
        if approver is not None and held:
            approve(self.engine, self.rules.policy, plan, approver, asker)
            held = set()
        free = tuple(repair for repair in plan.repairs if repair.id not in held)
        done = self._begin(free)
        return msgspec.structs.replace(done, held=tuple(repair.id for repair in plan.repairs if repair.id in held))

    def _begin(self, repairs: tuple[Repair, ...]) -> Applied:
        now, busy = self.engine.clock.now(), self._busy()
        left = [repair for repair in repairs if any(lane in busy for lane in repair.lanes)]
        taken = [repair for repair in repairs if repair not in left]
        cases = [repair for repair in taken if repair.action == "case"]
        begun = [repair for repair in taken if repair.action != "case"]
        for repair in cases:
            reason = f"{repair.why}: {repair.kind} {repair.key}"
            told = "; ".join(f"{c.field}: {c.found} instead of {c.wanted}" for c in repair.changes)
            letter = DeadLetter(_key(repair), f"{reason} ({told})" if told else reason, "divergence")
            self.engine.open_case(_event(repair, now), letter)
        for event in events_of(begun, now, OWN):
            self.engine.receive(event)
        return Applied(tuple(r.id for r in begun), tuple(r.id for r in cases), tuple(r.id for r in left))

    async def round(self) -> RepairPlan:
        """One sweep: look, and begin all that is found. What cannot be read becomes a case.

        No approval is asked: what the engine hears so goes the way of any statement or payment it was told of in time.
        """
        plan = await self.look()
        self.open_unread(plan)
        self._begin(plan.repairs)
        return plan

    def open_unread(self, plan: RepairPlan) -> None:
        """Ask people about what could not be read."""
        now = self.engine.clock.now()
        for text in plan.blind:
            name = f"reconcile:money:unread:{text[:60]}"
            self.engine.open_case(Inbound(name, "reconcile", name, "reconcile", now), DeadLetter(name, text, "drift"))

    async def run(self) -> None:
        """Sweep by the rhythm until the engine stops, counted from the last sweep on record."""
        await by_rhythm(self.engine, "reconcile-money", self.rules.every_s, self.round)


def _event(repair: Repair, at: int) -> Inbound:
    name = f"reconcile:money:{repair.kind}:{repair.key}"
    return Inbound(name, "cash", repair.key, f"money:{repair.key}", at)


def _key(repair: Repair) -> str:
    told = ",".join(f"{change.field}={change.found}" for change in repair.changes)
    return f"money:{repair.group}:{repair.key}:{told}"
