"""What each write promises, by edge. No edge answers: what became of a document is found out, if at all.

File: a file can be looked for in ``in``, ``in/archive`` and ``in/error`` at any time, and its documents in the
acknowledgements. Table: the row itself tells. Queue: a message id is remembered for a week. A change of a
customer overwrites what was there, under the record's own id: sent again it does nothing new. Source: facts.md.
"""

from o2c_twin.mock_systems.wire.capability import Guard, Promise

MESSAGE_MEMORY_S = 7 * 86_400.0
_DOCUMENTS = ("customer", "order", "cash", "billing")
_GUARDS: dict[str, tuple[Guard, float | None]] = {
    "file": ("query", None),
    "table": ("query", None),
    "queue": ("key", MESSAGE_MEMORY_S),
}

PROMISES: tuple[Promise, ...] = tuple(
    Promise(
        f"{edge}.{document}",
        guard,
        retention_s=retention,
        bulk_limit=10_000 if edge == "file" else 1,
        partial=edge == "file",
        source="assumed: facts.md, capability promises",
    )
    for edge, (guard, retention) in _GUARDS.items()
    for document in _DOCUMENTS
) + tuple(
    Promise(f"{edge}.customer-change", "external-id", source="assumed: facts.md, capability promises")
    for edge in _GUARDS
)
