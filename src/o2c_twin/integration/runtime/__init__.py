"""The runtime: inbox, lanes, journal, retries, dead letters."""
