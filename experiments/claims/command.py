"""The ledger, from the stored runs to the page."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from experiments.claims.ledger import evaluate_claims
from experiments.claims.options import ClaimOptions, ClaimProtocol
from experiments.claims.report import LEDGER, RUN_FILES, write_report
from experiments.claims.stored import PAPER_TABLES, StoredRuns
from seals_sim.disk.files import require_writable
from seals_sim.replay.config import CONFIG
from seals_sim.replay.options import RunOptions
from seals_sim.replay.seal import explaining_misfits, sealing
from seals_sim.replay.store import RunFolder, RunIdentity, get_versions, to_json, write_csv


def run_claims(options: ClaimOptions, execution: RunOptions, command: str = "") -> Path:
    """Test every claim on the stored runs, and rewrite the ledger.

    Args:
        options: The files it is built from.
        execution: Where to write it.
        command: The command as typed, for the report.

    Returns:
        The page of the ledger.

    Raises:
        UserError: If the reports are missing or damaged, or the folder holds anything but a ledger. Nothing is written
            then.
    """
    runs = StoredRuns(options.reports, options.paper_tables)
    with explaining_misfits(options.reports, is_sealed=False):
        ledger = evaluate_claims(runs)
    about = {
        "command": command,
        "execution": to_json(execution),
        "input": to_json(options),
        "versions": get_versions(("seals-sim", "numpy", "scipy", "pandas")),
        "reports": Path(os.path.relpath(options.reports, execution.out)).as_posix(),
    }
    folder = RunFolder(execution.out, RunIdentity("claims", ClaimProtocol(), None), about)
    require_writable(execution.out, "out")
    (folder.path / CONFIG).unlink(missing_ok=True)  # it describes the previous ledger
    folder.begin()
    with sealing(folder.path, RUN_FILES):
        write_csv(folder.path / LEDGER, ledger)
    page = write_report(folder.path)
    if not execution.quiet:
        if options.paper_tables is None:
            print(f"claims about OpenImages classes are not run without --paper-tables {PAPER_TABLES}", file=sys.stderr)
        print(page, file=sys.stderr)
    return page
