"""Spoilers in Goodreads reviews (section 7.12), at the paper's size on one machine: 17.67 million sentences.

Nothing is held in memory whole. Reading, embedding, whitening and indexing are stages that save their results in a work
folder and resume where they were stopped. The data file is the UCSD Book Graph's goodreads_reviews_spoiler.json.gz. Its
owners allow academic use only and no redistribution, so ask them for it. Without it, you can run a simulation instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from experiments.goodreads.options import (
    GoodreadsExecution,
    GoodreadsMethodOptions,
    GoodreadsProtocol,
    SourceOptions,
    StageOptions,
)
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.options import combine
from seals_sim.replay.options import LabelOptions, LearningOptions

app = make_cli("python -m experiments.goodreads", __doc__)


@app.default
def goodreads(
    *,
    execution: Annotated[GoodreadsExecution, flatten("Run")],
    source: Annotated[SourceOptions, flatten("Data: reviews, texts or simulate")] = SourceOptions(),
    stages: Annotated[StageOptions, flatten("Stages")] = StageOptions(),
    methods: Annotated[GoodreadsMethodOptions, flatten("Methods")] = GoodreadsMethodOptions(),
    labels: Annotated[LabelOptions, flatten("Labels (5.1)")] = LabelOptions(),
    learning: Annotated[LearningOptions, flatten("Strategy and learner")] = LearningOptions(),
) -> None:
    """Run the stages and searches that are missing, and write the report."""
    groups = (source, stages, methods, labels, learning)
    protocol = combine(GoodreadsProtocol, *groups)
    from experiments.goodreads.command import run_goodreads

    run_goodreads(source, protocol, execution, render_command("python -m experiments.goodreads", *groups, execution))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
