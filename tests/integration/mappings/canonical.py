"""Any record in the engine's own words, for the tests of what shipped maps write."""

from hypothesis import strategies as st

from o2c_twin.integration.model import Deal, DealLine, Party

words = st.text("abcXYZ 019-/.,:'\"\\&ßéŁ→", min_size=1, max_size=12)


def parties_of(crm_ids, lowest_limit_minor=0):
    """Any customer, named by one of these ids. A system may know no limit of 0."""
    return st.builds(
        Party,
        crm_id=crm_ids,
        name=words,
        number=st.none() | words,
        email=st.none() | words,
        terms_days=st.integers(0, 120),
        credit_limit_minor=st.none() | st.integers(lowest_limit_minor, 10**12),
    )


def deals_of(crm_ids, parties, **more):
    """Any won deal of one of these customers; ``more`` are fields beside those every deal has."""
    return st.builds(
        Deal,
        crm_id=crm_ids,
        reference=words,
        po_number=st.none() | words,
        party=parties,
        lines=st.lists(st.builds(DealLine, words, st.integers(1, 999), st.integers(0, 10**9)), max_size=4).map(tuple),
        currency=st.just("EUR"),
        won_at=st.integers(0, 2 * 10**15),
        **more,
    )
