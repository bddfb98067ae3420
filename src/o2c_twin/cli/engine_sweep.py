"""`o2c engine sweep`: ask a system for its changes, or compare the systems and repair what was lost."""

from typing import Any
from urllib.parse import quote

import click

from o2c_twin.cli.engine_client import ask, asked, done, remote
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import console, print_json


@click.command(
    short_help="Ask a system for its changes; or compare records and money.",
    epilog="""\b
Examples:
  o2c engine sweep crm                      ask sales for what it changed
  o2c engine sweep --plan                   what does not agree, and what would be done about it
  o2c engine sweep --apply                  begin the repairs that need nobody's approval
  o2c engine sweep --ask                    ask for approval of the others
  o2c engine sweep --apply --approval apr-7 begin those too, when somebody else has approved them
""",
)
@click.argument("system", required=False)
@click.option("--plan", "planning", is_flag=True, help="Compare the systems and show the repairs; changes nothing.")
@click.option("--apply", "applying", is_flag=True, help="Compare the systems and begin the repairs that may be.")
@click.option("--ask", "wanted", is_flag=True, help="Ask for approval of the repairs that need one.")
@click.option("--approval", metavar="ID", help="With --apply: the approval somebody else gave.")
@remote
def sweep(
    system: str | None, planning: bool, applying: bool, wanted: bool, approval: str | None, url: str, as_json: bool
) -> None:
    """Ask SYSTEM (crm, erp, bank, payments) now for what it changed since it was last asked.

    Without SYSTEM CRM and ERP are compared record by record, and what came in at bank and provider with what is posted.
    Much money, and what is made anew, is repaired only with an approval; it is good for exactly the repairs that were
    held back when it was asked for. Nothing is posted or paid by a repair: the engine is told what it missed.
    """
    if sum((system is not None, planning, applying, wanted)) != 1:
        raise CommandError("one thing at a time: give a system, --plan, --apply or --ask")
    if approval is not None and not applying:
        raise CommandError("--approval is for --apply; give both")
    if system is not None:
        done(ask("POST", url, f"/api/sweep/{quote(system, safe='')}"), as_json, f"{system}: swept")
    elif applying:
        _applied(ask("POST", url, "/api/repairs/apply", {"approval": approval}), as_json)
    else:
        plan = ask("GET", url, "/api/repairs/plan")
        if not wanted:
            _show(plan, as_json)
        elif plan["asking"] is None:
            raise CommandError("no repair needs approval now; apply them with 'o2c engine sweep --apply'")
        else:
            asked(ask("POST", url, "/api/approvals", plan["asking"]), as_json)


def _show(plan: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    _tables(plan)
    held = sum(len(each["held"]) for each in _plans(plan))
    if held:
        click.echo(f"{held} need approval; ask for it with 'o2c engine sweep --ask'")


def _plans(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The plan of the records, and that of the money where there is one."""
    return [told] if told["money"] is None else [told, told["money"]]


def _tables(told: dict[str, Any]) -> None:
    for name, plan in zip(("records", "money"), _plans(told), strict=False):
        _table(name, plan)


def _table(title: str, plan: dict[str, Any]) -> None:
    from rich.table import Table

    repairs = plan["repairs"]
    for name, told in (("cannot be read", plan["blind"]), ("read in part", plan["unread"]), ("drift", plan["drifts"])):
        for line in told:
            click.echo(f"{title}: {name}: {line}")
    if plan["doubt"]:
        click.echo(f"{title}: not to be believed: {plan['doubt']}")
    if repairs:
        table = Table("repair", "system", "record", "why", "change", "minor units", "approval", box=None)
        for each in repairs:
            record = f"{each['kind']} {each['key']} {each['group']}"
            changes = ", ".join(f"{c['field']} {c['found']} -> {c['wanted']}" for c in each["changes"])
            money = f"{each['amount_minor']:,} {plan['currency']}" if each["amount_minor"] else ""
            held = "needed" if each["id"] in plan["held"] else ""
            table.add_row(each["action"], each["system"], record, each["why"], changes, money, held)
        console().print(table)
    left = f"{plan['in_flight']} are being worked on, {plan['young']} are too young to tell"
    if not plan["blind"]:
        click.echo(f"{title}: {plan['places']} places compared, {len(plan['repairs'])} repairs; {left}")


def _applied(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    _tables(told)
    counts = ", ".join(f"{sum(len(each[name]) for each in _plans(told))} {said}" for name, said in _SAID)
    click.echo(f"{counts}; the begun ones are worked in their turn, see 'o2c engine status'")
    if any(each["held"] for each in _plans(told)):
        click.echo("ask for approval of what is held with 'o2c engine sweep --ask'")


_SAID = (("begun", "begun"), ("cases", "made a case"), ("left", "left to work under way"), ("held", "held"))

COMMANDS = (sweep,)
"""Of this module."""
