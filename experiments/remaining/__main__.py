"""How many positives remain: forecasts from the answers of a session, measured on sessions with a known outcome.

`record` runs sessions on one labeled table. `fit` learns from the sessions of several tables what the answers so far
say about the rest, and measures on each table what it learned on the others. `stops` reruns the sessions of a table for
stopping rules that need scores. `compare` reports when each rule would have stopped, and how often too early.
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
        out: sessions.csv.gz; may already hold sessions of other tables.
        name: Name of the data, for the report.
        inputs: The data.
        model: Embedding model, if the data are texts.
        concepts: Number of sessions, each for a different concept.
        budget: Answers per session.
        seed: Seed for all random draws.
    """
    from experiments.remaining.command import record_sessions

    record_sessions(out, name, inputs, model, concepts, budget, seed)


@app.command
def fit(sessions: Path, /, *, out: Annotated[Path, Parameter(required=True)]) -> None:
    """Learn the forecast, and measure it on tables that were not used to learn it.

    Args:
        sessions: The file written by `record`.
        out: Folder for the report.
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
    """Rerun the sessions of a table, and note where rules that need scores would have stopped.

    Args:
        sessions: The file written by `record`.
        out: stops.csv.gz; may already hold stops of other tables.
        name: Name of the data, as given to `record`.
        inputs: The data.
        model: Embedding model, if the data are texts.
        seed: The seed given to `record`.
    """
    from experiments.remaining.command import record_stops

    record_stops(sessions, out, name, inputs, model, seed)


@app.command
def compare(sessions: Path, stops: Path, /, *, out: Annotated[Path, Parameter(required=True)]) -> None:
    """Compare stopping rules: answers and recall where each one stops, and how often it reaches the target.

    Args:
        sessions: The file written by `record`.
        stops: The file written by `stops`.
        out: Folder for the report.
    """
    from experiments.remaining.command import report_rules

    print(report_rules(sessions, stops, out))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
