"""The documentation page of all mock systems, written from the catalogue.

Made with ``python -m o2c_twin.mock_systems.catalogue_page > docs/systems.md``.
"""

import sys
from collections.abc import Iterator

from o2c_twin.mock_systems.catalogue import STANDINGS, MockSystem, catalogue
from o2c_twin.mock_systems.wire.capability import Promise

_HEAD = """# Mock systems

Made from the vendors' folders by `python -m o2c_twin.mock_systems.catalogue_page`; do not edit by hand. On a command
line `o2c systems` tells the same. What each mock does in full, with its sources, is in `facts.md` of its folder under
`src/o2c_twin/mock_systems/vendors/`; how to add one is in [adding a system](adding-a-system.md).

An operation is *documented* (by the vendor), *recorded* (seen in published answers or working clients) or *assumed*
(our choice, said so). The real client is one somebody else wrote, run unmodified against the mock in the tests.
"""
_OVERVIEW = """
| system | name in an estate | family | core | operations | documented | recorded | assumed | plan | real client |
| --- | --- | --- | --- | --: | --: | --: | --: | --- | --- |"""
_SHEET = """
| write | guard | remembered | index lag | version guard | items a call | source |
| --- | --- | --- | --- | --- | --- | --- |"""


def markdown() -> str:
    """The whole page. Raises `CatalogueError`."""
    systems = catalogue()
    parts = [_HEAD, "## At a glance", _OVERVIEW.removeprefix("\n")]
    parts += [_row(each) for each in systems]
    for each in systems:
        parts += ["", *_section(each)]
    return "\n".join(parts) + "\n"


def _row(system: MockSystem) -> str:
    counts = " | ".join(str(system.standing[standing]) for standing in STANDINGS)
    client = system.client.client or "none"
    return (
        f"| [{system.vendor}](#{system.name}) | `{system.name}` | {system.family} | {system.core} "
        f"| {system.operations} | {counts} | {system.plan} | {client} |"
    )


def _section(system: MockSystem) -> Iterator[str]:
    yield f"## {system.name}"
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    yield f"| vendor | {system.vendor} |"
    yield f"| family, core | {system.family}, `roles/{system.core}` |"
    counts = ", ".join(f"{system.standing[standing]} {standing}" for standing in STANDINGS if system.standing[standing])
    yield f"| operations over HTTP | {system.operations}{f' ({counts})' if counts else ''} |"
    others = f"; plans: {', '.join(system.plans)}" if system.plans else ""
    yield f"| limits, plan {system.plan} | {'; '.join(system.limits) or 'none'}{others} |"
    switches = ", ".join(f"`{each.name}` ({_shown(each.default)})" for each in system.switches)
    yield f"| oddity switches | {switches or 'none: its oddities are always on'} |"
    client, note = system.client.client, system.client.note
    yield f"| real client | {client or 'none'}{f' ({note})' if note else ''} |"
    yield f"| promises about writes | {f'{len(system.promises)}, below' if system.promises else 'none published'} |"
    if system.promises:
        yield _SHEET
        yield from (_promise(each) for each in system.promises)


def _promise(promise: Promise) -> str:
    kept = "as long as the record" if promise.retention_s is None else f"{promise.retention_s:g} s"
    items = f"{promise.bulk_limit}{', some may fail' if promise.partial else ''}"
    cells = (
        f"`{promise.operation}`",
        promise.guard,
        kept if promise.guard in ("key", "external-id") else "",
        f"{promise.index_lag_s:g} s" if promise.index_lag_s else "",
        "" if promise.version_guard == "none" else promise.version_guard,
        items if promise.bulk_limit > 1 else "",
        promise.source.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return "not set" if default is None else str(default)


if __name__ == "__main__":
    sys.stdout.write(markdown())
