"""Governance: who may do what, who masters what, what is on record, what is forgotten, and what is never shown."""
