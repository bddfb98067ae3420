"""`o2c up`: the estate of a scenario as live servers on this machine."""

from pathlib import Path
from typing import Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.playing import Figures, found, planned
from o2c_twin.cli.terminal import console, print_json

_CERTIFICATES = Path("out") / "tls"


@click.command(
    short_help="Serve the estate of a scenario live on this machine.",
    epilog="""\b
Examples:
  o2c up to-be                      business at the pace of life
  o2c up to-be --speed 3600         an hour of business each second
  o2c up to-be --tls                https, for clients that insist on it
  o2c up to-be --no-engine --webhook-base http://127.0.0.1:9000
                                    your own integration takes the engine's place
""",
)
@click.argument("estate", metavar="ESTATE")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Seconds of business in each second of real time.",
)
@click.option(
    "--tls", is_flag=True, help=f"Serve https; the certificate authority to trust is put into {_CERTIFICATES}."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_500),
    default=8_100,
    show_default=True,
    help="Port of the first system; the others follow. 0 takes free ones.",
)
@click.option("--engine/--no-engine", default=True, help="Run the sync engine beside the systems [default: yes].")
@click.option("--now", is_flag=True, help="The systems' clocks show the real time; goes with --speed 1.")
@click.option("--people", is_flag=True, help="Let customers, sales and clerks work too; else only clients act.")
@click.option("--webhook-base", metavar="URL", help="Where the systems push their changes when no engine runs.")
@options.as_json
def up(
    estate: str,
    speed: float,
    tls: bool,
    host: str,
    port: int,
    engine: bool,
    now: bool,
    people: bool,
    webhook_base: str | None,
    as_json: bool,
) -> None:
    """Serve the systems of a scenario on this machine until interrupted.

    ESTATE is a scenario, by name or file. Once all ports answer, says where each system is, and with
    which credentials; with --json as one JSON object.
    """
    if webhook_base is not None and engine:
        raise click.UsageError("--webhook-base is for --no-engine: the engine hears the systems itself")
    if now and speed != 1.0:
        raise click.UsageError("--now is for --speed 1: real time does not run faster")
    plan = planned(found(estate), Figures())
    from o2c_twin.mock_systems.wire.live import CannotListen
    from o2c_twin.twin.live import LiveOptions, main_up

    live = LiveOptions(host, port, speed, engine, people, _CERTIFICATES if tls else None, webhook_base, now)
    try:
        main_up(plan, live, print_json if as_json else _tell)
    except CannotListen as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"cannot serve: {error.filename or ''} {error.strerror or error}".strip()) from error


def _tell(described: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    screen = console()
    for role, system in described["systems"].items():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=False)
        table.add_row(role, f"{system['vendor']}  {system['url']}")
        table.add_row("", f"API description: {system['docs']}")
        for name, value in system["credentials"].items():
            table.add_row("", f"{name}: {value}")
        screen.print(table)
        screen.print()
    if described["engine"]:
        screen.print(f"engine listens on {described['engine']}")
    screen.print(f"control plane: <system>/_o2c with token {described['control_token']}")
    if described["ca"]:
        screen.print(f"certificate authority to trust: {described['ca']}", soft_wrap=True)
    screen.print("\nServing until interrupted (Ctrl-C).")
