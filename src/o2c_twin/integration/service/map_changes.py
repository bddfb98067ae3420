"""What changed maps would have made of past documents, map by map: for whoever is to release them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from o2c_twin.integration.mappings import Difference, MapSet, replay
from o2c_twin.integration.service.past_documents import SOURCES, past_documents
from o2c_twin.integration.store import Effect


def changed_maps(before: MapSet, after: MapSet) -> tuple[str, ...]:
    """Maps of both sets that do something else than before, by name."""
    both = sorted(set(before.specs) & set(after.specs))
    return tuple(name for name in both if after.content_hash(name) != before.content_hash(name))


def differences(
    before: MapSet, after: MapSet, entity: str, effects: Sequence[Effect], opened: Callable[[Effect], Effect]
) -> dict[str, Any]:
    """By changed map: the outcome of its replay as plain data, amounts in minor units; or why nothing was tried."""
    told: dict[str, Any] = {}
    for name in changed_maps(before, after):
        old, new = (
            each.compiled(name, entity if entity in each.specs[name].entities else "") for each in (before, after)
        )
        if old.spec.source not in SOURCES:
            told[name] = {"documents": 0, "note": f"the journal keeps no {old.spec.source}; nothing was tried"}
            continue
        told[name] = plain(replay(old, new, past_documents(effects, old, opened, after.rates)))
    return told


def plain(found: Difference) -> dict[str, Any]:
    """The outcome of a replay as JSON has it."""
    return {
        "documents": found.documents,
        "fields": found.fields,
        "money": {
            currency: {"old": money.old, "new": money.new, "moved": money.moved}
            for currency, money in sorted(found.money.items())
        },
        "changes": [
            {
                "key": change.key,
                "fields": [
                    {"path": each.path, "old": _value(each.old), "new": _value(each.new)} for each in change.fields
                ],
                "currency": change.currency,
                "old_worth": change.old_worth,
                "new_worth": change.new_worth,
                "refused_old": change.refused_old,
                "refused_new": change.refused_new,
            }
            for change in found.changes
        ],
        "lines": list(found.lines()),
    }


def lines_of(told: dict[str, Any], most: int = 20) -> Iterable[str]:
    """The differences for people, with the first ``most`` documents of each map."""
    for name, each in told.items():
        yield f"{name}:"
        for line in each.get("lines", [each.get("note", "")]):
            yield f"  {line}"
        for change in each.get("changes", [])[:most]:
            yield f"  {change['key']}: {_words(change)}"


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _words(change: dict[str, Any]) -> str:
    if change["refused_new"]:
        return f"newly refused: {change['refused_new']}"
    if change["refused_old"]:
        return "no longer refused"
    return ", ".join(f"{each['path']} {each['old']} -> {each['new']}" for each in change["fields"][:5])
