"""What the installation remembers besides its books; a snapshot is this, the books and the media."""

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.layouts import Document


class BatchState(msgspec.Struct):
    """The batch side of one installation.

    ``outbox``: documents an edge has still to write, by edge and type. ``held``: acknowledgements that wait for
    the next window. ``changed``: records to extract, by kind. ``files_seen``: inbound files by sender and
    number. ``sent``: the last outbound files by name. ``messages``: ids worked, and when. ``deliveries``: of
    messages that could not be read. ``again``: outbound files asked for once more.
    """

    outbox: dict[str, dict[str, list[Document]]] = {}
    held: dict[str, list[Document]] = {}
    changed: dict[str, dict[str, None]] = {}
    files_seen: dict[str, str] = {}
    sent: dict[str, bytes] = {}
    again: list[str] = []
    messages: dict[str, int] = {}
    deliveries: dict[str, int] = {}
    file_number: int = 0
    batch_number: int = 0
    message_number: int = 0
    rounds: int = 0
    loaded: bool = False

    def put(self, edge: str, documents: list[Document]) -> None:
        """Put documents into an edge's outbox."""
        types = self.outbox.setdefault(edge, {})
        for document in documents:
            types.setdefault(document.type, []).append(document)
