"""Both sides of the money: what came in and what is posted, what was sent on and what arrived. Pure.

Each sum that came in is one customer payment in the ERP, unless it is with a person, or is a provider's payout; each
payout was heard of, is the sum of its parts, and is on a bank statement.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import Bucketing, Difference, Place, Values, by_day, values_of
from o2c_twin.integration.reconcile.money_ports import Incoming, Posting, Sent
from o2c_twin.integration.reconcile.plan import Action, Repair, changes_of, repair_id
from o2c_twin.integration.reconcile.sides import Evidence

Progress = Literal["none", "done", "unsettled"]
"""What the engine has on record of a posting: nothing, its outcome, or an attempt without outcome."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the engine remembers of money. ``progress`` by key, ``asked`` by key, ``heard`` by event,
    ``is_payout`` of what came in, ``payout_heard`` by a payout's reference.
    """

    progress: Callable[[str], Progress]
    asked: Callable[[str], bool]
    heard: Callable[[Inbound], bool]
    is_payout: Callable[[Incoming], bool]
    payout_heard: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """What one look was told. ``made_of`` is the sum of a payout's parts by its id, where it was asked for;
    ``bank_since`` is from when on the bank's entries are all here.
    """

    incoming: tuple[Incoming, ...]
    postings: tuple[Posting, ...]
    sent: tuple[Sent, ...] = ()
    made_of: Mapping[str, int] = field(default_factory=dict)
    bank_since: int = 0


@dataclass(slots=True)
class MoneySides:
    """Both sides by place, the evidence, and who is to be told of what is missing."""

    wanted: dict[Place, Values] = field(default_factory=dict)
    found: dict[Place, Values] = field(default_factory=dict)
    evidence: dict[Place, Evidence] = field(default_factory=dict)
    about: dict[Place, Incoming | Sent] = field(default_factory=dict)

    def put(
        self, place: Place, wanted: Values, found: Values | None, evidence: Evidence, what: Incoming | Sent
    ) -> None:
        """Both sides of a place."""
        self.wanted[place] = wanted
        if found is not None:
            self.found[place] = found
        self.evidence[place], self.about[place] = evidence, what

    @property
    def bucket(self) -> Bucketing:
        """By kind and day: the windows in which sums are compared."""
        return by_day({place.key: what.at for place, what in self.about.items()})


def lane_of(event: Inbound) -> str:
    """What stands for the work on an event when it is asked whether somebody is at it."""
    return f"{event.flow}:{event.object_id}"


def sides_of_money(found: Found, known: Known, mark_of: Callable[[str], str], late_us: int, now: int) -> MoneySides:
    """Both sides. ``late_us``: how long after it was sent a payout may come on a statement (microseconds)."""
    sides = MoneySides()
    by_name: dict[str, list[Posting]] = {}
    for posting in found.postings:
        for name in dict.fromkeys((posting.mark, posting.reference)):
            if name:
                by_name.setdefault(name, []).append(posting)
    for each in found.incoming:
        _posted(sides, each, by_name, known, mark_of)
    arrived = {
        (name, each.currency): each.amount_minor
        for each in found.incoming
        if each.kind == "entry"
        for name in each.names
    }
    for payout in found.sent:
        _payout(sides, payout, arrived, found, known, late_us, now)
    return sides


def _posted(
    sides: MoneySides,
    each: Incoming,
    by_name: Mapping[str, Sequence[Posting]],
    known: Known,
    mark_of: Callable[[str], str],
) -> None:
    names = (mark_of(each.key), each.reference)
    mine = {posting.id: posting for name in names for posting in by_name.get(name, ())}.values()
    if not mine and (known.asked(each.key) or known.is_payout(each)):
        return
    if known.asked(each.key) and any(posting.currency not in ("", each.currency) for posting in mine):
        # A person was asked what to do with it, and has changed it.
        return
    place = Place(each.kind, each.reference, "posted")
    wanted = values_of({"amount_minor": each.amount_minor, "currency": each.currency, "times": 1})
    there = _there(each, mine) if mine else None
    told = known.progress(each.key) == "done"
    at = max((each.at, *(posting.at for posting in mine)))
    lanes = (each.key, lane_of(each.event))
    sides.put(place, wanted, there, Evidence(lanes, at, each.amount_minor, (), (), told), each)


def _there(each: Incoming, mine: Collection[Posting]) -> Values:
    """What is posted of a sum: how much in its own currency, and in which others. No two currencies are added."""
    currencies = dict.fromkeys(posting.currency or each.currency for posting in mine)
    amount = sum(p.amount_minor for p in mine if p.currency in ("", each.currency))
    return values_of({"amount_minor": amount, "currency": " and ".join(sorted(currencies)), "times": len(mine)})


def _payout(
    sides: MoneySides,
    payout: Sent,
    arrived: Mapping[tuple[str, str], int],
    found: Found,
    known: Known,
    late_us: int,
    now: int,
) -> None:
    lanes = (lane_of(payout.event),)

    def put(group: str, wanted: Values, there: Values | None, at: int) -> None:
        evidence = Evidence(lanes, at, payout.amount_minor, (), ())
        sides.put(Place("payout", payout.payout_id, group), wanted, there, evidence, payout)

    heard = (("record", "there"),)
    put("heard", heard, heard if known.payout_heard(payout.reference) else None, payout.at)
    amount = (("amount_minor", payout.amount_minor),)
    if payout.payout_id in found.made_of:
        put("sum", amount, (("amount_minor", found.made_of[payout.payout_id]),), payout.at)
    # What was sent before the bank's window may be on a statement before it.
    if payout.arrived and payout.at >= found.bank_since and now - payout.at > late_us:
        there = arrived.get((payout.reference, payout.currency))
        put("arrived", amount, None if there is None else (("amount_minor", there),), payout.at)


def money_remedy(
    difference: Difference, evidence: Evidence, what: Incoming | Sent, known: Known, erp: str, bank: str
) -> Repair:
    """The repair: the engine hears of it (``tell``), works it once more (``replay``), or a person is asked.

    Nothing is posted, taken back or paid by a repair itself.
    """
    action, system, why = _why(difference, evidence, what, known, erp, bank)
    place = difference.place
    return Repair(
        repair_id(place, difference, evidence.at),
        place.kind,
        place.key,
        place.group,
        action,
        system,
        why,
        changes_of(difference),
        evidence.amount_minor,
        what.event.lane,
        (),
        (what.event,) if action in ("tell", "replay") else (),
        evidence.lanes,
        repair_id(place, difference, 0),
    )


def _why(
    difference: Difference, evidence: Evidence, what: Incoming | Sent, known: Known, erp: str, bank: str
) -> tuple[Action, str, str]:
    group = difference.place.group
    again: Action = "replay" if known.heard(what.event) else "tell"
    if group == "heard":
        return again, erp, "a payout nobody told of"
    if group == "sum":
        return "case", erp, "the payout is not the sum of its parts"
    if group == "arrived":
        why = "the provider sent it, and no statement shows it" if difference.found is None else _OTHER
        return "case", bank, why
    if difference.found is None:
        if evidence.told:
            return "case", erp, "the engine posted it, and the books do not show it any more"
        why = "money nobody told of" if again == "tell" else "money that was told of and never posted"
        return again, erp, why
    wanted, found = dict(difference.wanted or ()), dict(difference.found)
    if found["times"] != 1 or _is_multiple(found["amount_minor"], wanted["amount_minor"]):
        return "case", erp, "posted more than once"
    if found["currency"] != wanted["currency"]:
        return "case", erp, "posted in another currency"
    return "case", erp, _OTHER


_OTHER = "the amount is another one"


def _is_multiple(found: object, wanted: object) -> bool:
    if not isinstance(found, int) or not isinstance(wanted, int) or wanted <= 0:
        return False
    return found > wanted and found % wanted == 0


def events_of(repairs: Iterable[Repair], now: int, own: str) -> list[Inbound]:
    """What the engine is to be given, each event once: as it would have come, or under a name of its own."""
    events: dict[str, Inbound] = {}
    for repair in repairs:
        for event in repair.events:
            name = event.event_id if repair.action == "tell" else f"{own}{event.flow}:{event.object_id}:{now}"
            events[name] = Inbound(name, event.flow, event.object_id, event.lane, event.source_at)
    return list(events.values())
