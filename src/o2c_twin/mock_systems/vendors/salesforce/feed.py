"""Outbound messages: the vendor's own push of changes, SOAP over HTTP, repeated until acknowledged.

Source of the rules: SOAP API Developer Guide, "Understanding Notifications": at least once, no order,
up to 24 hours, the interval between retries grows exponentially up to two hours, and what is sent is
the record as it is at that moment, not as it was when the message was queued. A deleted record's
notification carries no data (Salesforce Help, "Considerations for Outbound Messages").
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import msgspec

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.salesforce.config import BadSetting, OutboundMessage
from o2c_twin.mock_systems.vendors.salesforce.org import Org
from o2c_twin.mock_systems.vendors.salesforce.queries import OrgSource
from o2c_twin.mock_systems.vendors.salesforce.shapes import Bound, Shape
from o2c_twin.mock_systems.vendors.salesforce.values import iso_stamp
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.query.errors import QueryError
from o2c_twin.mock_systems.wire.query.soql import Parser, tokenize
from o2c_twin.mock_systems.wire.query.soql_plan import SoqlBinder
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, Outcome, WebhookSender

FIRST_RETRY_S = 5.0
"""Documented is only the growth and its end; the first wait is "in the order of 2-5 seconds" (a public answer)."""
LONGEST_WAIT_S = 7_200.0
LIFE_S = 86_400.0


def _attempts() -> Iterator[float]:
    yield 0.0
    wait, age = FIRST_RETRY_S, 0.0
    while age + wait <= LIFE_S:
        yield wait
        age += wait
        wait = min(2 * wait, LONGEST_WAIT_S)


def acknowledged(status: int, body: bytes) -> bool:
    """Whether an answer is a SOAP envelope with an ``Ack`` of true."""
    return status == 200 and _says_yes(body)


# A subscriber answers in the same words each time.
@lru_cache(maxsize=64)
def _says_yes(body: bytes) -> bool:
    try:
        answer = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return False
    acks = [element.text for element in answer.iter() if element.tag.rpartition("}")[2] == "Ack"]
    return acks[:1] == ["true"] or acks[:1] == ["1"]


RULES = DeliveryRules(
    tuple(_attempts()),
    lambda body, now: {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
    acknowledged,
    "SOAP API Developer Guide, Understanding Notifications",
)

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    " <soapenv:Body>\n"
    '  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">\n'
    "   <OrganizationId>{org}</OrganizationId>\n"
    "   <ActionId>{action}</ActionId>\n"
    '   <SessionId xsi:nil="true"/>\n'
    "   <EnterpriseUrl>{url}/services/Soap/c/59.0/{org}</EnterpriseUrl>\n"
    "   <PartnerUrl>{url}/services/Soap/u/59.0/{org}</PartnerUrl>\n"
    "   <Notification>\n"
    "    <Id>{notification}</Id>\n"
    '    <sObject xsi:type={type} xmlns:sf="urn:sobject.enterprise.soap.sforce.com">\n'
    "{fields}"
    "    </sObject>\n"
    "   </Notification>\n"
    "  </notifications>\n"
    " </soapenv:Body>\n"
    "</soapenv:Envelope>\n"
)


class OutboundState(msgspec.Struct):
    """How many notifications there were, and by message the records that meet its criteria."""

    notifications: int = 0
    meeting: dict[str, dict[str, None]] = {}


class _Rule:
    """One outbound message of an org, ready to judge and to tell."""

    def __init__(self, message: OutboundMessage, action: str, shape: Shape, fields: tuple[Bound, ...]) -> None:
        self.message = message
        self.action = action
        self.shape = shape
        self.fields = fields
        self.meets: Callable[[Any], bool] = lambda row: True
        self.sender: WebhookSender | None = None
        self.outcome = Outcome()


class Outbound:
    """All outbound messages of an org. ``faults`` gives the plan of the server, once there is one."""

    def __init__(
        self,
        world: World,
        org: Org,
        shapes: Mapping[str, Shape],
        source: OrgSource,
        faults: Callable[[], FaultPlan | None],
    ) -> None:
        self._world = world
        self._org = org
        self._shapes = shapes
        self._source = source
        self._faults = faults
        self._rules: dict[str, _Rule] = {}
        self._by_kind: dict[str, list[_Rule]] = {}
        self.state = OutboundState()
        org.core.listeners.append(self._heard)

    def subscribe(self, message: OutboundMessage) -> Outcome:
        """Begin to send a message; gives the counts of its deliveries. Raises `BadSetting`."""
        place = f"outbound message {message.name!r}"
        shape = self._shapes.get(message.object)
        if shape is None or not shape.sobject.has_changes:
            raise BadSetting(f"{place}: {message.object!r} cannot be watched; name an object with records of its own")
        if message.name in self._rules:
            raise BadSetting(f"{place}: there is one of that name; choose another")
        names = dict.fromkeys(("Id", *message.fields))
        unknown = [name for name in names if shape.field(name) is None]
        if unknown:
            raise BadSetting(f"{place}: {shape.name} has no field {', '.join(unknown)}; see its describe call")
        fields = tuple(bound for bound in map(shape.field, names) if bound is not None)
        rule = _Rule(message, self._org.ids.spell("action", len(self._rules) + 1), shape, fields)
        if message.criteria:
            rule.meets = self._condition(place, shape, message.criteria)
        # Records that meet the criteria already are no news.
        rows = self._org.rows(shape.sobject)
        self.state.meeting.setdefault(message.name, {row.id: None for row in rows if rule.meets(row)})
        self._rules[message.name] = rule
        self._by_kind.setdefault(shape.kind, []).append(rule)
        return rule.outcome

    def _condition(self, place: str, shape: Shape, criteria: str) -> Callable[[Any], bool]:
        table = self._source.table(shape.name.lower())
        assert table is not None  # every shape has one
        tokens = tokenize(f"SELECT Id FROM {shape.name} WHERE {criteria}")
        try:
            select = Parser(tokens).query()
            binder = SoqlBinder(tokens, self._source, self._world.clock.now(), table, "")
            test = None if select.where is None else binder.test(select.where)
        except QueryError as bad:
            raise BadSetting(f"{place}: criteria {criteria!r} is no SOQL condition: {bad}") from None
        if test is None or binder.prelude or not binder.timeless or select.limit is not None or select.order:
            raise BadSetting(f"{place}: criteria {criteria!r} must be one condition on the record's own fields")
        return test

    def _heard(self, change: Change) -> None:
        for rule in self._by_kind.get(change.kind, ()):
            if self._is_news(rule, change):
                self._tell(rule, change.id)

    def _is_news(self, rule: _Rule, change: Change) -> bool:
        meeting = self.state.meeting.setdefault(rule.message.name, {})
        row = self._org.core.tables[change.kind].get(change.id)
        before = change.id in meeting
        if row is None or not rule.meets(row):
            meeting.pop(change.id, None)
            return False
        meeting[change.id] = None
        match rule.message.trigger:
            case "onAllChanges":
                return True
            case "onCreateOnly":
                return change.what == "created"
            case _:
                return not before

    def _tell(self, rule: _Rule, id_: str) -> None:
        self.state.notifications += 1
        notification = self._org.ids.spell("notification", self.state.notifications)
        if rule.sender is None:
            plan = self._faults() or FaultPlan("salesforce", self._world.draw, self._world.clock.now())
            rule.sender = WebhookSender("salesforce", rule.message.url, RULES, self._world, plan, rule.outcome)
        rule.sender.send(f"outbound.{rule.message.name}", id_, lambda: self._envelope(rule, id_, notification))

    def _envelope(self, rule: _Rule, id_: str, notification: str) -> bytes:
        row = self._org.core.tables[rule.shape.kind].get(id_)
        fields = "" if row is None else "".join(_element(bound, row) for bound in rule.fields)
        return _ENVELOPE.format(
            org=self._org.organization.id,
            action=rule.action,
            url=escape(self._org.config.instance_url or "https://twin.my.salesforce.com"),
            notification=notification,
            type=quoteattr(f"sf:{rule.shape.name}"),
            fields=fields,
        ).encode()


def _element(bound: Bound, row: Any) -> str:
    name = bound.field.name
    value = (bound.get if bound.field.kind == "datetime" else bound.show)(row)
    if value is None:
        return ""  # fields without a value are left out (from memory)
    if bound.field.kind == "datetime":
        value = iso_stamp(value)
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"     <sf:{name}>{text}</sf:{name}>\n"
