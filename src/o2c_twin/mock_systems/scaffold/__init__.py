"""The folder of a new mock system: a dialect that answers one request, and tests that say what is to be done."""

from o2c_twin.mock_systems.scaffold.roles import ROLES
from o2c_twin.mock_systems.scaffold.writing import Scaffold, ScaffoldError, scaffold

__all__ = ["ROLES", "Scaffold", "ScaffoldError", "scaffold"]
