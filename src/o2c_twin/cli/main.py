"""The group of all commands, and the one place where an error becomes a line and an exit code."""

import sys
from typing import Any

import click

from o2c_twin.cli.compare import compare
from o2c_twin.cli.demo import demo
from o2c_twin.cli.engine import engine
from o2c_twin.cli.errors import one_line
from o2c_twin.cli.roi import roi
from o2c_twin.cli.run import run
from o2c_twin.cli.scenarios import scenarios
from o2c_twin.cli.systems import systems
from o2c_twin.cli.up import up

INTERRUPTED = 130


class CommandLine(click.Group):
    """A group whose errors are one line on standard error, beginning ``o2c: error: ``."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command. Exit code 0 done, 1 a run broke an invariant that was to hold, 2 bad input."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a narrow terminal encoding is no reason to fail
        standalone = extra.pop("standalone_mode", True)
        try:
            status = super().main(*args, **{**extra, "prog_name": "o2c", "standalone_mode": False})
        except click.ClickException as error:
            click.echo(f"o2c: error: {one_line(error.format_message())}{_hint(error)}", err=True)
            status = 2
        except click.Abort:
            click.echo("o2c: interrupted", err=True)
            status = INTERRUPTED
        if standalone:
            sys.exit(status if isinstance(status, int) else 0)
        return status


def _hint(error: click.ClickException) -> str:
    """Where to look up how a command is used, when it was used wrongly."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f" (see '{error.ctx.command_path} --help')"
    return ""


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import o2c_twin

        click.echo(f"o2c-twin {o2c_twin.__version__}")
        ctx.exit()


@click.group(
    cls=CommandLine,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  o2c demo                                  one year as is and to be, side by side, with a report
  o2c run lost-replies --naive              see the failure; without --naive, its cure
  o2c compare lost-replies:naive lost-replies --out report.html
  o2c run mine.yaml --set trigger=nightly --seed 3 --json
  o2c up to-be --speed 60                   the same estate live, on ports of this machine

\b
Exit codes: 0 done, 1 an invariant was broken under --fail-on-violation, 2 bad input.
""",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """A company's order-to-cash estate in one process: CRM, ERP and bank, the engine that integrates them,
    and the people, played through a business year in virtual time. The same seed gives the same run, to the bit.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (demo, run, compare, scenarios, systems, engine, roi, up):
    main.add_command(command)


if __name__ == "__main__":
    main()
