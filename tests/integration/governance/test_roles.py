"""Every role and every operation: the table as documentation shows it is what is checked."""

import pytest

from o2c_twin.integration.governance.errors import NotAllowed
from o2c_twin.integration.governance.roles import ROLES, TABLE, as_markdown, check

DOCUMENTED = """\
| operation | sales | credit | finance | operations | auditor |
| --- | --- | --- | --- | --- | --- |
| status | yes | yes | yes | yes | yes |
| list cases | yes | yes | yes | yes | yes |
| edit case | no | yes | yes | yes | no |
| replay | no | no | no | yes | no |
| compensate | no | no | no | yes | no |
| release hold | no | four eyes | no | no | no |
| approve | no | yes | yes | yes | no |
| write-off | no | no | four eyes | no | no |
| mapping release | no | no | no | four eyes | no |
| sweep | no | no | yes | yes | no |
| repair plan apply | no | no | no | four eyes | no |
| pause flow | no | no | no | yes | no |
| resume flow | no | no | no | yes | no |
| backfill | no | no | no | four eyes | no |
| list dead letters | no | no | no | yes | yes |
| revive dead letters | no | no | no | yes | no |
| discard dead letters | no | no | no | four eyes | no |
| read audit | no | no | no | no | yes |
| erase subject | no | no | no | four eyes | no |
| read secrets | no | no | no | no | no |
"""
ROWS = [[cell.strip() for cell in line.strip("| ").split("|")] for line in DOCUMENTED.splitlines()]
CELLS = [(role, row[0], right) for row in ROWS[2:] for role, right in zip(ROWS[0][1:], row[1:], strict=True)]


def test_the_documentation_is_made_from_the_table():
    assert as_markdown() == DOCUMENTED


@pytest.mark.parametrize(("role", "operation", "right"), CELLS)
def test_a_role_may_do_what_its_cell_says(role, operation, right):
    if right == "no":
        with pytest.raises(NotAllowed, match=f"{role} may not {operation}; "):
            check(role, operation)
    else:
        assert check(role, operation) == right


def test_no_cell_was_left_out():
    assert len(CELLS) == len(ROLES) * len(TABLE) == 100


def test_a_refusal_names_who_may():
    with pytest.raises(NotAllowed, match="sales may not edit case; ask credit or finance or operations"):
        check("sales", "edit case")
    with pytest.raises(NotAllowed, match="auditor may not read secrets; nobody may"):
        check("auditor", "read secrets")


@pytest.mark.parametrize(
    ("role", "operation", "said"),
    [
        ("operation", "status", "no role 'operation'; did you mean 'operations'"),
        ("admin", "status", "no role 'admin'; there are: sales, credit"),
        ("", "status", "no role ''"),
        ("Operations", "status", "no role 'Operations'; did you mean 'operations'"),
        ("operations", "replays", "no operation 'replays'; did you mean 'replay'"),
        ("operations", "", "no operation ''"),
    ],
)
def test_what_does_not_exist_is_not_allowed(role, operation, said):
    with pytest.raises(NotAllowed, match=said):
        check(role, operation)
