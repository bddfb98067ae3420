"""How each operation is done: by a role that may, and on the audit trail, whether it was done or refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from o2c_twin.integration.governance.errors import NotAllowed
from o2c_twin.integration.governance.roles import check
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.store import Journal

Trail = Callable[[str, str, str, str], None]
"""Called with who, operation, subject and outcome."""


class Doing:
    """``with doing(who, operation, subject) as told:`` around an operation; ``told["outcome"]`` is what the trail says.

    Raises `Refused` (403) for a role that may not.
    """

    def __init__(self, journal: Journal, trail: Trail) -> None:
        self._journal = journal
        self._trail = trail

    @contextmanager
    def __call__(
        self, who: Principal, operation: str | None, subject: str, what: str | None = None, *, waits: bool = False
    ) -> Iterator[dict[str, str]]:
        """The operation by its right (None: it needs none), under the name ``what`` where that is another one.

        What is done and its audit entry are one commit, but for an operation that ``waits`` for systems: no
        transaction is held meanwhile.
        """
        told, name = {"outcome": "done"}, what or operation or ""
        try:
            with nullcontext() if waits else self._journal.together():
                if operation is not None:
                    try:
                        check(who.role, operation)
                    except NotAllowed as no:
                        raise Refused(403, str(no)) from no
                yield told
                self._trail(who.name, name, subject, told["outcome"])
        except Refused:
            self._trail(who.name, name, subject, "refused")
            raise
