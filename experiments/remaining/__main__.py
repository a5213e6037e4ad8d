"""How many positives remain: sessions whose end is known, and what their answers foretell.

`record` runs sessions on one labeled table; `fit` learns from the sessions of several tables what the answers so far
say about the rest, and measures on each table what was learned on the others. `stops` runs the sessions of a table
again for stopping rules that need scores, and `compare` says of each rule when it would have stopped, and how often too
early.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seals_sim.cli.terminal import flatten, make_cli, run_cli
from seals_sim.options import PositiveInt
from seals_sim.replay.inputs import InputOptions

app = make_cli("python -m experiments.remaining", __doc__)


@app.command
def record(
    out: Path,
    name: str,
    /,
    *,
    inputs: Annotated[InputOptions, flatten("Data")] = InputOptions(),
    model: str = "wordllama",
    concepts: PositiveInt = 60,
    budget: PositiveInt = 1000,
    seed: int = 0,
) -> None:
    """Run sessions, and add them to a table of sessions.

    Args:
        out: sessions.csv.gz, that of other tables, too.
        name: Of the data, for the report.
        inputs: The data.
        model: Of the embedding, where the data are texts.
        concepts: How many sessions, each for another concept.
        budget: Answers of each.
        seed: Of all that is drawn.
    """
    from experiments.remaining.command import record_sessions

    record_sessions(out, name, inputs, model, concepts, budget, seed)


@app.command
def fit(sessions: Path, /, *, out: Annotated[Path, Parameter(required=True)]) -> None:
    """Learn the forecast, and measure it on tables that it was not learned on.

    Args:
        sessions: What `record` wrote.
        out: Folder of the report.
    """
    from experiments.remaining.command import report_forecast

    print(report_forecast(sessions, out))


@app.command
def stops(
    sessions: Path,
    out: Path,
    name: str,
    /,
    *,
    inputs: Annotated[InputOptions, flatten("Data")] = InputOptions(),
    model: str = "wordllama",
    seed: int = 0,
) -> None:
    """Run the sessions of a table again, and note where rules that need scores would have stopped.

    Args:
        sessions: What `record` wrote.
        out: stops.csv.gz, that of other tables, too.
        name: Of the data, as it was recorded.
        inputs: The data.
        model: Of the embedding, where the data are texts.
        seed: That of `record`.
    """
    from experiments.remaining.command import record_stops

    record_stops(sessions, out, name, inputs, model, seed)


@app.command
def compare(sessions: Path, stops: Path, /, *, out: Annotated[Path, Parameter(required=True)]) -> None:
    """Compare stopping rules: answers and recall where each stops, and how often the target is reached.

    Args:
        sessions: What `record` wrote.
        stops: What `stops` wrote.
        out: Folder of the report.
    """
    from experiments.remaining.command import report_rules

    print(report_rules(sessions, stops, out))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
