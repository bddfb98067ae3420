"""One table's column looked up by name in another table."""

import pandas as pd


def looked_up(names: pd.Series, by_name: pd.Series) -> pd.Series:
    """For each name the value that ``by_name`` holds under it; empty where it holds none.

    The result keeps the index of ``names`` and the type of ``by_name``, also when a table is empty
    (`Series.map` turns an empty column of instants into floats). Of a name held twice the first counts.
    """
    unique = by_name[~by_name.index.duplicated()]
    return unique.reindex(pd.Index(names)).set_axis(names.index)
