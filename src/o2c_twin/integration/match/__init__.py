"""Matching: cash to invoices."""
