"""The twin: virtual time, the world, the truth, and one run of an estate."""
