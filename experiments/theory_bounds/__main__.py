"""Theorems 1-3 checked: Algorithms 3 and 4 on separable problems with known answers (sections 4, 7.2, 7.3).

By default the whole bench runs: every dimension at gamma / delta = 20 and every gamma / delta in 10 dimensions, on
three kinds of problems, the pool-based case, and the studies. If you give problems, algorithms, dimensions or
gamma / delta, all combinations of the given values run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from experiments.theory_bounds.options import TheoryExecution, TheoryOptions
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli

app = make_cli("python -m experiments.theory_bounds", __doc__)


@app.default
def theory_bounds(
    *,
    execution: Annotated[TheoryExecution, flatten("Run")],
    options: Annotated[TheoryOptions, flatten("What to run")] = TheoryOptions(),
) -> None:
    """Run the bench and write its report."""
    from experiments.theory_bounds.command import run_bench

    command = render_command("python -m experiments.theory_bounds", options, execution)
    print("\n".join(run_bench(options, execution, command)))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
