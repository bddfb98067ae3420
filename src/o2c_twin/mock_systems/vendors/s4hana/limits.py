"""How many calls are let through. SAP publishes no figures for OData in S/4HANA; both limits are configuration."""

from o2c_twin.mock_systems.vendors.s4hana.config import S4HanaConfig
from o2c_twin.mock_systems.wire.limits import Concurrency, LimitPolicy, Window

NONE_PUBLISHED = "none published; a figure of this installation"


def policy(config: S4HanaConfig) -> LimitPolicy:
    """The limits of an installation: dialog work processes, and what a gateway before it admits."""
    windows: tuple[Window, ...] = ()
    if config.front == "gateway" and config.gateway_per_minute is not None:
        windows = (Window("gateway", config.gateway_per_minute, 60, "app", source=NONE_PUBLISHED),)
    processes: tuple[Concurrency, ...] = ()
    if config.work_processes is not None:
        processes = (Concurrency("work processes", config.work_processes, "tenant", source=NONE_PUBLISHED),)
    return LimitPolicy(config.front, windows, processes)
