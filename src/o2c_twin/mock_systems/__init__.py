"""Mock systems: servers that speak as the vendors do.

`roles` has the business core of each kind of system, `wire` what every server does on the wire,
`vendors` one folder a dialect. Nothing here imports anything else of ours.
"""
