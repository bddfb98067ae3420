"""`o2c engine release-hold, write-off`: what credit control and finance decide, and the ERP is to do."""

from urllib.parse import quote, urlencode

import click

from o2c_twin.cli.engine_client import ask, asked, by_two, done, remote


@click.command("release-hold", short_help="Release an order from the ERP's credit hold (four eyes).")
@click.argument("order")
@by_two
@remote
def release_hold(order: str, approval: str | None, url: str, as_json: bool) -> None:
    """Release ORDER, by the ERP's id or the id of its deal, which the ERP's credit check holds.

    Without --approval it is asked for; somebody else approves it, then the same command with --approval does it.
    The order is released in its turn; what the ERP refuses is a case.
    """
    path = f"/api/holds/{quote(order, safe='')}"
    if approval is None:
        asked(ask("POST", url, "/api/approvals", ask("GET", url, path)["asking"]), as_json)
        return
    answer = ask("POST", url, f"{path}/release", {"approval": approval})
    done(answer, as_json, f"order {answer['number']}: is being released")


@click.command("write-off", short_help="Write off what is left of a part-paid invoice.")
@click.argument("invoice")
@click.option("--reason", required=True, help="Why; it goes onto the document.")
@by_two
@remote
def write_off(invoice: str, reason: str, approval: str | None, url: str, as_json: bool) -> None:
    """Write off what INVOICE, by its number, still has open after a short payment.

    Within the tolerance of cash application (25.00 and 0.5 % of the invoice) one person does it. Above, it is asked
    for without --approval; somebody else approves it, then the same command with --approval and --reason does it.
    """
    path = f"/api/remainders/{quote(invoice, safe='')}"
    if approval is None:
        asking = ask("GET", url, f"{path}?{urlencode({'reason': reason})}")["asking"]
        if asking is not None:
            asked(ask("POST", url, "/api/approvals", asking), as_json)
            return
    answer = ask("POST", url, f"{path}/write-off", {"reason": reason, "approval": approval})
    money = f"{answer['open_minor']} {answer['currency']} minor units"
    done(answer, as_json, f"invoice {answer['number']}: {money} are being written off")


COMMANDS = (release_hold, write_off)
"""Of this module."""
