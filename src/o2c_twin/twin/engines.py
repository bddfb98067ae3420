"""The engines of a run: one hub, or one a source where the topology is point-to-point, each with its own memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import Journal

PAIRS: dict[str, tuple[str, ...]] = {"crm": ("crm",), "erp": ("erp",), "bank": ("bank", "payments")}
"""CRM to ERP, ERP to CRM, bank (and what collects into it) to ERP: by the systems each of them listens to."""


@dataclass(slots=True)
class Engines:
    """All engines of a run, and which of them a system's push goes to."""

    all: list[Engine] = field(default_factory=list)

    def pushed(self, system: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """A system's push, to whoever listens to it; 0 while nobody is there."""
        for engine in self.all:
            if system in engine.systems:
                return engine.pushed(system, body, headers)
        return (200, b"") if self.all else (0, b"")

    @property
    def orders(self) -> Engine:
        """The engine that makes orders of won deals."""
        return self.all[0]

    @property
    def journals(self) -> list[Journal]:
        """Their memories."""
        return [engine.journal for engine in self.all]


def engines_of(topology: str, make: Callable[[frozenset[str] | None], Engine]) -> Engines:
    """The engines of a topology; ``make`` gets the systems one listens to, None for all. None for ``manual``."""
    if topology == "manual":
        return Engines()
    heard = [frozenset(names) for names in PAIRS.values()] if topology == "point-to-point" else [None]
    return Engines([make(hears) for hears in heard])
