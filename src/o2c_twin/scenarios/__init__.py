"""What to try: scenarios as short YAML files, read with place and remedy of every mistake, planned into runs.

`catalogue` lists the shipped ones, `load` reads one by name or path, `Scenario.plan` makes the plan of a run.
"""

from o2c_twin.scenarios.errors import ScenarioError
from o2c_twin.scenarios.expectations import Condition, Expectation
from o2c_twin.scenarios.library import catalogue, load, names, text_of
from o2c_twin.scenarios.reader import parse
from o2c_twin.scenarios.scenario import Scenario

__all__ = [
    "Condition",
    "Expectation",
    "Scenario",
    "ScenarioError",
    "catalogue",
    "load",
    "names",
    "parse",
    "text_of",
]
