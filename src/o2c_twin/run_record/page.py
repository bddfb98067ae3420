"""The documentation page of the run record, written from the schema: ``python -m o2c_twin.run_record.page``."""

import sys

from o2c_twin.run_record.schema import SCHEMA_VERSION, TABLES

_HEAD = f"""# The run record

Made from `o2c_twin/run_record/schema.py` by `python -m o2c_twin.run_record.page`; do not edit by hand.

A run leaves a directory with `manifest.json` and one Parquet file (zstd) for each table below. Schema
version {SCHEMA_VERSION}. Instants are UTC timestamps with microseconds; money is a signed 64-bit integer in
minor units of the row's currency. `deal_id` and `customer_id` are the truth's own names, so one deal keeps
its name through every system.

The manifest holds: `schema_version`, `scenario`, `title`, `story`, `seed`, `design` (axis to value),
`settings` (the world's figures), `systems` (role to vendor), `maps` (own field maps to the hash of what they
do), `entity` (legal entity, `*` where each deal says its own), `start`, `horizon_end` (end of the measured
period), `end` (after the systems came to rest), `currency`, `orders` (won deals), `api_calls`, `virtual_days`,
`violations` (count), `trace_hash`, `versions`, `wall_s`. All but `wall_s` are the same for the same plan and seed.
"""


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    for table in TABLES:
        parts.append(f"## {table.name}\n\n{table.meaning}\n\n| column | type | meaning |\n| --- | --- | --- |")
        for column in table.columns:
            kind = f"{column.type}, may be empty" if column.nullable else column.type
            parts.append(f"| `{column.name}` | {kind} | {column.meaning} |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(markdown())
