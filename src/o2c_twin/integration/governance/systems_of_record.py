"""Which system is master of what, and who else may write it: per object, field and stage of its life.

Systems stand here by role: crm, erp, bank, provider, and the engine itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

ANY = "*"


@dataclass(frozen=True, slots=True)
class Mastery:
    """``master`` decides; ``writers`` may write besides it. A field or stage of ``*`` means every other one."""

    object: str
    field: str
    stage: str
    master: str
    writers: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """Somebody wants to write a field. ``key`` names the record by an id or a pseudonym, never by a name."""

    system: str
    object: str
    key: str
    field: str
    stage: str
    at: int


class Refusal(msgspec.Struct, frozen=True, tag="write-refused"):
    """A write that was refused, as it is logged: nothing of the value is in it."""

    object: str
    key: str
    field: str
    stage: str
    system: str
    master: str
    at: int
    message: str


class Registry:
    """All rules; the most exact one counts: field and stage, then field, then stage, then object.

    Raises ValueError when two rules are about the same.
    """

    def __init__(self, rules: Iterable[Mastery]) -> None:
        self._rules: dict[tuple[str, str, str], Mastery] = {}
        for rule in rules:
            place = (rule.object, rule.field, rule.stage)
            if place in self._rules:
                raise ValueError(f"{rule.object}.{rule.field} in stage {rule.stage} has two masters; keep one rule")
            self._rules[place] = rule

    @property
    def rules(self) -> tuple[Mastery, ...]:
        """As they were given."""
        return tuple(self._rules.values())

    def rule(self, object_: str, field: str, stage: str) -> Mastery | None:
        """The rule that counts; None where there is none, and then nobody may write."""
        for place in ((field, stage), (field, ANY), (ANY, stage), (ANY, ANY)):
            found = self._rules.get((object_, *place))
            if found is not None:
                return found
        return None

    def refuse(self, write: Write) -> Refusal | None:
        """None when the system may write; else the refusal to be logged, with the remedy in its message."""
        rule = self.rule(write.object, write.field, write.stage)
        if rule is not None and (write.system == rule.master or write.system in rule.writers):
            return None
        what = f"{write.object}.{write.field}"
        if rule is None:
            message = f"nobody is master of {what} in stage {write.stage}; enter one in the registry"
        else:
            message = f"{rule.master} is master of {what} in stage {write.stage}, not {write.system}; change it there"
        return Refusal(
            write.object,
            write.key,
            write.field,
            write.stage,
            write.system,
            "" if rule is None else rule.master,
            write.at,
            message,
        )


STAGES: dict[str, tuple[str, ...]] = {
    "Party": ("prospect", "customer", "blocked"),
    "Deal": ("open", "won", "ordered"),
    "DealLine": ("open", "won", "ordered"),
    "OrderStatus": ("open", "shipped", "closed"),
    "Shipment": ("issued",),
    "InvoiceStatus": ("open", "paid"),
    "OpenItem": ("open",),
    "BankEntry": ("booked",),
    "Allocation": ("applied",),
    "WriteOff": ("decided",),
    "Discount": ("earned",),
    "Charge": ("posted",),
    "PaymentClaim": ("asked",),
    "ProviderPayment": ("pending", "paid", "closed"),
    "PayoutLine": ("sent",),
    "Payout": ("sent",),
}
"""The stages of each canonical object's life."""

DEFAULT = Registry(
    (
        Mastery("Party", ANY, ANY, "crm", (), "sales knows the customer"),
        Mastery("Party", "crm_id", ANY, "crm"),
        Mastery("Party", "erp_id", ANY, "erp", ("engine",), "the ERP numbers; the engine notes it at sales"),
        Mastery("Party", "terms_days", "prospect", "crm", (), "sales proposes terms"),
        Mastery("Party", "terms_days", ANY, "erp", ("engine",), "finance agrees terms"),
        Mastery("Party", "credit_limit_minor", ANY, "erp", ("engine",), "credit decides, whatever sales would like"),
        Mastery("Party", ANY, "blocked", "erp", (), "nothing moves until credit has decided"),
        Mastery("Deal", ANY, ANY, "crm"),
        Mastery("Deal", ANY, "ordered", "erp", (), "an order is changed where it is worked on"),
        Mastery("Deal", "erp_order_id", ANY, "erp", ("engine",)),
        Mastery("DealLine", ANY, ANY, "crm"),
        Mastery("DealLine", ANY, "ordered", "erp"),
        Mastery("OrderStatus", ANY, ANY, "erp"),
        Mastery("OrderStatus", "external_id", ANY, "erp", ("engine",), "the engine's key, given when it is made"),
        Mastery("OrderStatus", "po_number", "open", "erp", ("engine",), "the buyer's number comes with the deal"),
        Mastery("Shipment", ANY, ANY, "erp"),
        Mastery("InvoiceStatus", ANY, ANY, "erp"),
        Mastery("OpenItem", ANY, ANY, "erp"),
        Mastery("BankEntry", ANY, ANY, "bank", (), "what the bank booked is what happened"),
        Mastery("Allocation", ANY, ANY, "erp", ("engine",), "the engine applies cash, the ERP keeps the books"),
        Mastery("WriteOff", ANY, ANY, "engine", (), "finance decides it here, the ERP books it"),
        Mastery("Discount", ANY, ANY, "engine", (), "the bank says when it was paid, the ERP's terms what that earns"),
        Mastery("Charge", ANY, ANY, "engine", (), "the company's transfer price, on what the ERP billed"),
        Mastery("PaymentClaim", ANY, ANY, "engine"),
        Mastery("ProviderPayment", ANY, ANY, "provider"),
        Mastery("PayoutLine", ANY, ANY, "provider"),
        Mastery("Payout", ANY, ANY, "provider"),
    )
)
"""The masters of the canonical model as the flows treat them, but for what the design chooses (`field_groups`)."""
