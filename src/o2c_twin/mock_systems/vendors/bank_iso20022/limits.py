"""Limits of the feed. Standing: assumed (banks publish none for host-to-host feeds)."""

from o2c_twin.mock_systems.wire.limits import LimitPolicy, Window

STANDARD = LimitPolicy(
    "standard",
    windows=(
        Window("calls per minute", 60, 60, "app", "fixed", "assumed; bank feeds commonly allow one call a second"),
    ),
)
