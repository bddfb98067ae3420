"""The field groups of a customer whose master the design chooses, and the systems of record that follow from it.

The axes are the one truth: the flows carry what they say, and the rules the write guard asks are made from them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from o2c_twin.integration.governance.systems_of_record import ANY, DEFAULT, Mastery, Registry
from o2c_twin.integration.profile import DesignProfile, Mastered

STAGE = "customer"
"""The stage the axes are about: before it sales proposes, and while one is blocked nothing moves."""


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields of a customer that have one master together: that of the ``axis``."""

    axis: Mastered
    fields: tuple[str, ...]
    rules: dict[str, Mastery]
    """By value of the axis: the rule of each field, but for its name."""


# The engine keeps a payment provider's copy of a name.
_COPY = ("engine",)
GROUPS: tuple[FieldGroup, ...] = (
    FieldGroup(
        "master_customer",
        ("name", "number", "email"),
        {
            "crm": Mastery("Party", ANY, STAGE, "crm", _COPY, "sales knows the customer"),
            "last-change": Mastery("Party", ANY, STAGE, "crm", ("erp", *_COPY), "whoever changed it last"),
            "erp": Mastery("Party", ANY, STAGE, "erp", _COPY, "finance keeps the customer master"),
        },
    ),
    FieldGroup(
        "master_credit",
        ("terms_days", "credit_limit_minor"),
        {
            # What finance types there all the same stays until sales writes again: nobody puts it back.
            "crm": Mastery("Party", ANY, STAGE, "crm", ("erp",), "what sales writes counts"),
            "last-change": Mastery("Party", ANY, STAGE, "erp", ("crm",), "whoever changed it last"),
            "erp": Mastery("Party", ANY, STAGE, "erp", (), "finance agrees them, whatever sales would like"),
        },
    ),
)
"""In the order in which they are compared."""


def rules_of(profile: DesignProfile) -> tuple[Mastery, ...]:
    """The rules of the fields the axes are about, in the stage they are about."""
    rules = []
    for group in GROUPS:
        rule = group.rules[getattr(profile, group.axis)]
        rules += [Mastery(rule.object, field, STAGE, rule.master, rule.writers, rule.why) for field in group.fields]
    return tuple(rules)


def registry_of(profile: DesignProfile, rules: Iterable[Mastery] = DEFAULT.rules) -> Registry:
    """The systems of record of a design: ``rules``, and those of its axes, which count where both speak."""
    every = {(rule.object, rule.field, rule.stage): rule for rule in (*rules, *rules_of(profile))}
    return Registry(every.values())


SHIPPED = registry_of(DesignProfile())
"""The systems of record of the design as it is shipped."""


def by_finance(registry: Registry) -> frozenset[str]:
    """The fields of a customer that may be what somebody typed in the ERP."""
    fields = (field for group in GROUPS for field in group.fields)
    rules = ((field, registry.rule("Party", field, STAGE)) for field in fields)
    return frozenset(field for field, rule in rules if rule is not None and "erp" in (rule.master, *rule.writers))


def contradiction(own: Mastery, profile: DesignProfile) -> str | None:
    """Where a company's own rule says otherwise than an axis about the same field: what, and the remedy.

    A rule for a whole object, or for every stage, says so of each field and of the stage the axes are about.
    """
    if own.object != "Party" or own.stage not in (ANY, STAGE):
        return None
    for group in (each for each in GROUPS if own.field in (ANY, *each.fields)):
        value = getattr(profile, group.axis)
        rule = group.rules[value]
        may = (rule.master, *rule.writers)
        field = group.fields[0] if own.field == ANY else own.field
        if own.master != rule.master:
            wants = f"{own.master} as master"
        elif more := [system for system in own.writers if system not in may]:
            wants = f"{more[0]} as writer"
        else:
            continue
        place = f"profile.{group.axis}"
        remedy = "name the fields it is for" if own.field == ANY else f"take the rule out, or choose another {place}"
        return f"{wants} of Party.{field} contradicts {place}, which is {value!r}; {remedy}"
    return None
