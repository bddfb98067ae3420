"""o2c-twin: a digital twin and test harness of a company's order-to-cash estate."""

__version__ = "0.1.0"
