"""`seals report`: one command for the reports of all experiments."""

from __future__ import annotations

import importlib
from pathlib import Path

from seals_sim.errors import UserError
from seals_sim.replay.config import read_config

_WRITERS = {
    "replay": "seals_sim.replay.report",
    "paper": "experiments.paper.report",
    "beyond": "experiments.beyond.report",
    "claims": "experiments.claims.report",
    "goodreads": "experiments.goodreads.report",
    "theory_bounds": "experiments.theory_bounds.report",
}


def redraw(folder: Path) -> Path:
    """Rewrite the report of a run, with the experiment that its config.json names.

    Returns:
        The page.

    Raises:
        UserError: If the folder holds no finished run, or its experiment is not installed.
    """
    experiment = read_config(folder)["experiment"]
    if experiment not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise UserError(f"{folder / 'config.json'}: unknown experiment {experiment!r}; must be one of {known}")
    try:
        module = importlib.import_module(_WRITERS[experiment])
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] != "experiments":
            raise
        problem = f"{folder} is a run of experiments.{experiment}; redraw it from a checkout of seals-sim"
        raise UserError(problem) from error
    page: Path = module.write_report(folder)
    return page
