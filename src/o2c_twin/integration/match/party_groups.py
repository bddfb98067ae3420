"""Which customer masters of a list belong together, by the policy chosen: five ways from none to probabilistic."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from o2c_twin.integration.match.party_blocks import candidates, rarity_of
from o2c_twin.integration.match.party_keys import PartyKeys, PartyRecord, keys_of
from o2c_twin.integration.match.party_match import Cuts, Judgement, Verdict, judge, vat_contradicts

POLICIES: dict[str, str] = {
    "off": "no two masters are one customer",
    "by-name": "the same name, letter for letter but for case and outer spaces",
    "exact-key": "the same customer number, VAT number or IBAN as written",
    "normalised": "the same words of the name and the same VAT number, phone, mail domain or postal code, normalised",
    "probabilistic": "evidence of all fields; a person decides between the two cuts",
}


class MatchPolicyError(ValueError):
    """A policy that does not exist; the message names those that do."""


@dataclass(frozen=True, slots=True)
class Question:
    """A pair for the review queue, smaller id first, with the reasons to show."""

    one: str
    other: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Matching:
    """What a policy made of a list of masters.

    ``groups``: ids that are one customer, two or more each. ``joined``: the pairs that made them.
    ``questions``: at most one for two groups, the strongest first. ``compared``: pairs looked at.
    ``oversized``: keys so common that the masters which share only them were not compared.
    """

    groups: tuple[tuple[str, ...], ...]
    joined: tuple[tuple[str, str], ...]
    questions: tuple[Question, ...] = ()
    compared: int = 0
    oversized: int = 0


def match_masters(records: Sequence[PartyRecord], policy: str, cuts: Cuts | None = None) -> Matching:
    """Group masters under a policy of `POLICIES`; the order of ``records`` does not matter.

    Raises `MatchPolicyError` on an unknown policy and ValueError on an id met twice.
    """
    if policy not in POLICIES:
        raise MatchPolicyError(f"no matching policy {policy!r}; there are: {', '.join(POLICIES)}")
    ordered = sorted(records, key=lambda record: record.id)
    for one, other in pairwise(ordered):
        if one.id == other.id:
            raise ValueError(f"two masters have the id {one.id!r}; give each system's records a prefix of their own")
    if policy == "probabilistic":
        return _by_evidence([keys_of(record) for record in ordered], cuts or Cuts())
    if policy == "by-name":
        return _by_shared([(r.id, [r.name.strip().casefold()]) for r in ordered])
    if policy == "exact-key":
        return _by_shared([(r.id, _written_identifiers(r)) for r in ordered])
    if policy == "normalised":
        return _by_shared([(r.id, _name_with_contact(keys_of(r))) for r in ordered])
    return Matching((), ())


def _written_identifiers(record: PartyRecord) -> list[str]:
    kinds = (("number", record.number), ("vat", record.vat), ("iban", record.iban))
    return [f"{kind}:{value}" for kind, value in kinds if value]


def _name_with_contact(keys: PartyKeys) -> list[str]:
    name = " ".join(sorted(keys.words))
    beside = (("vat", keys.vat), ("phone", keys.phone), ("domain", keys.domain), ("postal", keys.postal_code))
    return [f"{name}|{kind}:{value}" for kind, value in beside if value]


def _by_shared(keyed: Sequence[tuple[str, Sequence[str]]]) -> Matching:
    """Join masters that share a key, in the order of their ids."""
    groups = _Groups([master for master, _ in keyed])
    first: dict[str, str] = {}
    joined: list[tuple[str, str]] = []
    for master, shared in keyed:
        for key in shared:
            other = first.setdefault(key, master)
            if groups.root(other) != groups.root(master):
                groups.join(other, master)
                joined.append((other, master))
    return Matching(groups.of_two_or_more(), tuple(joined), compared=len(joined))


def _by_evidence(masters: Sequence[PartyKeys], cuts: Cuts) -> Matching:
    rarity = rarity_of(masters)
    found = candidates(masters, rarity)
    by_id = {master.id: master for master in masters}
    judged = [
        Question(masters[a].id, masters[b].id, judge(masters[a], masters[b], rarity, cuts)) for a, b in found.pairs
    ]
    # The surest pairs first, so that a doubtful one never decides what a group is.
    judged = sorted(
        (pair for pair in judged if pair.judgement.verdict is not Verdict.DIFFERENT),
        key=lambda pair: (-pair.judgement.bits, pair.one, pair.other),
    )
    groups = _Groups([master.id for master in masters])
    joined: list[tuple[str, str]] = []
    asked: list[Question] = []
    for pair in judged:
        if pair.judgement.verdict is Verdict.REVIEW:
            asked.append(pair)
        elif groups.root(pair.one) != groups.root(pair.other):
            if groups.agree(pair.one, pair.other, lambda a, b: not vat_contradicts(by_id[a], by_id[b])):
                groups.join(pair.one, pair.other)
                joined.append((pair.one, pair.other))
            else:
                # Two VAT numbers would meet in one customer by way of a third master: a person looks first.
                asked.append(pair)
    asked.sort(key=lambda pair: (-pair.judgement.bits, pair.one, pair.other))
    once: dict[tuple[str, str], Question] = {}
    for pair in asked:
        one, other = sorted((groups.root(pair.one), groups.root(pair.other)))
        if one != other:
            once.setdefault((one, other), pair)
    return Matching(groups.of_two_or_more(), tuple(joined), tuple(once.values()), len(found.pairs), found.oversized)


class _Groups:
    """Disjoint groups of ids; a group is known by its smallest id."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._members = {one: [one] for one in ids}
        self._root = {one: one for one in ids}

    def root(self, one: str) -> str:
        return self._root[one]

    def agree(self, one: str, other: str, fits: Callable[[str, str], bool]) -> bool:
        return all(fits(a, b) for a in self._members[self._root[one]] for b in self._members[self._root[other]])

    def join(self, one: str, other: str) -> None:
        kept, gone = sorted((self._root[one], self._root[other]))
        for member in self._members[gone]:
            self._root[member] = kept
        self._members[kept] += self._members.pop(gone)

    def of_two_or_more(self) -> tuple[tuple[str, ...], ...]:
        grouped: defaultdict[str, list[str]] = defaultdict(list)
        for one, root in self._root.items():
            grouped[root].append(one)
        return tuple(tuple(sorted(members)) for members in grouped.values() if len(members) > 1)
