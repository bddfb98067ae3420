"""Limits of the file service. Standing: assumed (banks publish none for host-to-host file services)."""

from o2c_twin.mock_systems.wire.limits import LimitPolicy, Window

STANDARD = LimitPolicy(
    "standard",
    windows=(Window("calls per minute", 60, 60, "app", "fixed", "assumed; one call a second is a common allowance"),),
)
