"""The rules of comparing, as properties: a plan makes sides agree, equal sides need none, work in flight is left."""

from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import (
    Difference,
    Place,
    amended,
    by_day,
    by_id,
    diff,
    differing,
    digests,
    values_of,
)
from o2c_twin.integration.reconcile.flight import busy_lanes, is_ripe, remembered
from o2c_twin.integration.reconcile.plan import Repair, RepairPlan, changes_of, repair_id
from o2c_twin.integration.reconcile.planning import due
from o2c_twin.integration.reconcile.sides import Evidence
from o2c_twin.integration.store import Case, Effect

PLACES = st.builds(
    Place,
    st.sampled_from(["deal", "customer"]),
    st.sampled_from([f"K{n}" for n in range(12)]),
    st.sampled_from(["status", "invoice"]),
)
VALUES = st.dictionaries(st.sampled_from(["a", "b"]), st.none() | st.integers(0, 3) | st.sampled_from("xyz")).map(
    values_of
)
SIDES = st.dictionaries(PLACES, VALUES, max_size=8)
BUCKETINGS = st.sampled_from([by_id(), by_id(1), by_id(3), by_day({f"K{n}": n * 40_000_000_000 for n in range(8)})])
LANES = st.lists(st.sampled_from([f"L{n}" for n in range(4)]), min_size=1, max_size=2).map(tuple)
NOW, SETTLE = 10_000, 1_000


def repair(difference, evidence):
    place = difference.place
    id_ = repair_id(place, difference, evidence.at)
    changes = changes_of(difference)
    return Repair(id_, place.kind, place.key, place.group, "write", "crm", "why", changes, 7, evidence.lanes[0])


def plan(wanted, found, evidence, busy=frozenset(), seen=None):
    return due(
        wanted, found, evidence, remedy=repair, busy=busy, seen=seen or {}, now=NOW, settle_us=SETTLE
    )  # fmt: skip


def evidence_of(*sides, lanes=("L0",), at=0):
    return {place: Evidence(lanes, at, 0, (), ()) for side in sides for place in side}


@settings(max_examples=40)
@given(SIDES, SIDES, BUCKETINGS)
def test_a_side_amended_by_the_differences_is_the_wanted_one(wanted, found, bucket):
    found_now = amended(found, diff(wanted, found, bucket))
    assert found_now == wanted
    assert diff(wanted, found_now, bucket) == []


@settings(max_examples=40)
@given(SIDES, SIDES, BUCKETINGS)
def test_the_buckets_lead_to_exactly_what_differs(wanted, found, bucket):
    differences = diff(wanted, found, bucket)
    assert [each.place for each in differences] == sorted(
        place for place in {**wanted, **found} if wanted.get(place) != found.get(place)
    )
    suspects = differing(digests(wanted, bucket), digests(found, bucket))
    assert {bucket(each.place) for each in differences} == set(suspects)


@settings(max_examples=40)
@given(SIDES, BUCKETINGS, st.randoms(use_true_random=False))
def test_equal_sides_give_an_empty_plan_in_whatever_order_they_come(side, bucket, dice):
    items = list(side.items())
    dice.shuffle(items)
    other = dict(items)
    assert digests(side, bucket) == digests(other, bucket)
    assert diff(side, other, bucket) == []
    assert plan(side, other, evidence_of(side)).repairs == ()


@settings(max_examples=40)
@given(SIDES, SIDES, st.data())
def test_a_plan_is_of_what_lasts_and_of_no_busy_lane(wanted, found, data):
    places = dict.fromkeys([*wanted, *found])
    evidence = {
        place: Evidence(
            data.draw(LANES), data.draw(st.sampled_from([0, NOW - SETTLE, NOW - SETTLE + 1, NOW])), 0, (), ()
        )
        for place in places
    }
    busy = frozenset(data.draw(st.lists(st.sampled_from([f"L{n}" for n in range(4)]), max_size=3)))
    made = plan(wanted, found, evidence, busy)
    repaired = {Place(r.kind, r.key, r.group) for r in made.repairs}
    for place in places:
        free = not busy.intersection(evidence[place].lanes)
        old = NOW - evidence[place].at >= SETTLE
        assert (place in repaired) == (wanted.get(place) != found.get(place) and free and old)
    assert len(made.repairs) + len(made.unripe) + made.in_flight == len(diff(wanted, found))


@settings(max_examples=40)
@given(SIDES, SIDES)
def test_what_an_earlier_look_saw_is_ripe_however_often_its_record_changes(wanted, found):
    first = plan(wanted, found, evidence_of(wanted, found, at=NOW))
    assert first.repairs == ()
    seen = remembered({}, first.unripe, NOW - SETTLE)
    again = plan(wanted, found, evidence_of(wanted, found, at=NOW), seen=seen)
    assert len(again.repairs) == len(first.unripe)
    fresh = plan(wanted, found, evidence_of(wanted, found, at=NOW), seen=remembered({}, first.unripe, NOW))
    assert fresh.repairs == ()


def test_a_difference_that_went_away_is_forgotten():
    assert remembered({"a": 1, "b": 2}, ["b", "c"], 9) == {"b": 2, "c": 9}
    assert not is_ripe(NOW, None, NOW, SETTLE)


def effect(key, lane, state="sent"):
    return Effect(key, "crm", "note_deal", b"[]", "", lane, state, None, 1, 0, 0, None)


def case(case_id, lane, state="open"):
    return Case(case_id, "refused", "order", "1", lane, None, "", "sales", 0, 0, state=state)


def test_lanes_are_busy_with_events_effects_and_people_but_not_with_the_sweep_itself():
    events = [Inbound("crm:1", "order", "1", "E", 0), Inbound("repair:1", "repair", "1", "own", 0)]
    effects = [effect("order:1", "F"), effect("repair:1", "own"), effect("decide:1", "")]
    cases = [case("case:crm:1:x", "C"), case("case:crm:2:x", "D", "closed"), case("case:reconcile:order:1:x", "own")]
    assert busy_lanes(events, effects, cases) == {"E", "F", "C"}


def test_an_approval_is_for_what_the_plan_would_do():
    difference = Difference(Place("deal", "K1", "status"), (("a", 1),), (("a", 2),))
    one = repair(difference, Evidence(("L",), 5, 0, (), ()))
    plan = RepairPlan(1, "EUR", (one,))
    assert plan.content == RepairPlan(99, "EUR", (one,), places=7).content
    assert plan.content != RepairPlan(1, "EUR", (one, one)).content
    assert plan.amount_minor == 7
    assert plan.lines() == ["write    crm      deal K1 status: why; a: 2 -> 1; 7 EUR minor units"]
