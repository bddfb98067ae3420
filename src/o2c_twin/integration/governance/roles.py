"""Who may do what: one table of roles and engine operations."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from o2c_twin.integration.governance.errors import NotAllowed

Right = Literal["yes", "four eyes", "no"]
"""``four eyes``: only with an approval by somebody else; see `approvals`."""

ROLES = ("sales", "credit", "finance", "operations", "auditor")
_ORDERED = """
status             yes  yes        yes        yes        yes
list cases         yes  yes        yes        yes        yes
edit case          no   yes        yes        yes        no
replay             no   no         no         yes        no
compensate         no   no         no         yes        no
release hold       no   four-eyes  no         no         no
approve            no   yes        yes        yes        no
write-off          no   no         four-eyes  no         no
mapping release    no   no         no         four-eyes  no
sweep              no   no         yes        yes        no
repair plan apply  no   no         no         four-eyes  no
pause flow         no   no         no         yes        no
resume flow        no   no         no         yes        no
backfill           no   no         no         four-eyes  no
list dead letters  no   no         no         yes        yes
revive dead letters no  no         no         yes        no
discard dead letters no no         no         four-eyes  no
read audit         no   no         no         no         yes
erase subject      no   no         no         four-eyes  no
read secrets       no   no         no         no         no
"""


def _table() -> Mapping[str, Mapping[str, Right]]:
    rights: dict[str, Right] = {"yes": "yes", "no": "no", "four-eyes": "four eyes"}
    rows = [line.split() for line in _ORDERED.strip().splitlines()]
    width = len(ROLES)
    return MappingProxyType(
        {
            " ".join(row[:-width]): MappingProxyType(
                {role: rights[cell] for role, cell in zip(ROLES, row[-width:], strict=True)}
            )
            for row in rows
        }
    )


TABLE = _table()
"""Operation to role to right. Nobody reads a secret: programs are given them, see `secrets`."""


def check(role: str, operation: str) -> Right:
    """``yes``, or ``four eyes`` where somebody else must approve first.

    Raises `NotAllowed` for everything else, also for a role or an operation that does not exist.
    """
    rights = TABLE.get(operation)
    if rights is None:
        raise NotAllowed(f"no operation {operation!r}; {_near(operation, TABLE)}")
    right = rights.get(role)
    if right is None:
        raise NotAllowed(f"no role {role!r}; {_near(role, ROLES)}")
    if right == "no":
        who = [each for each, its in rights.items() if its != "no"]
        remedy = f"ask {' or '.join(who)}" if who else "nobody may; programs are given what they need"
        raise NotAllowed(f"{role} may not {operation}; {remedy}")
    return right


def _near(given: str, names: "tuple[str, ...] | Mapping[str, object]") -> str:
    near = get_close_matches(given, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"


def as_markdown() -> str:
    """The table as documentation shows it."""
    head = f"| operation | {' | '.join(ROLES)} |\n|{' --- |' * (len(ROLES) + 1)}\n"
    rows = (f"| {name} | {' | '.join(rights[role] for role in ROLES)} |\n" for name, rights in TABLE.items())
    return head + "".join(rows)
