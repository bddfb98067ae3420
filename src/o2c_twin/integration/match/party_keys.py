"""What two spellings of one customer have in common: a customer master reduced to comparable keys."""

import re
import unicodedata
from dataclasses import dataclass

from o2c_twin.integration.match.party_terms import ABBREVIATIONS, DIAL_CODES, LEGAL_FORMS, LINK_WORDS, MAIL_PROVIDERS

_UNDECOMPOSED = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
# Umlauts are written with or without their e; both become the bare vowel.
_SPELLED_UMLAUT = re.compile(r"([aou])e(?![aeiou])")
_INITIAL_DOT = re.compile(r"\b(\w)\.(?=\w\b)")
_NOT_WORD = re.compile(r"[^\w]+|_")
_HOUSE_NUMBER = re.compile(r"\b\d+\s?[a-z]?\b")
_SHORTEST_PHONE = 6
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_SECOND_LEVEL = frozenset(["co", "com", "org", "net", "ac", "gov"])


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """A customer master as one system holds it. ``country`` is the ISO 3166 code of two letters."""

    id: str
    name: str
    number: str | None = None
    vat: str | None = None
    iban: str | None = None
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class PartyKeys:
    """The comparable keys of one record; None where the record has nothing usable.

    ``words`` are those of the name without legal form, in their order.
    """

    id: str
    words: tuple[str, ...]
    legal_form: str | None
    number: str | None
    vat: str | None
    iban: str | None
    domain: str | None
    phone: str | None
    street: str | None
    house: str | None
    postal_code: str | None
    city: str | None
    country: str | None


def keys_of(record: PartyRecord) -> PartyKeys:
    """Reduce a record to its keys. Never fails: what cannot be read gives None."""
    words, legal_form = name_words(record.name)
    street, house = _street(record.street)
    return PartyKeys(
        id=record.id,
        words=words,
        legal_form=legal_form,
        number=_identifier(record.number),
        vat=vat_number(record.vat, record.country),
        iban=iban(record.iban),
        domain=mail_domain(record.email),
        phone=phone_number(record.phone, record.country),
        street=street,
        house=house,
        postal_code=postal_code(record.postal_code),
        city=" ".join(_words(record.city or "")) or None,
        country=record.country.strip().upper() or None if record.country else None,
    )


def fold(text: str) -> str:
    """Lower case without accents, umlauts as bare vowels: `Müller`, `MUELLER` and `Muller` are one."""
    bare = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    bare = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return _SPELLED_UMLAUT.sub(r"\1", bare)


def name_words(name: str) -> tuple[tuple[str, ...], str | None]:
    """The words that tell a company, and its legal form or None: `Müller & Co. KG` gives `("muller",), "co kg"`.

    A name made of nothing but a legal form keeps it as its word.
    """
    words = _words(name)
    form: str | None = None
    while True:
        ending = next((f for f in LEGAL_FORMS if len(words) > len(f) and tuple(words[-len(f) :]) == f), None)
        if ending is None:
            break
        form = " ".join(ending) if form is None else f"{' '.join(ending)} {form}"
        words = words[: -len(ending)]
    return tuple(words), form


def vat_number(text: str | None, country: str | None) -> str | None:
    """A VAT number with its country prefix; bare digits take the record's own country."""
    value = _identifier(text)
    if value is None or sum(sign.isdigit() for sign in value) < 5:
        return None
    return f"{country.upper()}{value}" if value.isdigit() and country else value


def iban(text: str | None) -> str | None:
    """An IBAN without spaces, None when its check digits are wrong (ISO 13616, modulo 97)."""
    value = _identifier(text)
    if value is None or _IBAN.fullmatch(value) is None:
        return None
    turned = "".join(str(int(sign, 36)) for sign in value[4:] + value[:4])
    return value if int(turned) % 97 == 1 else None


def mail_domain(address: str | None) -> str | None:
    """The registered domain of a company's mail; the whole address when a public provider carries it."""
    user, at, host = (address or "").strip().casefold().rpartition("@")
    labels = host.split(".")
    if not at or not user or len(labels) < 2 or not all(labels):
        return None
    if host in MAIL_PROVIDERS:
        return f"{user}@{host}"
    return ".".join(labels[-3:] if labels[-2] in _SECOND_LEVEL else labels[-2:])


def phone_number(text: str | None, country: str | None) -> str | None:
    """The national significant number: digits without country code and trunk zero."""
    written = (text or "").replace("(0)", "").strip()
    digits = "".join(sign for sign in written if sign in "0123456789")
    code = DIAL_CODES.get((country or "").upper(), "")
    if written.startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00").removeprefix(code)
    digits = digits.lstrip("0")
    return digits if len(digits) >= _SHORTEST_PHONE and not _placeholder(digits) else None


def postal_code(text: str | None) -> str | None:
    """A postal code without spaces and country prefix: `D-80331` is `80331`."""
    return _identifier(re.sub(r"^[A-Za-z]{1,2}-", "", (text or "").strip()))


def _identifier(text: str | None) -> str | None:
    value = "".join(sign for sign in (text or "").upper() if sign.isascii() and sign.isalnum())
    return None if not any(sign.isdigit() for sign in value) or _placeholder(value) else value


def _placeholder(value: str) -> bool:
    """Whether somebody only filled a mandatory field: `00000`, `999999`."""
    return len(value) > 2 and len(set(value)) == 1


def _words(text: str) -> list[str]:
    # The dots go before the umlauts: afterwards an initial and its neighbour could look like one.
    plain = _NOT_WORD.sub(" ", _INITIAL_DOT.sub(r"\1", unicodedata.normalize("NFC", text)))
    words = fold(plain).split()
    kept = [ABBREVIATIONS.get(word, word) for word in words if word not in LINK_WORDS]
    return kept or words


def _street(text: str | None) -> tuple[str | None, str | None]:
    folded = fold(text or "")
    house = _HOUSE_NUMBER.search(folded)
    words = _words(folded.replace(house[0], " ", 1) if house else folded)
    # `Hauptstr.` and `Hauptstraße` alike.
    street = " ".join(re.sub(r"str(asse|eet)?$", "str", word) for word in words)
    return street or None, house[0].replace(" ", "") if house else None
