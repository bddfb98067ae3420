"""The business core of each kind of system, whoever made it. A core knows no vendor and no wire.

Dialects and people act on a core alike: people as users of the system's screens would.
"""
