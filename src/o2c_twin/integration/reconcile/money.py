"""Both sides of the money: what came in and what is posted, what was sent on and what arrived. Pure.

Each sum that came in is one customer payment in the ERP, unless it is with a person, or is a provider's payout; each
payout was heard of, is the sum of its parts, and is on a bank statement. Each customer payment in the ERP is of money
that came in (`money_backing`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import Bucketing, Difference, Place, Values, by_day, values_of
from o2c_twin.integration.reconcile.money_backing import Backing, backing, nameless, names_of
from o2c_twin.integration.reconcile.money_ports import Incoming, Posting, Sent
from o2c_twin.integration.reconcile.plan import Action, Repair, changes_of, repair_id
from o2c_twin.integration.reconcile.sides import Evidence

Progress = Literal["none", "done", "unsettled"]
"""What the engine has on record of a posting: nothing, its outcome, or an attempt without outcome."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the engine remembers of money. ``progress`` by key, ``asked`` by key, ``heard`` by event,
    ``is_payout`` of what came in, ``payout_heard`` by a payout's reference; ``asked_about`` are the keys and records of
    all cases.
    """

    progress: Callable[[str], Progress]
    asked: Callable[[str], bool]
    heard: Callable[[Inbound], bool]
    is_payout: Callable[[Incoming], bool]
    payout_heard: Callable[[str], bool]
    asked_about: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Spans:
    """How far apart the two sides may be, in microseconds.

    ``late``: a payout may come on a statement so much later than it was sent; ``before``: what is posted may be of a
    statement so much later; ``grace``: a posting is asked for its money when it is so old.
    """

    late: int
    before: int
    grace: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one look was told. ``made_of`` is the sum of a payout's parts by its id, where it was asked for;
    ``bank_since`` is from when on the bank's entries are all here. ``earlier`` came in before the look's window and may
    be what is posted in it; ``backed`` are postings an earlier look knew the money of; ``whole``: nothing that may have
    brought money was left unread.
    """

    incoming: tuple[Incoming, ...]
    postings: tuple[Posting, ...]
    sent: tuple[Sent, ...] = ()
    made_of: Mapping[str, int] = field(default_factory=dict)
    bank_since: int = 0
    earlier: tuple[Incoming, ...] = ()
    backed: frozenset[str] = frozenset()
    whole: bool = True


@dataclass(slots=True)
class MoneySides:
    """Both sides by place, the evidence, and who is to be told of what is missing. ``notes``: why only a person can
    say, where that is known already.
    """

    wanted: dict[Place, Values] = field(default_factory=dict)
    found: dict[Place, Values] = field(default_factory=dict)
    evidence: dict[Place, Evidence] = field(default_factory=dict)
    about: dict[Place, Incoming | Sent | Posting] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)

    def put(
        self,
        place: Place,
        wanted: Values,
        found: Values | None,
        evidence: Evidence,
        what: Incoming | Sent | Posting,
        note: str = "",
    ) -> None:
        """Both sides of a place."""
        if note:
            self.notes[place] = note
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


def sides_of_money(found: Found, known: Known, mark_of: Callable[[str], str], spans: Spans, now: int) -> MoneySides:
    """Both sides."""
    sides = MoneySides()
    by_name: dict[str, list[Posting]] = {}
    for posting in found.postings:
        for name in dict.fromkeys((posting.mark, posting.reference)):
            if name:
                by_name.setdefault(name, []).append(posting)
    backed = _backing(found, by_name, known, mark_of, spans, now)
    for each in found.incoming:
        _posted(sides, each, by_name, known, mark_of, backed.taken_for.get(each.key))
    for posting, why in backed.unbacked.values():
        place = Place("posting", posting.id, "backed")
        there = values_of({"amount_minor": posting.amount_minor})
        evidence = Evidence((f"money:{posting.id}",), posting.at, posting.amount_minor, (), ())
        sides.put(place, values_of({"amount_minor": 0}), there, evidence, posting, why)
    arrived = {
        (name, each.currency): each.amount_minor
        for each in found.incoming
        if each.kind == "entry"
        for name in each.names
    }
    for payout in found.sent:
        _payout(sides, payout, arrived, found, known, spans.late, now)
    return sides


def without_name(found: Found, mark_of: Callable[[str], str]) -> list[Posting]:
    """Postings that bear the name of nothing that came in, and are not known from an earlier look."""
    left = nameless(found.postings, names_of((*found.incoming, *found.earlier), mark_of))
    return [posting for posting in left if posting.id not in found.backed]


def _backing(
    found: Found,
    by_name: Mapping[str, Sequence[Posting]],
    known: Known,
    mark_of: Callable[[str], str],
    spans: Spans,
    now: int,
) -> Backing:
    asked = frozenset([*known.asked_about, *map(mark_of, known.asked_about)])
    # What a person was asked about they may have posted as they pleased.
    left = [each for each in without_name(found, mark_of) if each.mark not in asked and each.reference not in asked]
    unposted = [each for each in found.incoming if not _mine(each, by_name, mark_of) and not known.is_payout(each)]
    unposted += [each for each in found.earlier if known.progress(each.key) != "done" and not known.is_payout(each)]
    # Nobody can say whose money a posting is which is older than all that is told of.
    first = min((each.at for each in (*found.earlier, *found.incoming)), default=now)

    def judged(posting: Posting) -> bool:
        return found.whole and first <= posting.at <= now - spans.grace

    return backing(left, unposted, found.postings, spans.before, judged)


def _mine(each: Incoming, by_name: Mapping[str, Sequence[Posting]], mark_of: Callable[[str], str]) -> list[Posting]:
    names = (mark_of(each.key), each.reference)
    return list({posting.id: posting for name in names for posting in by_name.get(name, ())}.values())


def _posted(
    sides: MoneySides,
    each: Incoming,
    by_name: Mapping[str, Sequence[Posting]],
    known: Known,
    mark_of: Callable[[str], str],
    perhaps: Posting | None,
) -> None:
    mine = _mine(each, by_name, mark_of)
    if not mine and (known.asked(each.key) or known.is_payout(each)):
        return
    if known.asked(each.key) and any(posting.currency not in ("", each.currency) for posting in mine):
        # A person was asked what to do with it, and has changed it.
        return
    place = Place(each.kind, each.reference, "posted")
    payout = known.is_payout(each)
    if payout and known.asked(each.key):
        return
    amount, times = (0, 0) if payout else (each.amount_minor, 1)
    wanted = values_of({"amount_minor": amount, "currency": each.currency, "times": times})
    there = _there(each, mine) if mine else None
    told = known.progress(each.key) == "done"
    at = max((each.at, *(posting.at for posting in mine)))
    lanes = (each.key, lane_of(each.event))
    note = "a provider's payout, posted as a customer's money" if payout else ""
    if perhaps is not None and not told:
        said = f"as '{perhaps.reference or perhaps.mark}'" if perhaps.reference or perhaps.mark else "without a name"
        note = f"perhaps posted already by hand, {said}: {perhaps.id} has the same amount"
    sides.put(place, wanted, there, Evidence(lanes, at, each.amount_minor, (), (), told), each, note)


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
    difference: Difference,
    evidence: Evidence,
    what: Incoming | Sent | Posting,
    known: Known,
    erp: str,
    bank: str,
    note: str = "",
) -> Repair:
    """The repair: the engine hears of it (``tell``), works it once more (``replay``), or a person is asked, as always
    with a ``note``.

    Nothing is posted, taken back or paid by a repair itself.
    """
    place = difference.place
    action: Action = "case"
    system, why, event = erp, note, None
    if not isinstance(what, Posting):
        event = what.event
        if not note:
            action, system, why = _why(difference, evidence, event, known, erp, bank)
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
        f"money:{place.key}" if event is None else event.lane,
        (),
        (event,) if event is not None and action != "case" else (),
        evidence.lanes,
        repair_id(place, difference, 0),
    )


def _why(
    difference: Difference, evidence: Evidence, event: Inbound, known: Known, erp: str, bank: str
) -> tuple[Action, str, str]:
    group = difference.place.group
    again: Action = "replay" if known.heard(event) else "tell"
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
    if found["times"] == 1 and found["currency"] != wanted["currency"]:
        return "case", erp, "posted in another currency"
    if found["amount_minor"] == 0:
        return "case", erp, "posted, and reversed again"
    if found["times"] != 1 or _is_multiple(found["amount_minor"], wanted["amount_minor"]):
        return "case", erp, "posted more than once"
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
