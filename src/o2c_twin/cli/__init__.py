"""The command line `o2c`: runs scenarios, compares them, writes reports, serves an estate live."""
