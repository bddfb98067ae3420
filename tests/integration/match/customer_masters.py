"""Customer masters with known truth: real customers, each met under one to five spellings, and look-alikes.

Its spellings are made without the tables of the matcher: some abbreviations and legal forms here are
in no table there. Everything is drawn from the `random.Random` handed in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from faker import Faker

from o2c_twin.integration.match.party_groups import Matching
from o2c_twin.integration.match.party_keys import PartyRecord

# Records per customer: 1 to 5.
VARIANTS = (42, 28, 16, 9, 5)

_COUNTRIES = {
    "DE": ("de_DE", "49", ["GmbH", "GmbH & Co. KG", "AG", "KG", "e.K."]),
    "FR": ("fr_FR", "33", ["SA", "SAS", "S.A.R.L.", "SCOP"]),
    "NL": ("nl_NL", "31", ["B.V.", "N.V.", "VOF"]),
    "US": ("en_US", "1", ["Inc.", "LLC", "Corp.", "Company"]),
    "PL": ("pl_PL", "48", ["Sp. z o.o.", "S.A.", "sp. j."]),
}
_TRADES = {
    "DE": ["Maschinenbau", "Elektrotechnik", "Baustoffe", "Logistik", "Metallbau", "Getränke", "Möbel", "Großhandel"],
    "FR": ["Mécanique", "Électricité", "Matériaux", "Logistique", "Boissons", "Distribution", "Meubles"],
    "NL": ["Machines", "Techniek", "Bouwmaterialen", "Transport", "Groothandel", "Dranken"],
    "US": ["Manufacturing", "Industries", "Logistics", "Supply", "Foods", "Brothers", "Engineering", "Distribution"],
    "PL": ["Maszyny", "Technika", "Budowa", "Transport", "Hurtownia", "Napoje"],
}
# The last two of each are in no table of the matcher.
_SHORTER = {
    "Manufacturing": ["Mfg.", "Mfg", "Manuf."],
    "Industries": ["Ind.", "Indus."],
    "Brothers": ["Bros.", "Bros"],
    "Engineering": ["Eng.", "Engrg."],
    "Distribution": ["Dist.", "Distrib."],
    "Maschinenbau": ["Masch.-Bau", "Maschinen Bau", "Mb."],
    "Elektrotechnik": ["E-Technik", "Elektrotechn."],
    "Großhandel": ["Grosshandel", "Großhdl."],
    "Logistics": ["Logist.", "Lgstcs"],
    "Transport": ["Transp.", "Trsp."],
}
_NOISE = ["co", "corp", "trust", "us", "llc", "the"]
_SUBSIDIARY = ["Service", "Holding", "Immobilien", "Polska", "Iberia", "Vertrieb", "International", "Digital"]
_PROVIDERS = ["gmail.com", "gmx.de", "orange.fr", "outlook.com"]


@dataclass(frozen=True)
class Masters:
    """The records, and for each id the customer it really is."""

    records: list[PartyRecord]
    truth: dict[str, str]


@dataclass(frozen=True)
class Measured:
    """How a matching compares with the truth, in pairs of records.

    ``precision`` and ``recall`` count all pairs inside the groups joined automatically, and not only those
    compared; ``recall_reviewed`` adds what is joined when every question gets the right answer.
    ``customers`` is how many masters remain, ``asked`` how long the queue is and ``asked_well`` how many
    of its questions end in a merge.
    """

    pairs: int
    precision: float
    recall: float
    recall_reviewed: float
    asked: int
    asked_well: int
    customers: int


def make_masters(customers: int, draw: Random, missing: float = 1.0) -> Masters:
    """Make this many real customers, look-alikes among them, and their records in a shuffled order.

    ``missing`` multiplies the share of empty fields: at 2 nine VAT numbers of ten are not there.
    """
    fakers = {country: Faker(locale) for country, (locale, _, _) in _COUNTRIES.items()}
    for faker in fakers.values():
        faker.seed_instance(draw.getrandbits(32))
    real: list[PartyRecord] = []
    while len(real) < customers:
        number = f"C{len(real):05d}"
        kind = draw.random() if real else 1.0
        if kind < 0.04:
            real.append(_namesake(draw.choice(real), number, draw, fakers))
        elif kind < 0.10:
            real.append(_subsidiary(draw.choice(real), number, draw, fakers))
        else:
            real.append(_customer(number, draw.choices(list(_COUNTRIES), [45, 15, 15, 15, 10])[0], draw, fakers))
    records: list[PartyRecord] = []
    truth: dict[str, str] = {}
    for customer in real:
        for _ in range(draw.choices(range(1, 6), VARIANTS)[0]):
            made = replace(_variant(customer, draw, fakers, missing), id=f"R{draw.getrandbits(40):010x}-{len(records)}")
            records.append(made)
            truth[made.id] = customer.id
    draw.shuffle(records)
    return Masters(records, truth)


def _customer(number: str, country: str, draw: Random, fakers: Mapping[str, Faker]) -> PartyRecord:
    faker, (_, dial, forms) = fakers[country], _COUNTRIES[country]
    first = faker.first_name() + " " if draw.random() < 0.25 else ""
    second = f" {faker.last_name()}" if draw.random() < 0.2 else ""
    family = faker.last_name()
    stem = f"{first}{family}{second} {draw.choice(_TRADES[country])}"
    site = "".join(sign for sign in stem.lower() if sign.isascii() and sign.isalnum())
    own_domain = draw.random() < 0.8
    return PartyRecord(
        id=number,
        name=f"{stem} {draw.choice(forms)}",
        number=f"{draw.randrange(10_000, 999_999)}",
        vat=f"{country}{draw.randrange(10**8, 10**9)}",
        iban=_iban(draw) if country != "US" else None,
        email=f"info@{site[:18]}.com"
        if own_domain
        else f"{family.lower()}{draw.randrange(99)}@{draw.choice(_PROVIDERS)}",
        phone=f"+{dial} {draw.randrange(20, 990)} {draw.randrange(100_000, 9_999_999)}",
        **_address(country, faker),
    )


def _address(country: str, faker: Faker) -> dict[str, str]:
    return {
        "street": faker.street_address().replace("\n", " "),
        "postal_code": faker.postcode(),
        "city": faker.city(),
        "country": country,
    }


def _iban(draw: Random) -> str:
    account = f"{draw.randrange(10**17, 10**18)}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def _namesake(of: PartyRecord, number: str, draw: Random, fakers: Mapping[str, Faker]) -> PartyRecord:
    """Another customer of the same name in another city."""
    other = _customer(number, of.country or "DE", draw, fakers)
    return replace(other, name=of.name if draw.random() < 0.5 else f"{_stem(of)} {_form(of, draw)}")


def _subsidiary(of: PartyRecord, number: str, draw: Random, fakers: Mapping[str, Faker]) -> PartyRecord:
    """A company of the same group: like name and domain, often the same door, but a customer of its own."""
    other = _customer(number, of.country or "DE", draw, fakers)
    same_door = draw.random() < 0.5
    door = of if same_door else other
    return replace(
        other,
        name=f"{_stem(of)} {draw.choice(_SUBSIDIARY)} {_form(of, draw)}",
        email=of.email if draw.random() < 0.7 else other.email,
        phone=of.phone if same_door and draw.random() < 0.3 else other.phone,
        iban=of.iban if draw.random() < 0.15 else other.iban,
        street=door.street,
        postal_code=door.postal_code,
        city=door.city,
    )


def _form(record: PartyRecord, draw: Random) -> str:
    return draw.choice(_COUNTRIES[record.country or "DE"][2])


def _stem(record: PartyRecord) -> str:
    form = next((f for f in _COUNTRIES[record.country or "DE"][2] if record.name.endswith(f" {f}")), "")
    return record.name.removesuffix(form).strip()


def _variant(of: PartyRecord, draw: Random, fakers: Mapping[str, Faker], missing: float) -> PartyRecord:
    """One record of a customer, as somebody keyed it: spelled otherwise, moved, a branch, fields missing."""
    made = replace(of, name=_spelled(of, draw))
    country = of.country or "DE"
    if draw.random() < 0.12:  # a branch, or moved
        made = replace(made, **_address(country, fakers[country]))
        if draw.random() < 0.5:
            made = replace(made, phone=f"0{draw.randrange(20, 990)}/{draw.randrange(100_000, 9_999_999)}")
    if made.phone is not None and draw.random() < 0.5:  # another desk, written the national way
        national = made.phone.split(" ", 1)[-1]
        end = f"{draw.randrange(100):02d}" if draw.random() < 0.4 else national[-2:]
        made = replace(made, phone=f"0{national[:-2]}{end}".replace(" ", draw.choice([" ", "/", "-"])))
    if made.email is not None and made.email.split("@")[1] not in _PROVIDERS and draw.random() < 0.5:
        made = replace(made, email=f"{draw.choice(['ap', 'einkauf', 'orders'])}@{made.email.split('@')[1]}")
    if made.street is not None and draw.random() < 0.3:
        made = replace(made, street=made.street.replace("straße", "str.").replace("Street", "St").upper())
    if made.vat is not None and draw.random() < 0.3:
        made = replace(
            made, vat=f"{made.vat[:2]} {made.vat[2:5]} {made.vat[5:]}" if draw.random() < 0.7 else made.vat[2:]
        )
    if made.vat is not None and draw.random() < 0.03:
        made = replace(made, vat=_typo(made.vat, draw))
    # A duplicate mostly has a number of its own, given by whoever keyed it anew.
    made = replace(made, number=of.number if draw.random() < 0.25 else f"{draw.randrange(10_000, 999_999)}")
    empty = {"number": 0.3, "vat": 0.45, "iban": 0.6, "email": 0.3, "phone": 0.3, "street": 0.15, "postal_code": 0.1}
    return replace(made, **{field: None for field, share in empty.items() if draw.random() < share * missing})


def _spelled(of: PartyRecord, draw: Random) -> str:
    words, form = _stem(of).split(), of.name.removeprefix(_stem(of)).strip()
    if draw.random() < 0.25:
        words = [draw.choice(_SHORTER.get(word, [word])) for word in words]
    if draw.random() < 0.15:
        draw.shuffle(words)
    if draw.random() < 0.2:
        at = draw.randrange(len(words))
        words[at] = _typo(words[at], draw)
    if draw.random() < 0.05 and len(words) > 2:
        words.pop()
    chance = draw.random()
    if chance < 0.2:
        form = ""
    elif chance < 0.3:
        form = _form(of, draw)
    elif chance < 0.4:
        form = draw.choice(_NOISE)
    name = " ".join([*words, form]).strip()
    if draw.random() < 0.2:
        name = name.replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss")
    chance = draw.random()
    return name.upper() if chance < 0.2 else name.lower() if chance < 0.3 else name


def _typo(word: str, draw: Random) -> str:
    if len(word) < 4:
        return word
    at = draw.randrange(len(word) - 1)
    letter = draw.choice("0123456789" if word[at].isdigit() else "aeinrst")
    return draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + letter + word[at + 1 :],
            word[:at] + letter + word[at:],
        ]
    )


def measure(masters: Masters, matching: Matching) -> Measured:
    """Compare a matching with the truth."""
    truth = masters.truth
    pairs = sum(n * (n - 1) // 2 for n in Counter(truth.values()).values())
    label = {record.id: record.id for record in masters.records}
    for group in matching.groups:
        label.update(dict.fromkeys(group, group[0]))
    together = sum(n * (n - 1) // 2 for n in Counter(label.values()).values())
    right = _right(truth, label)
    well = [q for q in matching.questions if truth[q.one] == truth[q.other]]
    reviewed = dict(label)
    for question in well:
        kept, gone = reviewed[question.one], reviewed[question.other]
        reviewed = {one: kept if of == gone else of for one, of in reviewed.items()}
    return Measured(
        pairs=pairs,
        precision=right / together if together else 1.0,
        recall=right / pairs,
        recall_reviewed=_right(truth, reviewed) / pairs,
        asked=len(matching.questions),
        asked_well=len(well),
        customers=len(set(label.values())),
    )


def _right(truth: Mapping[str, str], label: Mapping[str, str]) -> int:
    """Pairs that are one customer in truth and have one label."""
    both = Counter((truth[one], label[one]) for one in truth)
    return sum(n * (n - 1) // 2 for n in both.values())


def wrong_pairs(masters: Masters, matching: Matching) -> Sequence[tuple[str, str]]:
    """The pairs joined that are two customers in truth."""
    return [
        (a, b) for group in matching.groups for a, b in combinations(group, 2) if masters.truth[a] != masters.truth[b]
    ]
