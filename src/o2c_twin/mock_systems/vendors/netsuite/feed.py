"""Changes pushed out, as a user-event script in SuiteScript does it: NetSuite has no webhooks of its own.

The script runs after each save and posts a small JSON notice, once. Whether a related record's save counts
(an invoice, when a payment is applied to it) depends on the account; here every committed change is told.
"""

from collections.abc import Callable

import msgspec

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.netsuite.config import Subscription
from o2c_twin.mock_systems.vendors.netsuite.index import Index, reference_of, source_of
from o2c_twin.mock_systems.vendors.netsuite.record_types import BY_KIND, Record
from o2c_twin.mock_systems.vendors.netsuite.values import iso_instant
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, WebhookSender

EVENTS = {"created": "create", "updated": "edit", "deleted": "delete"}
ATTEMPTS_S = (0.0,)
"""One attempt. Source: assumed; SuiteScript's N/https does not retry, a script that does is custom work."""


class Notice(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What the script posts; ``last_modified_date`` is ISO 8601 to the second, UTC."""

    type: str
    id: str
    event: str
    last_modified_date: str
    tran_id: str | None = None
    external_id: str | None = None
    other_ref_num: str | None = None
    created_from: str | None = None


class Pushes:
    """The deployed scripts of one account.

    ``faults`` gives the fault plan of the server that serves the account; until there is one, nothing is sent.
    """

    def __init__(
        self, name: str, core: ErpCore, index: Index, world: World, faults: Callable[[], FaultPlan | None]
    ) -> None:
        self._name = name
        self._core = core
        self._index = index
        self._world = world
        self._scripts: list[tuple[Subscription, WebhookSender | None]] = []
        self._faults = faults
        core.listeners.append(self.heed)

    def subscribe(self, subscription: Subscription) -> None:
        """Deploy a script; it posts the changes from now on."""
        self._scripts.append((subscription, None))

    def senders(self) -> list[WebhookSender]:
        """Those that have sent something, with their outcomes."""
        return [sender for _, sender in self._scripts if sender is not None]

    def heed(self, change: Change) -> None:
        """Tell the subscribers of one change of the core."""
        faults = self._faults() if self._scripts else None
        if faults is None:
            return
        kind = BY_KIND[change.kind].name
        notice: Notice | None = None
        for place, (script, sender) in enumerate(self._scripts):
            if script.record_types and kind not in script.record_types:
                continue
            if sender is None:
                sender = self._sender(script, faults)
                self._scripts[place] = (script, sender)
            if notice is None:
                notice = self._notice(kind, change)
            body = msgspec.json.encode(notice)
            sender.send(kind, self._business_key(notice), body, {"Content-Type": "application/json"})

    def _sender(self, script: Subscription, faults: FaultPlan) -> WebhookSender:
        signed = {script.secret_header: script.secret} if script.secret else {}
        rules = DeliveryRules(ATTEMPTS_S, lambda body, now: signed, source="assumed: a user-event script posts once")
        return WebhookSender(self._name, script.url, rules, self._world, faults)

    def _business_key(self, notice: Notice) -> str:
        """What the notice is about, in words that are the same in every run: a key of another system, if any."""
        key = notice.external_id or notice.other_ref_num
        if key is None and notice.created_from is not None:
            order = self._core.state.orders.get(notice.created_from)
            key = None if order is None else order.external_id or order.po_number
        return f"{notice.type}/{key or notice.id}/{notice.event}"

    def _notice(self, kind: str, change: Change) -> Notice:
        notice = Notice(kind, change.id, EVENTS[change.what], iso_instant(change.at))
        state = self._core.state
        record: Record | None
        if change.kind == "customer":
            record = state.customers.get(change.id)
            if record is not None:
                notice.external_id = record.external_id
            return notice
        if change.kind == "item":
            return notice
        record = self._index.transaction(change.id)
        if record is not None:
            notice.tran_id = record.number
            notice.external_id = record.external_id
            notice.other_ref_num = reference_of(record)
            notice.created_from = source_of(record)
        return notice
