"""Requests nobody should send, made from the mock systems' own operation tables; ``benchmarks/fuzz_systems.py`` is the
command."""
