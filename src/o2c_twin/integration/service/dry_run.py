"""A rehearsal: the engine reads the real systems, and what it would write is listed instead of written."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from o2c_twin.integration.connectors.writes import ONE_OF_MANY, WRITES
from o2c_twin.integration.model import OrderStatus
from o2c_twin.integration.reconcile.money_ports import MoneyListings
from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules
from o2c_twin.integration.runtime.engine import Engine

MADE_UP = "dry-run-"
"""What the ids of records begin with that were not made."""
_GIVES_NOTHING = frozenset(
    {
        "update_customer",
        "change_customer",
        "change_party",
        "note_deal",
        "note_party",
        "release_order",
        "cancel_order",
    }
)


class DryConnector:
    """A connector whose writes are told to ``tell`` and never leave; what it reads is real.

    A record that was not made is read as it would be just after: an order that nobody has worked on.
    """

    def __init__(self, connector: Any, tell: Callable[[dict[str, Any]], None]) -> None:
        self._connector = connector
        self._tell = tell
        self._orders: dict[str, OrderStatus] = {}
        self._count = 0
        self.system: str = connector.system

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            return self._listed(name)
        if name in ONE_OF_MANY:
            return self._all_listed(ONE_OF_MANY[name])
        return getattr(self._connector, name)

    def _listed(self, write: str) -> Callable[..., Any]:
        async def listed(*given: Any) -> str | None:
            keyed = WRITES[write].keyed
            arguments, key = (given[:-2], given[-2]) if keyed else (given[:-1], None)
            self._count += 1
            made = None if write in _GIVES_NOTHING else f"{MADE_UP}{write}-{self._count}"
            if write == "put_order" and made is not None:
                deal, customer_id = arguments[0], arguments[1]
                self._orders[made] = OrderStatus(made, made, key, deal.po_number, customer_id, "pending", "open", 0)
            self._tell(
                {
                    "system": self.system,
                    "write": write,
                    "key": key,
                    "correlation": given[-1],
                    "arguments": msgspec.to_builtins(list(arguments)),
                }
            )
            return made

        return listed

    def _all_listed(self, write: str) -> Callable[..., Any]:
        listed = self._listed(write)

        async def all_listed(each_with: Sequence[tuple[Any, ...]], correlation: str) -> list[str | None]:
            return [await listed(*arguments, correlation) for arguments in each_with]

        return all_listed

    async def order(self, order_id: str) -> OrderStatus:
        """The order as it stands, or as it would stand."""
        if order_id in self._orders:
            return self._orders[order_id]
        found: OrderStatus = await self._connector.order(order_id)
        return found

    async def open_items(self, customer_id: str) -> Any:
        """What a customer has open; one that was not made has nothing."""
        return [] if customer_id.startswith(MADE_UP) else await self._connector.open_items(customer_id)


async def compare_money(engine: Engine, listings: MoneyListings, rules: MoneyRules) -> None:
    """Open a case, in a rehearsal's journal, for what a comparison of money finds that only people can settle.

    To be called before anything is worked. What nobody told of is not begun: the rehearsal asks for that by itself.
    Records are not compared: all that is known of them is what the engine remembers, and this one has only begun.
    """
    sweeper = MoneyReconciler(engine, listings, rules)
    plan = await sweeper.look()
    sweeper.open_unread(plan)
    asked = tuple(repair for repair in plan.repairs if repair.action == "case")
    sweeper.apply(msgspec.structs.replace(plan, repairs=asked))
