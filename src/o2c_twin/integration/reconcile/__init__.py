"""Reconciliation: what the systems hold is compared, sweep by sweep, and differences become a plan of repairs."""
