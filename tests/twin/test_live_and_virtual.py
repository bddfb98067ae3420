"""The same plan in virtual time and live over sockets: the same ledgers in all systems at the end."""

import asyncio
from dataclasses import replace
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import pytest

from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.scenarios import load
from o2c_twin.twin import live as live_module
from o2c_twin.twin import run as run_module
from o2c_twin.twin.ledger_tables import Ledgers, differences
from o2c_twin.twin.ledgers import ledgers_of
from o2c_twin.twin.live import LiveOptions, live_estate
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.time import PacedLoop, TwinEnvironment

DAY = 86_400_000_000
PACE = 3_600.0
AT_ONCE = 1e9


def virtually(plan: RunPlan) -> Ledgers:
    """The ledgers at the end of a run in virtual time."""
    made = []
    build = run_module.build_estate

    def keep(*arguments):
        made.append(build(*arguments))
        return made[0]

    with patch.object(run_module, "build_estate", keep):
        run_module.run(plan, None)
    return ledgers_of(made[0])


class Counting(LiveHttp):
    """The wire, which knows how many calls are on it."""

    under_way = 0
    calls = 0

    async def send(self, request):
        Counting.under_way += 1
        Counting.calls += 1
        try:
            return await super().send(request)
        finally:
            Counting.under_way -= 1


class Played(NamedTuple):
    """What a live run came to."""

    ledgers: Ledgers
    calls: int
    engine_heard: frozenset[str]


def live(plan: RunPlan, pace: float = PACE, *, skip_quiet: bool = True, **options: Any) -> Played:
    """The same plan live to its end: over sockets, with people, ``pace`` times real time.

    ``skip_quiet`` leaves out the time in which nothing is on the wire and nothing is due: a month has few busy
    minutes. What happens, happens at the pace.
    """
    end = (plan.world.days + plan.world.drain_days) * DAY
    env = TwinEnvironment.paced(speed=pace)
    loop = env.aio
    assert isinstance(loop, PacedLoop)
    before = Counting.calls

    async def until(tick: int) -> None:
        await env.wait(env.sleep_until(max(tick, env.now)))

    async def until_quiet() -> None:
        with env.wall_time():
            looks = 0
            while looks < 3:
                await asyncio.sleep(0.0005 if Counting.under_way else 0)
                looks = 0 if Counting.under_way else looks + 1

    estate = live_estate(plan, env, LiveOptions(port=0, speed=pace, people=True, **options))
    try:
        with patch.object(live_module, "LiveHttp", Counting):
            served = loop.run_until_complete(estate.__aenter__())
        if not skip_quiet:
            loop.run_until_complete(until(end))
        while env.now < end:
            loop.run_until_complete(until_quiet())
            loop.speed = AT_ONCE
            loop.run_until_complete(until(int(min(env.peek(), end))))
            loop.speed = pace
        heard = frozenset() if served.engine is None else served.engine.systems
        played = Played(ledgers_of(served.estate), Counting.calls - before, heard)
        loop.run_until_complete(estate.__aexit__(None, None, None))
        return played
    finally:
        env.close()


def small(orders: int, days: int, drain_days: int, **design: str) -> RunPlan:
    """A small business with systems that answer soon, and sweeps once a day: each call is a real one."""
    plan = load("to-be").plan({"sweep": "daily", **design}, orders=orders, days=days)
    systems = {role: replace(system, latency_s=0.02) for role, system in plan.systems.items()}
    return replace(plan, world=replace(plan.world, drain_days=drain_days), systems=systems)


def test_a_business_live_over_sockets_ends_with_the_ledgers_of_virtual_time():
    plan = small(6, 2, 38)
    expected = virtually(plan)
    found = live(plan)
    assert differences(expected, found.ledgers, ("virtual", "live")) == []
    assert found.ledgers.digest() == expected.digest()
    assert expected.counts()["invoices"] == 6
    assert expected.counts()["applications"] >= 3
    assert found.calls > 300, "it went over the wire"


def test_what_a_design_leaves_to_people_they_do_live_as_well():
    plan = small(4, 2, 4, topology="api-first", invoice_trigger="manual")
    expected = virtually(plan)
    assert {invoice.channel for invoice in expected.invoices} == {"manual"}
    assert differences(expected, live(plan).ledgers, ("virtual", "live")) == []


def test_a_topology_of_several_engines_is_one_live_too():
    plan = small(3, 2, 1, topology="point-to-point")
    expected = virtually(plan)
    found = live(plan)
    assert differences(expected, found.ledgers, ("virtual", "live")) == []
    assert found.engine_heard == {"crm"}


def test_clerks_do_not_rekey_what_somebody_elses_platform_is_there_to_do():
    plan = small(3, 2, 1)
    found = live(plan, engine=False, webhook_base="http://127.0.0.1:1").ledgers
    assert len(found.deals) == 3
    assert found.orders == ()
    alone = live(plan, engine=False).ledgers
    assert {order.channel for order in alone.orders} == {"manual"}


def test_a_difference_names_table_record_and_field():
    plan = small(3, 2, 1)
    one = virtually(plan)
    deal = msgspec.structs.replace(one.deals[0], payment="Paid", order=None)
    other = msgspec.structs.replace(one, deals=(deal, *one.deals[1:]), bank=(), orders=one.orders[1:])
    found = differences(one, other, ("virtual", "live"))
    assert found == [
        f"orders: {one.orders[0].key}: only in virtual",
        f"deals: {deal.key}: order is '{one.deals[0].order}' in virtual, None in live",
        f"deals: {deal.key}: payment is '{one.deals[0].payment}' in virtual, 'Paid' in live",
    ]
    assert one.digest() != other.digest()
    assert differences(one, one) == []


def test_ledgers_hold_the_amounts_of_the_systems():
    plan = small(6, 2, 38)
    ledgers = virtually(plan)
    balance = {row.key: row.balance_minor for row in ledgers.trial_balance}
    assert sum(balance.values()) == 0
    assert balance["receivables"] == sum(row.open_minor for row in ledgers.open_items)
    assert balance["bank"] == sum(row.amount_minor for row in ledgers.bank if row.statement)
    paid = {deal.key for deal in ledgers.deals if deal.payment == "Paid"}
    still_open = {row.key for row in ledgers.open_items}
    assert paid == {deal.key for deal in ledgers.deals if not still_open & set(deal.invoices)}
    assert paid
    text = msgspec.json.encode(ledgers)
    assert b"INV1" not in text
    assert b"SO1" not in text
    assert msgspec.json.decode(text, type=Ledgers) == ledgers


@pytest.mark.parametrize(("erp", "payments"), [("s4hana", "stripe"), ("business_central", "gocardless")])
def test_two_brands_keep_the_same_documents_for_one_business(erp, payments):
    plan = small(4, 2, 3)
    plain = virtually(plan)
    systems = {**plan.systems, "erp": SystemPlan(erp), "payments": SystemPlan(payments)}
    other = virtually(replace(plan, systems=systems))
    assert other.orders == plain.orders
    assert [(row.key, row.lines) for row in other.deliveries] == [(row.key, row.lines) for row in plain.deliveries]
    assert [(row.key, row.customer, row.total_minor) for row in other.invoices] == [
        (row.key, row.customer, row.total_minor) for row in plain.invoices
    ]
    assert {row.key: row.amount_minor for row in other.collections} == {
        row.key: row.total_minor for row in plain.invoices
    }
