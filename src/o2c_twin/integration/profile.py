"""The design profile: the choices an integration architect makes, each a real branch of the engine."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

AS_TRIGGER = "as-trigger"
Mastered = Literal["master_customer", "master_credit"]
"""The axes that say who is master of which fields of a customer (`governance.field_groups`)."""

_TRIGGERS = {
    "webhook": "systems push their changes; with effectively-once a sweep catches what was never pushed",
    "poll": "the engine asks every few minutes",
    "nightly": "the engine asks once a night",
    "hybrid": "systems push, and the engine asks every few minutes besides",
}
_OWN_TRIGGER = {AS_TRIGGER: "as the axis trigger says", **_TRIGGERS}

AXES: dict[str, dict[str, str]] = {
    "topology": {
        "manual": "people re-key between systems; no engine",
        "hub": "one engine between all systems, with one journal and one cross-reference",
        "point-to-point": "an engine a source, each with a journal and lines of its own; none knows the others' links",
        "native-connector": "a vendor's connector polls CRM and ERP and matches by number; clerks apply the cash",
        "event-driven": "notices go through a broker, which delivers in any order and now and then twice",
        "api-first": "sales presses a button and waits while the order is entered; when it fails, it is pressed again",
    },
    "delivery": {
        "fire-and-forget": "each write is sent once; whatever happens, it is not looked at again",
        "naive-retry": "each write is sent again on any failure, up to three times, five seconds apart",
        "effectively-once": "journal, idempotent writes, back-off with jitter, dead letters",
    },
    "trigger": _TRIGGERS,
    "trigger_crm": _OWN_TRIGGER,
    "trigger_erp": _OWN_TRIGGER,
    "trigger_bank": _OWN_TRIGGER,
    "retry": {
        "by-delivery": "as the delivery says: none, three times, or full",
        "none": "a call that fails is given up",
        "fixed": "five more times, five seconds apart, whatever went wrong",
        "ladder": "after 5 s, 5 min, 30 min, 2 h, 5 h and 10 h; a refusal is given up at once",
        "full": "growing waits with jitter for three days, longer where the system asks for it; a refusal ends it",
    },
    "breaker": {
        "off": "a system that does not answer goes on being asked by every piece of work",
        "on": "with effectively-once, a system that does not answer is asked seldom until it does",
    },
    "budget": {
        "off": "whatever failed is tried again when its own wait is over, however much else fails",
        "on": "with effectively-once, a system gets one retry for five first tries and one a second; the others wait",
    },
    "batching": {
        "off": "each write is a call of its own",
        "small": "with effectively-once, writes a system takes in bulk wait for each other, up to 25 of them or 2 s",
        "large": "with effectively-once, writes a system takes in bulk wait for each other, up to 200 of them or 60 s",
    },
    "sweep": {
        "off": "what was never pushed is never known",
        "daily": "with effectively-once, each system that pushes is asked once a day what it has changed",
        "six-hourly": "with effectively-once, each system that pushes is asked every sweep_s, six hours as shipped",
        "hourly": "with effectively-once, each system that pushes is asked every hour what it has changed",
    },
    "invoice_trigger": {
        "goods-issue": "each delivery is billed as it leaves",
        "daily": "what has left is billed in the evening",
        "weekly": "what has left is billed on Friday evening",
        "month-end": "what has left is billed on the evening of the month's last day",
        "manual": "clerks type invoices from the delivery notes; no engine bills",
    },
    "credit_visibility": {
        "nightly": "holds and releases reach sales once a night",
        "event": "a hold or a release reaches sales as it happens",
        "order-entry": "credit is asked before the order is entered; without it sales is told and the deal waits",
    },
    "matching": {
        "off": "each CRM account becomes an ERP customer",
        "name": "accounts of the same name, letter for letter but for case and spaces, are one customer",
        "exact-key": "accounts with the same customer number are one customer",
        "normalised": "accounts of the same name without legal form, accents and abbreviations are one customer",
        "probabilistic": "evidence of name, number and mail domain; in doubt a person is asked and the order waits",
    },
    "survivorship": {
        "last-change": "where several accounts are one customer, the ERP knows what was changed last",
        "golden": "the ERP knows what survives of all of them: the lowest limit and terms, the latest address",
    },
    "master_customer": {
        "crm": "name, number and e-mail are what sales writes; what the ERP's clerks correct stays there",
        "last-change": "name, number and e-mail go both ways, and the later change wins",
        "erp": "name, number and e-mail are what the ERP holds: sales is told, and what sales types is put back",
    },
    "master_credit": {
        "crm": "payment terms and credit limit are what sales wrote last; what credit decides in the ERP stays there",
        "last-change": "payment terms and credit limit go both ways, and the later change wins",
        "erp": "payment terms and credit limit are what the ERP holds: sales is told, and what sales types is put back",
    },
    "entities": {
        "one": "every deal is entered for one legal entity, under its rules",
        "by-customer": "each deal is entered for the legal entity that serves its customer, under that one's rules",
        "intercompany": "and what the home entity shipped for another it charges that one, at a transfer price",
    },
    "partials": {
        "first-only": "the first delivery is billed and reported; later ones go unseen",
        "per-delivery": "each delivery is billed and reported",
    },
    "cash": {
        "exact": "a receipt is applied when it names what it pays and the sums are equal",
        "tolerance": "named invoices take short payments too; discounts earned are granted, bank charges written off",
        "mangled": "damaged references are read where the amount confirms them",
        "full": "where nothing is named, an amount only one combination of open items explains is applied too",
    },
    "currencies": {
        "relabelled": "a deal's figures are entered as they stand, as if they were in the currency of the books",
        "converted": "a deal in another currency is entered and billed in that of the books, at the rate of its day",
        "document": "order, invoice and receipt keep the deal's currency",
    },
    "monitoring": {
        "off": "nobody is told of a case; the list is opened in the review on Monday",
        "log": "a case is a line in the log; the list is opened each working morning",
        "alert": "a case is on somebody's desk as it is opened",
        "escalate": "and one that is not settled in time goes to the next desk as well, up to the controller",
    },
    "controls": {
        "none": "whoever has a case on the desk settles it",
        "roles": "only the role a case is with may settle it",
        "four-eyes": "a second person approves what the first one did",
    },
    "contract": {
        "evolve": "what is new in a record is ignored; one that cannot be read is a case, and somebody does its work",
        "freeze": "with effectively-once, a record that cannot be read stops its flow until somebody mends the mapping",
        "discard": "with effectively-once, a record that cannot be read is left out, and a case says so",
    },
}


class ProfileError(ValueError):
    """An axis or a value that does not exist; the message names the ones that do."""


@dataclass(frozen=True, slots=True)
class DesignProfile:
    """One design. Raises `ProfileError` on a value an axis does not have."""

    topology: str = "hub"
    delivery: str = "effectively-once"
    trigger: str = "webhook"
    trigger_crm: str = AS_TRIGGER
    trigger_erp: str = AS_TRIGGER
    trigger_bank: str = AS_TRIGGER
    retry: str = "by-delivery"
    breaker: str = "on"
    budget: str = "on"
    batching: str = "off"
    sweep: str = "six-hourly"
    invoice_trigger: str = "goods-issue"
    credit_visibility: str = "event"
    matching: str = "exact-key"
    survivorship: str = "last-change"
    master_customer: str = "crm"
    master_credit: str = "crm"
    entities: str = "one"
    partials: str = "per-delivery"
    cash: str = "full"
    currencies: str = "document"
    monitoring: str = "alert"
    controls: str = "none"
    contract: str = "evolve"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            # A scenario file may hold anything here: YAML reads an unquoted `off` as false.
            if not isinstance(value, str) or value not in AXES[field.name]:
                raise ProfileError(f"{field.name}: no value {value!r}; {_choose(value, AXES[field.name])}")
        if self.hears_customers and not self.shares_links:
            told = "with topology 'point-to-point' whoever hears the ERP knows no customer's account"
            raise ProfileError(f"{self.told_back}: {told}; choose 'crm', or topology 'hub'")

    def with_choices(self, choices: Mapping[str, str]) -> "DesignProfile":
        """This profile with some axes set otherwise. Raises `ProfileError`."""
        for axis in choices:
            if axis not in AXES:
                raise ProfileError(f"no design axis {axis!r}; {_choose(axis, AXES)}")
        return replace(self, **choices)

    def as_built(self) -> "DesignProfile":
        """This profile as its topology lets it be: a vendor's connector polls and matches by number."""
        if self.topology != "native-connector":
            return self
        own = {"trigger_crm": AS_TRIGGER, "trigger_erp": AS_TRIGGER}
        return replace(self, trigger="poll", matching="exact-key", **own)

    @property
    def shares_links(self) -> bool:
        """Whether what one system's events taught the engine is known when another's are worked."""
        return self.topology != "point-to-point"

    @property
    def hears_customers(self) -> bool:
        """Whether a customer changed in the ERP is news for sales."""
        return (self.master_customer, self.master_credit) != ("crm", "crm")

    @property
    def told_back(self) -> str:
        """The first axis that makes it so, with its value; only where `hears_customers`."""
        axis = "master_customer" if self.master_customer != "crm" else "master_credit"
        return f"{axis} {getattr(self, axis)!r}"

    def choices(self) -> dict[str, str]:
        """Axis to value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _choose(given: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(str(given), known, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}there are: {', '.join(known)}"


def described(design: DesignProfile) -> str:
    """A design in a few words: what it chooses otherwise than the recommended one."""
    usual = DesignProfile().choices()
    own = {axis: value for axis, value in design.choices().items() if value != usual[axis]}
    if design.topology == "manual":
        return "manual"
    return ", ".join(f"{axis} {value}" for axis, value in own.items()) or "the recommended design"
