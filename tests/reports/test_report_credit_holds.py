"""Credit-hold KPIs of records small enough to check by hand, and of any sequence of holds and releases."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.reports import compute_kpis
from o2c_twin.reports.kpis.credit_hold import business_hours, holds_of

HELD, RELEASED = "credit hold", "credit released"
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def order(name, entered="2026-01-05T10:00"):
    return {"order_id": name, "deal_id": f"D-{name}", "customer_id": "C1", "entered_at": entered,
            "amount_minor": 1_000_00, "channel": "sync", "duplicate": False}  # fmt: skip


def diary(*lines):
    """Events from (instant, activity, object), numbered as they come."""
    return [
        {"seq": n, "at": at, "actor": "erp", "activity": activity, "object_type": "order", "object_id": on}
        for n, (at, activity, on) in enumerate(lines, 1)
    ]


def test_hold_rate_counts_an_order_once_however_often_it_is_held(record):
    kpis = compute_kpis(
        record(
            orders=[order("O1"), order("O2"), order("O3"), order("O4")],
            events=diary(
                ("2026-01-05T10:00", HELD, "O1"),
                ("2026-01-05T12:00", RELEASED, "O1"),
                ("2026-01-06T10:00", HELD, "O2"),
                ("2026-01-07T10:00", RELEASED, "O2"),
                ("2026-01-09T10:00", HELD, "O1"),
                ("2026-01-09T14:00", RELEASED, "O1"),
            ),
        )
    )
    assert kpis["credit.hold_rate"].value == pytest.approx(2 / 4)
    assert kpis["credit.hold_rate"].interval[0] < 0.5 < kpis["credit.hold_rate"].interval[1]
    assert kpis["credit.holds"].value == 3
    assert (kpis["credit.rehold_rate"].value, kpis["credit.rehold_rate"].n) == (pytest.approx(1 / 2), 2)


def test_each_hold_is_timed_apart_and_an_orders_holds_together(record):
    kpis = compute_kpis(
        record(
            orders=[order("O1"), order("O2")],
            events=diary(
                ("2026-01-05T10:00", HELD, "O1"),
                ("2026-01-05T12:00", RELEASED, "O1"),
                ("2026-01-06T10:00", HELD, "O2"),
                ("2026-01-07T10:00", RELEASED, "O2"),
                ("2026-01-09T10:00", HELD, "O1"),
                ("2026-01-09T14:00", RELEASED, "O1"),
            ),
        )
    )
    assert kpis["credit.hold_time.mean"].value == pytest.approx((2 + 24 + 4) / 3)
    assert kpis["credit.hold_time.median"].value == pytest.approx(4)
    assert kpis["credit.hold_time.p90"].value == pytest.approx(24)
    assert kpis["credit.hold_time.business"].value == pytest.approx((2 + 9 + 4) / 3)
    assert (kpis["credit.hold_time.per_order"].value, kpis["credit.hold_time.per_order"].n) == (pytest.approx(15), 2)


def test_a_hold_still_on_is_censored_and_pushes_the_quantiles_out(record):
    kpis = compute_kpis(
        record(
            orders=[order("O1"), order("O2")],
            events=diary(
                ("2026-01-05T10:00", HELD, "O1"),
                ("2026-01-05T12:00", HELD, "O2"),
                ("2026-01-05T16:00", RELEASED, "O1"),
                ("2026-03-02T10:00", HELD, "O1"),
            ),
        )
    )
    median = kpis["credit.hold_time.median"]
    assert (median.n, median.censored, median.value) == (3, 2, None)
    assert median.note == "too few were released"
    assert (kpis["credit.hold_time.mean"].value, kpis["credit.hold_time.mean"].censored) == (pytest.approx(6), 2)
    assert kpis["credit.hold_time.per_order"].value is None
    assert kpis["credit.hold_time.per_order"].censored == 2


def test_only_orders_of_the_period_count_and_other_events_do_not(record):
    kpis = compute_kpis(
        record(
            orders=[order("O1"), order("late", "2026-04-02T10:00")],
            events=[
                *diary(("2026-01-05T10:00", "order entered", "O1"), ("2026-04-02T10:00", HELD, "late")),
                {"seq": 9, "at": "2026-01-05T11:00", "actor": "erp", "activity": HELD, "object_type": "customer",
                 "object_id": "O1"},
            ],
            manifest={"end": "2026-05-01T00:00:00Z"},
        )
    )  # fmt: skip
    assert (kpis["credit.hold_rate"].value, kpis["credit.hold_rate"].n) == (0, 1)
    assert kpis["credit.holds"].value == 0
    assert kpis["credit.rehold_rate"].note == "no holds"
    assert kpis["credit.hold_time.mean"].value is None


@pytest.mark.parametrize(
    ("held", "released", "hours"),
    [
        ("2026-01-05T10:00", "2026-01-05T10:10", 1 / 6),
        ("2026-01-05T02:00", "2026-01-05T08:10", 1 / 6),
        ("2026-01-05T16:30", "2026-01-06T08:15", 0.75),
        ("2026-01-09T16:00", "2026-01-12T09:00", 2),
        ("2026-01-10T12:00", "2026-01-11T12:00", 0),
        ("2026-01-05T08:00", "2026-01-19T08:00", 90),
    ],
)
def test_business_hours_leave_out_nights_and_weekends(held, released, hours):
    found = business_hours(pd.Series([pd.Timestamp(held, tz="UTC")]), pd.Series([pd.Timestamp(released, tz="UTC")]))
    assert found.tolist() == [pytest.approx(hours)]


@given(st.lists(st.integers(0, 60 * 24 * 60), min_size=3, max_size=3).map(sorted))
def test_business_hours_add_up_and_never_exceed_calendar_hours(minutes):
    instants = [pd.Series([pd.Timestamp(MONDAY + timedelta(minutes=m))]) for m in minutes]
    pairs = ((0, 1), (1, 2), (0, 2))
    first, second, whole = (business_hours(instants[a], instants[b])[0] for a, b in pairs)
    assert first + second == pytest.approx(whole)
    assert -1e-9 <= whole <= (minutes[2] - minutes[0]) / 60 + 1e-9


@given(st.lists(st.tuples(st.sampled_from(["O1", "O2"]), st.sampled_from([HELD, RELEASED])), max_size=12))
def test_any_diary_gives_the_holds_that_somebody_watching_would_note(steps):
    on, noted = {}, []
    for hour, (name, activity) in enumerate(steps):
        if activity == HELD and name not in on:
            on[name] = hour
        elif activity == RELEASED and name in on:
            noted.append((name, on.pop(name), hour))
    noted += [(name, since, None) for name, since in on.items()]
    events = pd.DataFrame(
        diary(*((MONDAY + timedelta(hours=hour), activity, name) for hour, (name, activity) in enumerate(steps))),
        columns=["seq", "at", "activity", "object_id"],
    ).astype({"at": "datetime64[us, UTC]"})
    found = [
        (hold.order_id, hours(hold.held_at), None if pd.isna(hold.released_at) else hours(hold.released_at))
        for hold in holds_of(events).itertuples()
    ]
    assert sorted(found, key=lambda hold: hold[:2]) == sorted(noted, key=lambda hold: hold[:2])


def hours(instant):
    return (instant - pd.Timestamp(MONDAY)) // pd.Timedelta(hours=1)
