"""The documentation page of the design profile: ``python -m o2c_twin.integration.profile_page``."""

import sys
from collections.abc import Mapping
from types import MappingProxyType

from o2c_twin.integration.presets import PRESETS
from o2c_twin.integration.profile import AXES, DesignProfile

_TRIGGERS = {
    "webhook": ("a push that is lost is found by the next sweep only", "to-be"),
    "poll": ("calls around the clock, and news as old as the interval", "api-throttling"),
    "nightly": ("everything is a night old, and a hold may wait for a weekend", "credit-hold-loop"),
    "hybrid": ("the calls of a poll", "lost-webhooks"),
}
_OWN_TRIGGER = {"as-trigger": ("nothing", "to-be"), **_TRIGGERS}

COSTS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "topology": {
            "manual": ("clerks' hours, typing errors, papers that get lost", "as-is"),
            "hub": ("one system more to run", "to-be"),
            "point-to-point": ("what one script learned the others look up again or do without", "lost-replies"),
            "native-connector": ("no cash application: clerks do it; no other trigger or matching", "to-be"),
            "event-driven": ("a broker to run; without an inbox, work done twice", "shuffled-notices"),
            "api-first": ("sales waits, and presses again when it failed", "lost-replies"),
        },
        "delivery": {
            "fire-and-forget": ("every failure is a loss, and nobody is told", "api-throttling"),
            "naive-retry": ("a lost answer is a double, a long outage a loss", "lost-replies"),
            "effectively-once": ("two commits a write", "lost-replies"),
        },
        "trigger": _TRIGGERS,
        "trigger_crm": _OWN_TRIGGER,
        "trigger_erp": _OWN_TRIGGER,
        "trigger_bank": _OWN_TRIGGER,
        "retry": {
            "by-delivery": ("nothing", "lost-replies"),
            "none": ("every hiccup is a case, or a loss", "api-throttling"),
            "fixed": (
                "half a minute of outage is a case, or a loss; a refusal is repeated five times",
                "api-throttling",
            ),
            "ladder": ("waits longer than the outage, and gives up after a day", "api-throttling"),
            "full": ("a case may open three days late", "api-throttling"),
        },
        "breaker": {
            "off": ("calls into an outage, as many as there is work", "erp-outage"),
            "on": (
                "work waits up to five minutes longer than the outage, and as long again for each probe that fails",
                "erp-outage",
            ),
        },
        "budget": {
            "off": ("a system that answers some is asked again by all the others", "erp-outage"),
            "on": ("after much has failed at once, some of it is done later than it could be", "erp-outage"),
        },
        "batching": {
            "off": ("a call a write, and the day's quota with it", "crm-call-limit"),
            "small": ("two seconds a write; what comes alone still costs a call", "crm-call-limit"),
            "large": ("up to a minute a write, and as long for what waits behind it in its lane", "crm-call-limit"),
        },
        "sweep": {
            "off": ("lost pushes stay lost: goods unbilled, sales untold", "lost-webhooks"),
            "daily": ("a lost push costs up to a day", "lost-webhooks"),
            "six-hourly": ("a lost push costs up to six hours", "lost-webhooks"),
            "hourly": ("24 questions a day and system", "lost-webhooks"),
        },
        "invoice_trigger": {
            "goods-issue": ("an invoice a delivery", "to-be"),
            "daily": ("up to a day of money", "late-invoices"),
            "weekly": ("up to a week of money", "late-invoices"),
            "month-end": ("up to a month of money, and a month's invoices in one evening", "late-invoices"),
            "manual": ("clerks' hours, and delivery notes that get lost", "late-invoices"),
        },
        "credit_visibility": {
            "nightly": ("a hold is seen the next morning", "credit-hold-loop"),
            "event": ("a note a change", "credit-hold-loop"),
            "order-entry": ("a question an order, and orders that wait outside the ERP", "credit-hold-loop"),
        },
        "matching": {
            "off": ("a customer has as many masters and limits as spellings", "duplicate-masters"),
            "name": ("two spellings are two customers, two companies of one name are one", "duplicate-masters"),
            "exact-key": ("needs a number on every account, typed right", "duplicate-masters"),
            "normalised": ("companies that differ in legal form only become one", "duplicate-masters"),
            "probabilistic": ("orders wait for an answer when in doubt; reads of the CRM", "duplicate-masters"),
        },
        "survivorship": {
            "last-change": ("a second account that is changed may raise the credit limit", "duplicate-masters"),
            "golden": ("all accounts of the customer are read at each change", "duplicate-masters"),
        },
        "master_customer": {
            "crm": ("two names for one customer, once the ERP's clerks have corrected theirs", "generous-sales"),
            "last-change": ("of two changes at once one is lost, unseen", "generous-sales"),
            "erp": ("sales asks the ERP's clerks for a correction; a read of the customer a change", "generous-sales"),
        },
        "master_credit": {
            "crm": ("whoever wants a deal decides on credit: longer terms, higher limits", "generous-sales"),
            "last-change": ("whoever writes last decides on credit, until the next one does", "generous-sales"),
            "erp": ("sales waits for credit's answer; two reads a change, and a note to sales", "generous-sales"),
        },
        "entities": {
            "one": ("what another entity sold is credited and billed again, and paid as much later", "two-entities"),
            "by-customer": ("the entity on each account, and rules for each in the maps", "two-entities"),
            "intercompany": ("an entry in two books for each invoice, and a look at its deal", "intercompany"),
        },
        "partials": {
            "first-only": ("later parcels are on no invoice", "partial-shipments"),
            "per-delivery": ("an invoice a delivery", "partial-shipments"),
        },
        "cash": {
            "exact": ("clerks apply whatever is a cent short or names nothing", "short-payments"),
            "tolerance": ("what is short beyond small change stays open until somebody clears it", "short-payments"),
            "mangled": ("now and then a digit is read as another's", "short-payments"),
            "full": ("now and then an amount fits by chance", "short-payments"),
        },
        "currencies": {
            "relabelled": (
                "who ordered in another currency is billed too much or too little; their money matches nothing",
                "foreign-customers",
            ),
            "converted": (
                "rates; the company bears them, and what was paid is never quite what was billed",
                "foreign-customers",
            ),
            "document": ("systems and bank accounts in each currency, and rates for the books", "foreign-customers"),
        },
        "monitoring": {
            "off": ("a case waits for Monday, and its customer with it", "to-be"),
            "log": ("a case waits for the morning", "to-be"),
            "alert": ("interruptions", "to-be"),
            "escalate": ("interruptions of people further up", "to-be"),
        },
        "controls": {
            "none": ("nobody but the clerk sees what was done", "to-be"),
            "roles": ("a case waits for the one desk that may", "to-be"),
            "four-eyes": ("two people's work a case", "to-be"),
        },
        "contract": {
            "evolve": ("somebody does by hand what could not be read", "changed-records"),
            "freeze": ("everything of that flow waits", "changed-records"),
            "discard": ("what was left out is not done", "changed-records"),
        },
    }
)
"""What each value of each axis costs, and the shipped scenario that shows it."""

_HEAD = """# The design profile

Made from `o2c_twin/integration/profile.py`, `presets.py` and `profile_page.py` by
`python -m o2c_twin.integration.profile_page`; do not edit by hand.

A design is one value on each axis. Each value is a branch of the engine, or of what people do beside it, and never
a factor in a report: `o2c run SCENARIO --set axis=value` plays it. The value in bold is the default. A scenario
file sets axes under `design:` and `naive:`; `preset: NAME` there, or `--set preset=NAME`, sets all of them, and
axes named besides change the preset.
"""
_NOTES = """## What to know

- With `topology=manual` there is no engine, and the other axes choose nothing. `native-connector` polls and matches
  by number whatever `trigger` and `matching` say.
- `breaker`, `budget`, `batching`, `sweep`, `contract`, `controls`, and cases at all, are of
  `delivery=effectively-once`: a naive script has none of them. `monitoring` says who hears of cases, so it is the same
  with it.
- `budget` counts for each system: a first try puts in a fifth of a retry, a second a whole one, up to sixty. A retry
  that finds nothing waits and is not given up. An open breaker lets so few calls through that the budget has nothing
  to do then; it is for a system that fails some calls and answers others. Writes that leave together under `batching`
  are not counted.
- `batching` gathers what sales is told of a deal, where the CRM's connector names a call for many on its sheet
  (Salesforce 200, HubSpot 100); every other write is a call of its own. Each item keeps its key and its outcome: one
  that is refused is a case of its own, one that is throttled is sent again by itself, and a lost answer is found out
  item by item. With PostgreSQL a worker has 64 lanes at a time, so that no more than 64 writes wait for each other.
- `entities=by-customer` reads the entity on the account, by the map rule under `'*'` of `entities` (Salesforce
  `O2C_Entity__c`, HubSpot `o2c_entity`), and takes the maps as they are in that entity, deal by deal; `entity:` of a
  scenario or a service's file is for `one`. NetSuite keeps entities as subsidiaries, S/4HANA as company codes with a
  sales organization each; an estate with another ERP is refused.
- `entities=intercompany` charges between entities by an intercompany journal entry an invoice, in NetSuite only. It is
  in no receivable of a customer, so no KPI has to leave it out. Which entity is home, and the transfer price, are the
  world's (`home_entity`, `transfer_price`), or `group:` of the service's file. What is credited later stays charged.
- `sweep=six-hourly` takes its interval from the rhythm's `sweep_s`, if a scenario sets that.
- `contract` is about records that cannot be read as what they should be; the fault `changed-record` makes them. The
  mapping is mended `mend_days` after somebody settled a case of `freeze` or `discard`. With `evolve` nothing says that
  it is the mapping: each record is work, and after `mend_cases` that were all alike somebody sees it.
- `master_customer` and `master_credit` are about a customer that is there; before, sales proposes. They make the rules
  of the write guard, and a service's own `masters` may not say otherwise. What changed is told field group by field
  group, so a correction of a name carries no limit. With anything but `crm` the engine hears of customers changed in
  the ERP (not the old ERP, and not with `topology=point-to-point`), and compares both sides with what they last agreed
  on. A field one side leaves empty is no opinion. `survivorship=golden` is about groups whose master is the CRM.
- `currencies` matters where customers buy in another currency than the books' (`world.foreign`); Salesforce, NetSuite
  and a bank with camt.053 statements can serve them. `converted` takes the rates of the world, in a service those the
  maps bring along (`rates: SOURCE`). Nothing of one currency is set against something of another in any design: what is
  not converted is a case.
- `cash` decides what is applied. What a bank kept within the tolerance is written off with the payment, where the rung
  takes charges and the ERP takes write-offs; a discount earned by paying early is granted, from the same rung on,
  where the ERP's connector is told against what account. Else what a payment lacks stays open on the invoice, until
  the ledger writes it off (within the tolerance) or support credits it, on a Monday.
"""


def markdown() -> str:
    """The whole page."""
    defaults = DesignProfile().choices()
    parts = [_HEAD, "## Axes\n", "| axis | value | what it does | what it costs | shown by |", "|" + " --- |" * 5]
    for axis, values in AXES.items():
        for value, meaning in values.items():
            cost, scenario = COSTS[axis][value]
            name = f"**`{value}`**" if defaults[axis] == value else f"`{value}`"
            parts.append(f"| `{axis}` | {name} | {meaning} | {cost} | `{scenario}` |")
    parts += ["", "## Presets\n", "| preset | what it is | what differs from the defaults |", "|" + " --- |" * 3]
    for preset, what in PRESETS.items():
        differs = ", ".join(f"`{axis}={value}`" for axis, value in what.choices.items())
        parts.append(f"| `{preset}` | {what.says} | {differs} |")
    return "\n".join([*parts, "", _NOTES])


if __name__ == "__main__":
    sys.stdout.write(markdown())
