"""The company: its systems' screens, its desks, its diary. What every process of the world works with."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import simpy

from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.roles.crm import CrmCore
from o2c_twin.mock_systems.roles.erp import ErpCore, SalesOrder
from o2c_twin.run_record import RunRecordWriter
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.time import TwinClock, TwinEnvironment
from o2c_twin.twin.trace import Trace
from o2c_twin.twin.world.calendar import OfficeHours
from o2c_twin.twin.world.people import Desk, staff_for
from o2c_twin.twin.world.population import Customer
from o2c_twin.twin.world.rates import Market
from o2c_twin.twin.world.settings import WorldSettings
from o2c_twin.twin.world.truth import Truth
from o2c_twin.twin.world.views import news_of_order

Process = Generator[simpy.Event, Any, Any]
OFFICE = OfficeHours(8, 17)
YARD = OfficeHours(6, 18)

_DETAIL = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class CrmFields:
    """Under which names the CRM keeps the company's own fields."""

    po_number: str
    deal_ref: str
    customer_number: str
    terms_days: str
    credit_limit: str
    erp_order_number: str
    erp_order_id: str
    fulfilment: str
    invoice_number: str
    payment: str
    credit: str
    entity: str


class ErpNames(Protocol):
    """What the ERP's own interface calls a record of the core (kinds: order, shipment, invoice), and back."""

    def name_of(self, kind: str, core_id: str) -> str:
        """The interface's id."""
        ...

    def id_of(self, kind: str, name: str) -> str:
        """The core's id."""
        ...

    def reference_of(self, reference: str) -> str:
        """A receipt's reference as this ERP can keep it."""
        ...


class Collector(Protocol):
    """A payment provider as customers meet it."""

    @property
    def debits(self) -> bool:
        """Whether it takes the money itself when it is due (a direct debit), or waits until the customer pays."""
        ...

    def pay(self, invoice_number: str, amount_minor: int) -> bool:
        """A customer pays what was asked for an invoice; False when nothing was asked."""
        ...


class SameNames:
    """An ERP whose interface uses the core's own ids."""

    def name_of(self, kind: str, core_id: str) -> str:
        """The same."""
        return core_id

    def id_of(self, kind: str, name: str) -> str:
        """The same."""
        return name

    def reference_of(self, reference: str) -> str:
        """The same."""
        return reference


class Diary:
    """What happened to business objects, in order, into trace and run record."""

    def __init__(self, clock: TwinClock, trace: Trace, record: RunRecordWriter) -> None:
        self._clock = clock
        self._trace = trace
        self._happened = record.adder("events")
        self._seq = 0

    def note(
        self, actor: str, activity: str, object_type: str, object_id: str, deal_id: str | None = None, **detail: object
    ) -> None:
        """One line of the diary."""
        self._seq += 1
        now = self._clock.now()
        text = _DETAIL.encode(detail).decode() if detail else None
        self._trace.line(f"{now}|{actor}|{activity}|{object_type}|{object_id}|{deal_id}|{text}")
        self._happened((self._seq, now, actor, activity, object_type, object_id, deal_id, text))


class Company:
    """One company with its systems and people."""

    def __init__(
        self,
        env: TwinEnvironment,
        clock: TwinClock,
        chance: Chance,
        settings: WorldSettings,
        crm: CrmCore,
        erp: ErpCore,
        bank: BankCore,
        crm_fields: CrmFields,
        erp_names: ErpNames,
        bank_accounts: Mapping[str, str],
        record: RunRecordWriter,
        trace: Trace,
        integrated: bool,
        rates: Market,
        currencies: str = "document",
        collector: Collector | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.chance = chance
        self.settings = settings
        self.crm = crm
        self.erp = erp
        self.bank = bank
        self.fields = crm_fields
        self.erp_names = erp_names
        self.bank_accounts = bank_accounts
        """The company's accounts at its bank, by currency."""
        self.bank_account_id = bank_accounts[settings.currency]
        """The account in the currency of the books."""
        self.rates = rates
        self.currencies = currencies
        """In which currency the company enters foreign deals: a value of the design's axis of that name."""
        self.record = record
        self.truth = Truth()
        self.diary = Diary(clock, trace, record)
        self.integrated = integrated
        self.collector = collector
        self.end_us = 0
        """No routine of a day goes on after this instant."""
        self._desks: dict[str, Desk] = {}

    def staff(self, role: str, tasks_per_day: float, minutes: float, hours: OfficeHours = OFFICE) -> None:
        """Hire for a desk what its load needs."""
        people = staff_for(tasks_per_day, minutes, hours)
        self._desks[role] = Desk(role, people, hours, self.env, self.clock, self._worked)

    def desk(self, role: str) -> Desk:
        """The desk of a role."""
        return self._desks[role]

    def _worked(
        self, role: str, task: str, object_id: str, queued: int, started: int, finished: int, touch_s: int
    ) -> None:
        self.record.add("work", (role, task, object_id, queued, started, finished, touch_s))

    def begin(self, process: Process) -> None:
        """Start a process of the world."""
        self.env.process(process)

    def until(self, at_us: int) -> simpy.Event:
        """An event at an instant (now, when it is past)."""
        return self.env.sleep_ticks(max(at_us - self.clock.now(), 0))

    def each_day(self, hour: float, routine: Callable[[int], None]) -> Process:
        """Call ``routine(midnight)`` at that hour (UTC) of every calendar day until the run's end."""
        day = 86_400_000_000
        midnight = self.clock.now() // day * day
        if self.clock.now() > midnight + int(hour * 3_600_000_000):
            midnight += day
        while midnight + int(hour * 3_600_000_000) <= self.end_us:
            yield self.until(midnight + int(hour * 3_600_000_000))
            routine(midnight)
            midnight += day

    def news_of(self, order: SalesOrder) -> dict[str, str]:
        """What sales should read of an order."""
        return news_of_order(self.erp, order, self.erp_names.name_of("order", order.id))

    def buyer_of(self, erp_id: str) -> Customer | None:
        """The real customer behind one of the ERP's, as its orders tell; None while it has none."""
        for order_id in self.erp.orders_of.get(erp_id, ()):
            deal = self.truth.deal_of_po(self.erp.state.orders[order_id].po_number)
            if deal is not None:
                return deal.customer
        return None

    def tell_crm(self, deal_id: str, values: Mapping[str, str]) -> None:
        """A person types a deal's news into the CRM; keys as in `CrmFields`."""
        custom = {getattr(self.fields, name): value for name, value in values.items()}
        self.crm.update("opportunity", self.truth.crm_ids[deal_id], {}, custom)
