"""Tables 3 to 8 of the paper, as a CSV that the user names: a row a class of OpenImages."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from seals_sim.datasets.lines import require_file
from seals_sim.errors import UserError

OPENIMAGES = "openimages.csv"  # as it is kept in the folder of a run
_COLUMNS = (
    "class", "total_positives", "largest_component_percent", "average_shortest_path", "ap_random_all",
    "ap_maxent_seals", "ap_maxent_all", "ap_full_supervision", "recall_percent_random_all", "recall_percent_mlp_seals",
    "recall_percent_mlp_all",
)  # fmt: skip


def read_openimages(path: Path) -> pd.DataFrame:
    """The table, checked. Raises UserError."""
    require_file(path, "--paper-tables")
    try:
        table = pd.read_csv(path, dtype={"class": str}, keep_default_na=False, na_values={})
    except (ValueError, OSError) as error:
        raise UserError(f"--paper-tables {path}: cannot be read ({error})") from error
    if tuple(table.columns) != _COLUMNS:
        raise UserError(f"--paper-tables {path}: needs the columns {', '.join(_COLUMNS)}")
    for column in _COLUMNS[1:]:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UserError(f"--paper-tables {path}: column {column} has a cell that is no number")
    return table
