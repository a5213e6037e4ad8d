"""Tables 3 to 8 of the paper as one CSV that the user provides, with one row per OpenImages class."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.replay.page import read_rows

OPENIMAGES = "openimages.csv"  # the copy in a run's folder
N_CLASSES = 153
_COLUMNS = (
    "class", "total_positives", "largest_component_percent", "average_shortest_path", "ap_random_all",
    "ap_maxent_seals", "ap_maxent_all", "ap_full_supervision", "recall_percent_random_all", "recall_percent_mlp_seals",
    "recall_percent_mlp_all",
)  # fmt: skip


def read_openimages(path: Path) -> pd.DataFrame:
    """Read and check the table.

    Raises:
        UserError: If the file is missing, unreadable or cut off, or has other columns or classes.
    """
    table = read_rows(path, _COLUMNS, dtype={"class": str}, keep_default_na=False, na_values={})
    for column in _COLUMNS[1:]:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UserError(f"{path}: column {column} must hold numbers")
    if len(table) != N_CLASSES:
        raise UserError(f"{path}: has {len(table)} classes; Tables 3 to 8 of the paper have {N_CLASSES}")
    return table
