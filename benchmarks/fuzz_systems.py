"""Requests nobody should send, at every operation of every mock system: what crashes, and what answers 5xx.

Requests are made from the operation tables: paths with ids the system has told, bodies from the operations' types
and from records it has answered with, each with something wrong. They travel through the ASGI application, as a real
client's do. No fault is armed, so that an exception, a status of 500 or more, an answer that is not the JSON it says
it is, and a refusal that changed the books are all the mock's own.
Options: --requests N, --system NAME (repeat it for more), --seed S, --show N, --json. Exit code 1 with findings.
The making and judging of requests is in ``fuzz/``.
"""

from fuzz.command import main

if __name__ == "__main__":
    main(__doc__)
