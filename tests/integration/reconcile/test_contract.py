"""What becomes of records that are no longer as expected, in each mode."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.reconcile.contract import MODES, Field, Shape, checked, decide, drifts_of, undecoded

SHAPE = Shape(
    "Deal",
    {
        "id": Field("text"),
        "amount": Field("number"),
        "won": Field("boolean"),
        "at": Field("instant"),
        "account": Field("record", optional=True),
        "note": Field("text", optional=True, needed=False),
    },
)
GOOD = {"id": "1", "amount": "10.50", "won": True, "at": "2026-01-05T00:00:00Z", "account": {}, "note": None}


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


def test_a_record_as_expected_is_used_in_every_mode():
    assert drifts_of(SHAPE, GOOD) == ()
    assert {decide(mode, ()).action for mode in MODES} == {"use"}
    assert drifts_of(SHAPE, without("account")) == ()


@pytest.mark.parametrize(
    ("record", "what", "evolve", "freeze", "discard"),
    [
        ({**GOOD, "colour": "red"}, "new", "use", "stop", "use"),
        (without("amount"), "missing", "discard", "stop", "discard"),
        ({**GOOD, "amount": "ten"}, "type", "discard", "stop", "discard"),
        ({**GOOD, "amount": True}, "type", "discard", "stop", "discard"),
        ({**GOOD, "won": "yes"}, "type", "discard", "stop", "discard"),
        ({**GOOD, "at": 17}, "type", "discard", "stop", "discard"),
        ({**GOOD, "note": 5}, "type", "use", "stop", "discard"),
    ],
)
def test_drift_is_decided_by_the_mode(record, what, evolve, freeze, discard):
    (drift,) = drifts_of(SHAPE, record)
    assert drift.what == what
    assert [decide(mode, (drift,)).action for mode in ("evolve", "freeze", "discard")] == [evolve, freeze, discard]
    assert decide("freeze", (drift,)).case


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*SHAPE.fields, "new"]), st.none() | st.integers() | st.text() | st.booleans()))
def test_what_is_needed_and_missing_is_never_used(record):
    for mode in MODES:
        decision = decide(mode, drifts_of(SHAPE, record))
        usable = all(record.get(name) is not None for name, field in SHAPE.fields.items() if not field.optional)
        if decision.action == "use":
            assert usable
        else:
            assert decision.case and decision.drifts


def test_a_sample_has_the_gravest_decision_and_each_drift_once():
    sample = [GOOD, {**GOOD, "new": 1}, {**GOOD, "new": 2}, without("id")]
    decision = checked("discard", SHAPE, sample)
    assert decision.action == "discard" and [d.field for d in decision.drifts] == ["new", "id"]
    assert checked("freeze", SHAPE, [GOOD]).action == "use"


def test_a_record_that_could_not_be_decoded_is_never_used():
    for record in (GOOD, without("id"), {**GOOD, "note": 5}):
        decision = undecoded("evolve", SHAPE, record, "ValueError: half a piece")
        assert decision.action == "discard" and decision.case and decision.drifts
    assert undecoded("freeze", SHAPE, GOOD, "x").action == "stop"


def test_a_drift_says_where_and_what_to_do_and_names_no_value():
    (drift,) = drifts_of(SHAPE, {**GOOD, "amount": "Mr Smith"})
    assert str(drift) == "Deal.amount: expected number, found str; map it anew, then release"


@pytest.mark.parametrize("text", ["0", "-1", "10.5", "1E+3", "2.5e-2"])
def test_numbers_are_known_as_json_writes_them(text):
    assert drifts_of(SHAPE, {**GOOD, "amount": text}) == ()


@pytest.mark.parametrize(
    ("crm", "erp"), [("salesforce", "netsuite"), ("hubspot", "business_central"), ("hubspot", "s4hana")]
)
def test_what_the_mocks_answer_is_what_the_listings_expect(company, crm, erp):
    here = company(crm=crm, erp=erp)
    deal = here.win(here.account(1))
    here.win(here.accounts[0])
    here.pass_time(3_600_000_000)
    here.estate.erp.deliver(here.order_of(deal).id)
    # S/4HANA is asked every hour.
    here.pass_time(2 * 3_600_000_000)
    assert here.look().drifts == ()
    for listing in (here.listings.crm, here.listings.erp):
        for kind, shape in listing.shapes.items():
            sample = listing.sample(kind)
            assert sample, kind
            assert [str(drift) for record in sample for drift in drifts_of(shape, record)] == []
