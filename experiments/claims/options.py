"""Options of the ledger of claims."""

from __future__ import annotations

from pathlib import Path

from pydantic.dataclasses import dataclass

from seals_sim.options import CHECKED, GivenPath


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ClaimOptions:
    """The files that the ledger is built from."""

    reports: GivenPath = Path("reports")
    """Folder with the reports of the other experiments. Claims without a report are listed as not run."""
    paper_tables: GivenPath | None = None
    """Tables 3 to 8 of the paper as a CSV, one row per OpenImages class. Without it, the claims about them are not
    run."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ClaimProtocol:
    """No options: the ledger is rebuilt each time from what the reports say then."""
