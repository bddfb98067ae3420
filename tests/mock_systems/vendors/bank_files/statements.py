"""Statements to write and read again: hand-made ones, and strategies for any of them."""

from datetime import date, timedelta

from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, Statement

IBAN = "DE02500105170000000042"
DAY = "2026-03-02"
CREATED = 1_772_481_600_000_000
KINDS = ("transfer", "direct-debit", "return", "fee", "check")


def entry(number=1, amount_minor=100, **fields):
    values = {
        "booked_on": DAY,
        "value_on": DAY,
        "end_to_end_id": "INV1001",
        "remittance": ("INV1001",),
        "counterparty": "KUNDE AG",
        "counterparty_iban": "DE89370400440532013000",
        "received_at": 0,
    }
    return Entry(f"B{number:09d}", amount_minor, **{**values, **fields})


def statement(entries, opening_minor=0, day=DAY, number=7):
    closing = opening_minor + sum(e.amount_minor for e in entries)
    return Statement(f"ACC1-{day}", number, "ACC1", day, opening_minor, closing, list(entries), CREATED)


def account(currency="EUR"):
    return BankAccount("ACC1", IBAN, currency, "Nordwind")


def _statements(words, names, references):
    entries = st.lists(
        st.builds(
            lambda amount, e2e, lines, name, iban, value, kind: {
                "amount_minor": amount,
                "end_to_end_id": e2e,
                "remittance": tuple(lines),
                "counterparty": name,
                "counterparty_iban": iban,
                "value_on": (date(2026, 3, 2) + timedelta(days=value)).isoformat(),
                "kind": kind,
            },
            st.integers(-(10**11), 10**11).filter(bool),
            st.none() | references,
            words,
            st.none() | names,
            st.none() | st.just("GB29NWBK60161331926819"),
            st.integers(-3, 3),
            st.sampled_from(KINDS),
        ),
        max_size=5,
    )
    return st.builds(
        lambda rows, opening: statement([entry(n, **row) for n, row in enumerate(rows, 1)], opening),
        entries,
        st.integers(-(10**11), 10**11),
    )


_word = st.text("ABCXYZ0189.,()+'", min_size=1, max_size=12)
clean_statements = _statements(
    st.lists(_word, max_size=8).map(lambda words: (" ".join(words),) if words else ()),
    st.lists(_word, min_size=1, max_size=4).map(" ".join),
    st.from_regex(r"[A-Z0-9][A-Z0-9.]{0,33}[A-Z0-9]", fullmatch=True),
)
"""Texts every format can hold: its letters, no longer than it has room for."""

_anything = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'?/:-+,\x00\x1f\n\t😀äßÉ"), max_size=200)
wild_statements = _statements(st.lists(_anything, max_size=3), _anything, _anything.map(lambda text: text[:35]))
"""Whatever a payer may have typed."""
