"""Connectors: one a vendor, canonical words to and from the vendor's wire."""
