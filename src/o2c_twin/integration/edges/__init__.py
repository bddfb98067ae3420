"""Edges: how events reach the engine other than by a vendor's push or poll: queues, dropped files, staging tables."""
