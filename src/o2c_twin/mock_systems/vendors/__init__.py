"""The dialects: one folder a vendor."""
