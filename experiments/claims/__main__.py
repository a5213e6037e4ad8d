"""The ledger of claims: each checkable claim of the paper, its test, the measurement, and a verdict by a stated rule.

It is built from the stored reports of the other experiments. If a report is missing, the ledger lists the command that
makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from experiments.claims.options import ClaimOptions
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.replay.options import RunOptions

app = make_cli("python -m experiments.claims", __doc__)


@app.default
def claims(
    *,
    execution: Annotated[RunOptions, flatten("Run")],
    options: Annotated[ClaimOptions, flatten("Sources")] = ClaimOptions(),
) -> None:
    """Test every claim, and write the ledger."""
    from experiments.claims.command import run_claims

    run_claims(options, execution, render_command("python -m experiments.claims", options, execution))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
