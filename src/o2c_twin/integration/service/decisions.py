"""What credit control and finance decide and the ERP is to do: orders released, remainders written off."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from o2c_twin.integration.flows.decided import HELD, decide, is_decided, release_event, write_off_event
from o2c_twin.integration.match.shortfall import Tolerance
from o2c_twin.integration.model import Inbound, InvoiceStatus, OrderStatus, WriteOff
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Dropped
from o2c_twin.integration.runtime.retry import NoRetry
from o2c_twin.integration.service.approvals import HOLD, WRITE_OFF, Approvals
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.refusals import Refused

TOLERANCE = Tolerance()
"""A remainder within it is written off by one person, a larger one by two: the rule by which cash is applied, too."""
T = TypeVar("T")


class _KnownAlready(Exception):
    """Just this was decided before."""


class Decisions:
    """Decisions on one engine. ``currency`` is that of the ERP's books; ``lacking`` says of methods the ERP's connector
    has not got why.

    What is decided is committed with its approval, and done in the order's lane like any other event: a refusal by
    the ERP becomes a case. Every method raises `Refused`.
    """

    def __init__(
        self, engine: Engine, doing: Doing, approvals: Approvals, currency: str, lacking: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._doing = doing
        self._approvals = approvals
        self._currency = currency
        self._lacking = lacking

    # --- holds -----------------------------------------------------------------------------------

    async def hold(self, who: Principal, order_id: str) -> dict[str, Any]:
        """An order as credit control sees it, and what to ask for to have it released."""
        with self._doing(who, HOLD, order_id, "look at hold", waits=True):
            return _hold(await self._held(order_id))

    async def release(self, who: Principal, order_id: str, approval: str | None) -> dict[str, Any]:
        """Release an order that the ERP's credit check holds; somebody else must have approved it."""
        with self._doing(who, HOLD, order_id, waits=True):
            status = await self._held(order_id)
            event = release_event(status.erp_id, status.modified_at, self._engine.clock.now())
            with self._once(event, f"order {status.number} is being released already; see its state, and the cases"):
                self._approvals.use(approval, HOLD, status.erp_id, _content_of_hold(status))
                self._begin(event, {"order": status.erp_id, "by": who.name})
            return {**_hold(status), "begun": event.event_id}

    async def _held(self, order_id: str) -> OrderStatus:
        self._able("release_order")
        # An order is known here by its deal, too.
        known = self._engine.journal.outcome(f"order:{order_id}") or order_id
        status = await self._now(f"hold:{known}", lambda: self._engine.erp.order(known))
        if status.credit != HELD:
            raise Refused(409, f"order {status.number} is not held: its credit status is {status.credit}")
        return status

    # --- remainders ------------------------------------------------------------------------------

    async def remainder(self, who: Principal, number: str, reason: str) -> dict[str, Any]:
        """What a part-paid invoice has open, and what to ask for where that is more than one person may write off."""
        with self._doing(who, WRITE_OFF, number, "look at remainder", waits=True):
            bill = await self._part_paid(number)
            return self._remainder(bill, reason)

    async def write_off(self, who: Principal, number: str, reason: str, approval: str | None) -> dict[str, Any]:
        """Write off what a part-paid invoice has open: alone within the tolerance, above it with an approval."""
        with self._doing(who, WRITE_OFF, number, waits=True) as told:
            if not reason.strip():
                raise Refused(422, "reason: say why it is written off; it goes onto the document")
            bill = await self._part_paid(number)
            what = WriteOff(bill.erp_id, bill.open_minor, self._currency_of(bill), reason)
            event = write_off_event(what, bill.order_erp_id, bill.modified_at, self._engine.clock.now())
            with self._once(event, f"invoice {number} is being written off already; see its state, and the cases"):
                if _needs_approval(bill) or approval is not None:
                    self._approvals.use(approval, WRITE_OFF, bill.number, self._content_of(bill, reason))
                self._begin(event, what)
            told["outcome"] = f"{bill.open_minor} {self._currency_of(bill)} minor units"
            return {**self._remainder(bill, reason), "begun": event.event_id}

    async def _part_paid(self, number: str) -> InvoiceStatus:
        self._able("write_off")
        erp = self._engine.erp
        found = await self._now(f"remainder:{number}", lambda: erp.items_named([number]))
        if not found:
            raise Refused(404, f"no open invoice {number!r}; give the number of one that has something open")
        bill = await self._now(f"remainder:{number}", lambda: erp.invoice(found[0].erp_id))
        if bill.open_minor <= 0 or bill.open_minor >= bill.total_minor:
            told = f"invoice {number}: {bill.open_minor} of {bill.total_minor} are open (minor units)"
            raise Refused(409, f"{told}; only what is left of a part-paid invoice is written off")
        return bill

    def _currency_of(self, bill: InvoiceStatus) -> str:
        """An ERP that does not tell has that of the books."""
        return bill.currency or self._currency

    def _content_of(self, bill: InvoiceStatus, reason: str) -> dict[str, str]:
        return {"amount_minor": str(bill.open_minor), "currency": self._currency_of(bill), "reason": reason}

    def _remainder(self, bill: InvoiceStatus, reason: str) -> dict[str, Any]:
        needed = _needs_approval(bill)
        asking = {"operation": WRITE_OFF, "subject": bill.number, "content": self._content_of(bill, reason)}
        return {
            "invoice": bill.erp_id,
            "number": bill.number,
            "open_minor": bill.open_minor,
            "total_minor": bill.total_minor,
            "currency": self._currency_of(bill),
            "asking": asking if needed else None,
        }

    # --- both ------------------------------------------------------------------------------------

    def _able(self, method: str) -> None:
        if not self._engine.careful:
            raise Refused(
                409, "this design keeps no journal of what it does; choose delivery effectively-once for this"
            )
        if not hasattr(self._engine.erp, method):
            why = self._lacking.get(method, f"the connector of {self._engine.erp.system} has no {method}; do it there")
            raise Refused(409, f"this vendor offers no API for it: {why}")

    @contextmanager
    def _once(self, event: Inbound, told: str) -> Iterator[None]:
        """One commit, in which ``event`` is begun; refused, with nothing used up, where it is known already."""
        try:
            with self._engine.journal.together():
                if is_decided(self._engine, event):
                    raise _KnownAlready
                yield
        except _KnownAlready as known:
            raise Refused(409, told) from known

    def _begin(self, event: Inbound, decision: Any) -> None:
        # Another worker may have decided the same since it was asked.
        if not decide(self._engine, event, decision):
            raise _KnownAlready

    async def _now(self, key: str, call: Callable[[], Awaitable[T]]) -> T:
        """Read once: whoever asks is waiting."""
        delivery = replace(self._engine.delivery, policy=NoRetry())
        try:
            return await delivery.read(self._engine.erp.system, key, call)
        except (DeadLetter, Dropped) as failed:
            cause = failed.__cause__
            if isinstance(cause, CallFailed) and cause.cause in ("missing", "rejected"):
                raise Refused(404, f"{cause}; give one that is there") from failed
            raise Refused(503, f"{failed}; try again when the ERP answers") from failed


def _needs_approval(bill: InvoiceStatus) -> bool:
    return not TOLERANCE.covers(bill.open_minor, bill.total_minor)


def _content_of_hold(status: OrderStatus) -> dict[str, str]:
    return {"number": status.number, "modified_at": str(status.modified_at)}


def _hold(status: OrderStatus) -> dict[str, Any]:
    asking = {"operation": HOLD, "subject": status.erp_id, "content": _content_of_hold(status)}
    return {"order": status.erp_id, "number": status.number, "credit": status.credit, "asking": asking}
