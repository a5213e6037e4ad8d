"""All claims, in the order of the paper, and the table of their verdicts."""

from __future__ import annotations

import pandas as pd

from experiments.claims.claim import Claim, Section
from experiments.claims.sections import (
    appendix,
    classes,
    costs,
    goodreads,
    introduction,
    learning,
    problem,
    proofs,
    searching,
    structure,
    theorems,
)
from experiments.claims.stored import OPENIMAGES, SOURCES, StoredRuns, get_source

SECTIONS: tuple[Section, ...] = tuple(
    module.SECTION
    for module in (
        introduction, problem, costs, theorems, learning, searching, structure, proofs, appendix, classes, goodreads,
    )
)  # fmt: skip
COLUMNS = (
    "number", "section", "place", "words", "claim", "data", "test", "rule", "measured", "verdict", "why", "sources",
    "command",
)  # fmt: skip
LEDGER_COMMAND = "python -m experiments.claims --out reports/claims"


def list_claims() -> list[tuple[Section, Claim]]:
    """Every claim with its section."""
    return [(section, claim) for section in SECTIONS for claim in section.claims]


def list_commands() -> dict[str, str]:
    """The command that makes each source, by the data that it covers."""
    commands = {source.data: source.command for source in (*SOURCES.values(), OPENIMAGES)}
    return {**commands, "computed": LEDGER_COMMAND}


def evaluate_claims(runs: StoredRuns) -> pd.DataFrame:
    """Test every claim.

    Args:
        runs: The stored runs.

    Returns:
        One row of COLUMNS per claim.

    Raises:
        UserError: If a report file is damaged.
    """
    rows = []
    for number, (section, claim) in enumerate(list_claims(), start=1):
        finding = claim.evaluate(runs)
        sources = dict.fromkeys(get_source(name) for name in claim.sources)
        data = ", ".join(source.data for source in sources)
        exact = [runs.read_command(folder) for folder in finding.folders]
        command = " && ".join(exact or [source.command for source in sources])
        is_computed = claim.test != "none" and not sources
        rows.append(
            (
                number, section.title, claim.place, claim.words, claim.says, data or "computed" * is_computed,
                claim.test, claim.rule, finding.measured, str(finding.verdict), finding.why, " ".join(claim.sources),
                command or LEDGER_COMMAND * is_computed,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
