"""Makes the generator of customer masters available to the tests; the benchmark loads the same file."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def customer_masters():
    """The module `customer_masters.py` beside this file."""
    spec = spec_from_file_location("customer_masters", Path(__file__).with_name("customer_masters.py"))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
