"""Whether two customer masters are one customer: evidence summed in bits, then automatic, for review, or different.

The sum follows Fellegi and Sunter, "A Theory for Record Linkage" (1969): each field that agrees adds the
logarithm of how much likelier that is for one customer than for two, each that contradicts takes away.
"""

from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import OSA, JaroWinkler

from o2c_twin.integration.match.party_blocks import Rarity
from o2c_twin.integration.match.party_keys import PartyKeys

_ALIKE_WORDS = 0.88
_TRUNCATED = 0.92
_SHORTEST_TRUNCATION = 3


class Verdict(StrEnum):
    """What to do with a pair: join it, ask a person, or leave it."""

    AUTOMATIC = "automatic"
    REVIEW = "review"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one field says about a pair; negative bits speak against."""

    field: str
    says: str
    bits: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a pair with its reasons; ``bits`` is their sum."""

    verdict: Verdict
    bits: float
    reasons: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Cuts:
    """From how many bits on a pair is joined automatically, and from how many a person is asked.

    Set on generated masters; higher asks more and errs less. Raises ValueError when review is above automatic.
    """

    automatic: float = 13.0
    review: float = 5.0

    def __post_init__(self) -> None:
        if self.review > self.automatic:
            raise ValueError(f"review from {self.review} bits is above automatic from {self.automatic}; swap them")


@dataclass(frozen=True, slots=True)
class NameLikeness:
    """How alike two names are: ``share`` from 0 to 1 of their weight agrees, ``shared_bits`` is how rare that is.

    ``qualified`` when every word of the shorter name is met again and the longer one says more: `Delta` and
    `Delta Polska` may be parent and subsidiary.
    """

    share: float
    shared_bits: float
    qualified: bool


def judge(one: PartyKeys, other: PartyKeys, rarity: Rarity, cuts: Cuts | None = None) -> Judgement:
    """Judge a pair, in either order alike. A name alone never joins two masters, nor do contradicting VAT numbers."""
    cuts = cuts or Cuts()
    first, second = sorted((one, other), key=lambda keys: (keys.words, keys.id))
    name = name_likeness(first.words, second.words, rarity)
    reasons = (_name(name), *_identifiers(first, second), *_contacts(first, second, rarity), *_places(first, second))
    told = tuple(reason for reason in reasons if reason.bits)
    bits = round(sum(reason.bits for reason in told), 3)
    if bits < cuts.review or vat_contradicts(first, second):
        verdict = Verdict.DIFFERENT
    elif bits >= cuts.automatic and (_certain(name, told) or _corroborated(name, told)):
        verdict = Verdict.AUTOMATIC
    else:
        verdict = Verdict.REVIEW
    return Judgement(verdict, bits, told)


def _certain(name: NameLikeness, told: tuple[Evidence, ...]) -> bool:
    """A shared VAT or customer number, and a name not wholly another one."""
    return name.share >= 0.4 and any(r.field in ("vat", "number") and r.bits > 0 for r in told)


def _corroborated(name: NameLikeness, told: tuple[Evidence, ...]) -> bool:
    """A like name that nothing qualifies, and something besides name and town that agrees."""
    beside = any(r.bits > 0 and r.field not in ("name", "city") for r in told)
    return name.share >= 0.6 and not name.qualified and beside


def vat_contradicts(one: PartyKeys, other: PartyKeys) -> bool:
    """Whether both have a VAT number and these differ by more than a slip of one sign or one swap."""
    return one.vat is not None and other.vat is not None and OSA.distance(one.vat, other.vat) > 1


def name_likeness(one: tuple[str, ...], other: tuple[str, ...], rarity: Rarity) -> NameLikeness:
    """Compare names as bags of words weighted by rarity; typos, truncations and joined words still meet."""
    if not one or not other:
        return NameLikeness(0.0, 0.0, False)
    weight_one = [rarity.of_word(word) for word in one]
    weight_other = [rarity.of_word(word) for word in other]
    if "".join(one) == "".join(other):
        # `Maschinen Bau` and `Maschinenbau`: the form with more words counts each of them.
        return NameLikeness(1.0, min(sum(weight_one), sum(weight_other)), False)
    meetings = sorted(
        (-likeness, at, to)
        for at, a in enumerate(one)
        for to, b in enumerate(other)
        if (likeness := _word_likeness(a, b)) > 0
    )
    free_one, free_other = dict.fromkeys(range(len(one))), dict.fromkeys(range(len(other)))
    shared = 0.0
    for negative, at, to in meetings:
        if at in free_one and to in free_other:
            del free_one[at], free_other[to]
            # A misspelt word is rare only because it is misspelt.
            shared += -negative * min(weight_one[at], weight_other[to])
    lost = sum(weight_one[at] for at in free_one) + sum(weight_other[to] for to in free_other)
    share = 2 * shared / (2 * shared + lost) if shared else 0.0
    return NameLikeness(share, shared, bool(shared) and bool(free_one) != bool(free_other))


def _word_likeness(a: str, b: str) -> float:
    if a == b:
        return 1.0
    short, long = sorted((a, b), key=len)
    if len(short) >= _SHORTEST_TRUNCATION and long.startswith(short):
        return _TRUNCATED
    if len(short) == 1:
        return 0.6 if long.startswith(short) else 0.0
    if len(short) > 3 and OSA.distance(a, b, score_cutoff=1) <= 1:
        return 0.95
    likeness = float(JaroWinkler.similarity(a, b))
    return likeness if len(short) > 4 and likeness >= _ALIKE_WORDS else 0.0


def _name(name: NameLikeness) -> Evidence:
    rare = min(name.shared_bits, 16.0)
    if name.share >= 0.93:
        return Evidence("name", "the same words", round(0.6 * rare, 3))
    if name.share >= 0.8:
        return Evidence("name", "nearly the same words", round(0.4 * rare, 3))
    if name.share >= 0.6:
        return Evidence("name", "mostly the same words", round(0.2 * rare, 3))
    if name.share >= 0.4:
        return Evidence("name", "some of the same words", -2.0)
    return Evidence("name", "other words", -8.0)


def _identifiers(a: PartyKeys, b: PartyKeys) -> list[Evidence]:
    found: list[Evidence] = []
    if a.vat is not None and b.vat is not None:
        distance = OSA.distance(a.vat, b.vat)
        says = ("the same", "one slip apart")[distance] if distance < 2 else "another"
        found.append(Evidence("vat", says, (12.0, 6.0)[distance] if distance < 2 else -12.0))
    if a.number is not None and a.number == b.number:
        found.append(Evidence("number", "the same", 10.0))
    if a.iban is not None and b.iban is not None:
        # A group may pay from one account for all its companies: less than a VAT number.
        found.append(Evidence("iban", "the same", 6.0) if a.iban == b.iban else Evidence("iban", "another", -2.0))
    if a.legal_form is not None and b.legal_form is not None and a.legal_form != b.legal_form:
        found.append(Evidence("legal form", "another", -1.0))
    return found


def _contacts(a: PartyKeys, b: PartyKeys, rarity: Rarity) -> list[Evidence]:
    found: list[Evidence] = []
    if a.domain is not None and b.domain is not None:
        same = a.domain == b.domain
        # Companies of one group share a domain, and then many masters have it.
        bits = min(0.5 * rarity.of_domain(a.domain), 5.0) if same else -3.0
        found.append(Evidence("e-mail domain", "the same" if same else "another", round(bits, 3)))
    if a.phone is not None and b.phone is not None:
        if a.phone == b.phone:
            found.append(Evidence("phone", "the same", 7.0))
        elif len(a.phone) > 6 and a.phone[:-3] == b.phone[:-3]:
            found.append(Evidence("phone", "another extension", 4.0))
        else:
            found.append(Evidence("phone", "another", -1.5))
    return found


def _places(a: PartyKeys, b: PartyKeys) -> list[Evidence]:
    if a.country is not None and b.country is not None and a.country != b.country:
        return [Evidence("country", "another", -5.0)]
    found: list[Evidence] = []
    if a.postal_code is not None and b.postal_code is not None:
        same = a.postal_code == b.postal_code
        found.append(Evidence("postal code", "the same" if same else "another", 3.0 if same else -1.5))
    if a.city is not None and b.city is not None:
        near = a.city == b.city or JaroWinkler.similarity(a.city, b.city) >= 0.92
        found.append(Evidence("city", "the same" if near else "another", 2.0 if near else -1.5))
    if a.street is not None and b.street is not None:
        near = a.street == b.street or JaroWinkler.similarity(a.street, b.street) >= 0.92
        if near and a.house is not None and a.house == b.house:
            found.append(Evidence("street", "the same door", 4.0))
        elif near:
            found.append(Evidence("street", "the same street", 1.5))
    return found
