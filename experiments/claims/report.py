"""Draw the page of the ledger from its rows alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from typing_extensions import TypedDict

from experiments.claims.claim import Verdict
from experiments.claims.ledger import COLUMNS, list_commands
from seals_sim.errors import UserError
from seals_sim.replay.config import CONFIG, read_config_of
from seals_sim.replay.page import read_rows, write_page
from seals_sim.replay.seal import explaining_misfits, require_sealed

LEDGER = "claims.csv"
RUN_FILES = (CONFIG, LEDGER)


class _Config(TypedDict):
    """The required content of a ledger's config.json."""

    command: str
    reports: str


def write_report(folder: Path) -> Path:
    """Write or rewrite the page of a ledger.

    Args:
        folder: The folder of the ledger, with config.json and claims.csv.

    Returns:
        The page.

    Raises:
        UserError: If one of these files is missing or damaged.
    """
    config = read_config_of("claims", folder, _Config)
    is_sealed = require_sealed(folder, RUN_FILES)
    rows = read_rows(folder / LEDGER, COLUMNS, keep_default_na=False)
    unknown = set(rows["verdict"]) - set(Verdict)
    if unknown:
        raise UserError(f"{folder / LEDGER}: unknown verdict {min(unknown)!r}; copy the file again")
    with explaining_misfits(folder, is_sealed):
        page = folder / "index.html"
        counts = rows["verdict"].value_counts()
        write_page(
            page,
            "claims.html",
            package="experiments.claims",
            config=config,
            counts={str(verdict): int(counts.get(verdict, 0)) for verdict in Verdict},
            sections={str(title): part.to_dict("records") for title, part in rows.groupby("section", sort=False)},
            n_claims=len(rows),
            commands=[*list_commands().items(), *_list_exact(rows)],
        )
        return page


def _list_exact(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """The commands of single claims, if the sources' commands make more than the claims were measured on."""
    known = set(list_commands().values())
    found = {
        command: row.data
        for row in rows.itertuples()
        for command in str(row.command).split(" && ")
        if command and command not in known
    }
    return [(data, command) for command, data in found.items()]
