"""How commands speak to a running engine: its address, the role's token, and errors of one line."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import print_json

_URL, _TOKEN = "O2C_ENGINE_URL", "O2C_ENGINE_TOKEN"
F = TypeVar("F", bound=Callable[..., Any])
by_two = click.option("--approval", metavar="ID", help="The approval somebody else gave; without, ask for it.")
"""The option of a command that needs a second person."""


def remote(command: F) -> F:
    """``--url`` and ``--json`` of a command that speaks to a running engine."""
    command = options.as_json(command)
    return click.option("--url", envvar=_URL, default="http://127.0.0.1:8300", show_default=True, show_envvar=True)(
        command
    )


def ask(method: str, url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call with the role's token; gives the answer's JSON. Raises `CommandError`."""
    import urllib.error
    import urllib.request

    headers = {"Authorization": f"Bearer {os.environ.get(_TOKEN, '')}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(f"{url.rstrip('/')}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        hint = f"; put your role's token into {_TOKEN}" if error.code == 401 else ""
        raise CommandError(f"{_told(error.read().decode('utf-8', 'replace'))}{hint}") from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CommandError(f"no engine answers on {url}: {reason}; start one with 'o2c engine run'") from error


def _told(text: str) -> str:
    try:
        told = json.loads(text)
        return str(told.get("error") or told.get("detail") or text)
    except (ValueError, AttributeError):
        return text


def done(answer: dict[str, Any], as_json: bool, said: str) -> None:
    """The answer as JSON, or one sentence."""
    if as_json:
        print_json(answer)
    else:
        click.echo(said)


def asking(operation: str, subject: str, content: dict[str, str]) -> dict[str, Any]:
    """The body that asks for somebody else's approval."""
    return {"operation": operation, "subject": subject, "content": content}


def asked(answer: dict[str, Any], as_json: bool) -> None:
    """Tell how an approval that was just asked for is given, and used."""
    whom = " or ".join(answer["ask"])
    said = f"{answer['id']}: asked; somebody else of {whom} says 'o2c engine approve {answer['id']}', then --approval"
    done(answer, as_json, f"{said} {answer['id']}")
