"""The options of the ledger of claims."""

from __future__ import annotations

from pathlib import Path

from pydantic.dataclasses import dataclass

from seals_sim.options import CHECKED, GivenPath


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ClaimOptions:
    """What the ledger is drawn from."""

    reports: GivenPath = Path("reports")
    """Folder of the reports of the other experiments; what is not there is listed as not run."""
    paper_tables: GivenPath | None = None
    """Tables 3 to 8 of the paper as a CSV, a row per class of OpenImages; without them those claims are not run."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ClaimProtocol:
    """Nothing: a ledger is made anew each time, from whatever the reports say then."""
