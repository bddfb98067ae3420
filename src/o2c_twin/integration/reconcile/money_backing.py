"""The other way round: what is posted in the books, and whether money came in for it. Pure.

A posting is backed by what came in under one of its names (the mark of the engine's key, or the reference a person
gave it). What bears another name may have been posted by hand, so the amount is asked next: one posting without a name
is taken for one sum that came in and is posted under none.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from o2c_twin.integration.reconcile.money_ports import Incoming, Posting


@dataclass(frozen=True, slots=True)
class Backing:
    """What was found of the postings that bear no name of what came in.

    ``taken_for`` is the posting that may be somebody's of what came in, by the latter's key: the same amount under
    another name. ``unbacked`` are the others, with the reason to be told to people.
    """

    taken_for: Mapping[str, Posting]
    unbacked: Mapping[str, tuple[Posting, str]]


def names_of(incoming: Iterable[Incoming], mark_of: Callable[[str], str]) -> frozenset[str]:
    """Every name under which what came in may be posted."""
    return frozenset(name for each in incoming for name in (mark_of(each.key), each.reference) if name)


def nameless(postings: Sequence[Posting], names: Collection[str]) -> list[Posting]:
    """The postings that bear none of these names; what was reversed again is none any more."""
    sums: dict[tuple[str, str, str], int] = {}
    for each in postings:
        if each.mark or each.reference:
            name = (each.mark, each.reference, each.currency)
            sums[name] = sums.get(name, 0) + each.amount_minor
    return [
        each
        for each in postings
        if each.mark not in names
        and each.reference not in names
        and sums.get((each.mark, each.reference, each.currency), each.amount_minor) != 0
    ]


def backing(
    left: Sequence[Posting],
    unposted: Iterable[Incoming],
    postings: Sequence[Posting],
    before_us: int,
    judged: Callable[[Posting], bool],
) -> Backing:
    """Which of the postings ``left`` without a name may be whose, and which are nobody's.

    ``unposted`` came in and is posted under none of its names; what is posted more than ``before_us`` (microseconds)
    before a sum came in is none of it. ``judged`` says whether a posting is old enough to be called unbacked.
    """
    free = sorted(left, key=lambda each: (each.at, each.id))
    taken: dict[str, Posting] = {}
    for each in sorted(unposted, key=lambda one: (one.at, one.key)):
        mine = next(
            (
                posting
                for posting in free
                if posting.amount_minor == each.amount_minor
                and posting.currency in ("", each.currency)
                and posting.at >= each.at - before_us
            ),
            None,
        )
        if mine is not None:
            free.remove(mine)
            taken[each.key] = mine
    return Backing(taken, {each.id: (each, _why(each, postings)) for each in free if judged(each)})


def _why(posting: Posting, postings: Sequence[Posting]) -> str:
    said = f"posted on {datetime.fromtimestamp(posting.at // 1_000_000, UTC).date().isoformat()}"
    if posting.customer:
        said += f" for customer {posting.customer}"
    name = posting.reference or posting.mark
    said += f" as '{name}', and no money came in under that name" if name else ", and no money came in for it"
    twins = [
        each.id
        for each in postings
        if each.id != posting.id
        and (each.amount_minor, each.currency) == (posting.amount_minor, posting.currency)
        and (each.customer == posting.customer or not posting.customer)
    ]
    return f"{said}; the same amount is posted as {', '.join(sorted(twins)[:3])}: perhaps twice" if twins else said
