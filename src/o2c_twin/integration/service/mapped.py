"""A connector that can be given other maps while it is at work."""

from collections.abc import Callable
from typing import Any

from o2c_twin.integration.connectors.own_maps import OwnMaps


class Mapped:
    """Stands where the connector does. ``made`` makes one that works by other maps; calls under way end with theirs."""

    def __init__(self, made: Callable[[OwnMaps | None], Any], maps: OwnMaps | None) -> None:
        self._made = made
        self._connector = made(maps)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    def use(self, maps: OwnMaps | None) -> None:
        """Work by other maps from the next call on. Raises `MappingError`, and then works as before."""
        self._connector = self._made(maps)
