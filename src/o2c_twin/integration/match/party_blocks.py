"""Which pairs of customer masters are worth comparing: those that share a key, so that work stays near linear."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from o2c_twin.integration.match.party_keys import PartyKeys

_LEAST_POPULATION = 1_000


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a shared value tells, in bits: log2 of (records / records that have it).

    Fewer than 1,000 records count as 1,000: a word is not common because a list is short.
    """

    words: Mapping[str, float]
    domains: Mapping[str, float]
    most: float

    def of_word(self, word: str) -> float:
        """Bits of a word of a name; a word never met is as rare as can be."""
        return self.words.get(word, self.most)

    def of_domain(self, domain: str) -> float:
        """Bits of a mail domain."""
        return self.domains.get(domain, self.most)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of positions to compare, each once and in order; ``oversized`` counts keys too common to use."""

    pairs: tuple[tuple[int, int], ...]
    oversized: int


def rarity_of(masters: Sequence[PartyKeys]) -> Rarity:
    """Count words and domains over all masters."""
    population = max(len(masters), _LEAST_POPULATION)
    words = Counter(word for m in masters for word in dict.fromkeys(m.words))
    domains = Counter(m.domain for m in masters if m.domain is not None)
    return Rarity(
        {word: log2(population / count) for word, count in words.items()},
        {domain: log2(population / count) for domain, count in domains.items()},
        log2(population),
    )


def candidates(masters: Sequence[PartyKeys], rarity: Rarity, most_in_block: int = 25) -> Candidates:
    """Every pair that shares an identifier, a contact, a place with a like name, or a rare word's beginning.

    A key that more than ``most_in_block`` masters share is left out: it says little and costs its square.
    """
    blocks: defaultdict[str, list[int]] = defaultdict(list)
    for position, master in enumerate(masters):
        for key in dict.fromkeys(_block_keys(master, rarity)):
            blocks[key].append(position)
    pairs: dict[tuple[int, int], None] = {}
    oversized = 0
    for members in blocks.values():
        if len(members) > most_in_block:
            oversized += 1
            continue
        for at, one in enumerate(members):
            for other in members[at + 1 :]:
                pairs[one, other] = None
    return Candidates(tuple(sorted(pairs)), oversized)


def _block_keys(master: PartyKeys, rarity: Rarity) -> Iterator[str]:
    for kind, value in (
        ("vat", master.vat),
        ("number", master.number),
        ("iban", master.iban),
        ("domain", master.domain),
        ("phone", master.phone),
        ("postal", master.postal_code),
    ):
        if value is not None:
            yield f"{kind}:{value}"
    yield f"name:{''.join(sorted(master.words))}"
    yield f"joined:{''.join(master.words)[:8]}"
    for word in sorted(master.words, key=lambda word: (-rarity.of_word(word), word))[:3]:
        yield f"start:{word[:5]}"
        yield f"end:{word[-5:]}"
        if master.city is not None:
            yield f"town:{word[:3]}:{master.city}"
