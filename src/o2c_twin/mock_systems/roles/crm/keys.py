"""Finds records by the values of some of their fields, without a scan."""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

Read = Callable[[Any], Any]


class Keys:
    """An index over named fields, core or custom, of each kind of record.

    ``types`` are the record types by kind; ``unique`` and ``shared`` name, by kind, the fields whose
    values only one record, or several, may have. Values are compared as text.
    """

    def __init__(
        self,
        types: Mapping[str, type],
        unique: Mapping[str, Iterable[str]],
        shared: Mapping[str, Iterable[str]],
    ) -> None:
        self._types = dict(types)
        self.unique = {kind: tuple(fields) for kind, fields in unique.items()}
        self._reads: dict[str, tuple[tuple[str, Read], ...]] = {}
        for kind, type_ in types.items():
            names = dict.fromkeys((*unique.get(kind, ()), *shared.get(kind, ())))
            self._reads[kind] = tuple((name, _reader(type_, name)) for name in names)
        self._ids: dict[tuple[str, str, str], dict[str, None]] = {}

    def clear(self) -> None:
        """Forget all records."""
        self._ids.clear()

    def add_unique(self, kind: str, field: str, records: Iterable[Any]) -> None:
        """Begin to index a field that only one record may have a value of; ``records`` are those there are."""
        self.unique[kind] = tuple(dict.fromkeys((*self.unique.get(kind, ()), field)))
        if self.knows(kind, field):
            return
        read = _reader(self._types[kind], field)
        self._reads[kind] = (*self._reads[kind], (field, read))
        for record in records:
            value = read(record)
            if value is not None:
                self._ids.setdefault((kind, field, str(value)), {})[record.id] = None

    def knows(self, kind: str, field: str) -> bool:
        """Whether records of ``kind`` can be found by ``field``."""
        return any(name == field for name, _ in self._reads[kind])

    def find(self, kind: str, field: str, value: str) -> list[str]:
        """Ids of the records whose ``field`` has this value, in the order they came by it."""
        return list(self._ids.get((kind, field, value), ()))

    def add(self, kind: str, record: Any) -> None:
        """Take in a record as it is now."""
        for field, read in self._reads[kind]:
            value = read(record)
            if value is not None:
                self._ids.setdefault((kind, field, str(value)), {})[record.id] = None

    def drop(self, kind: str, record: Any) -> None:
        """Forget a record; to be called before it changes."""
        for field, read in self._reads[kind]:
            value = read(record)
            if value is not None:
                key = (kind, field, str(value))
                ids = self._ids[key]
                ids.pop(record.id, None)
                if not ids:
                    del self._ids[key]

    def touched(self, kind: str, values: Mapping[str, Any], custom: Mapping[str, Any]) -> bool:
        """Whether a change of these fields changes the index."""
        return any(field in values or field in custom for field, _ in self._reads[kind])


def _reader(type_: Any, name: str) -> Read:
    if name in type_.__struct_fields__:
        return attrgetter(name)
    return lambda record: record.custom.get(name)
