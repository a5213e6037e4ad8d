"""All experiments of the paper on one data set, in one report: Figures 1-14 and 16-19, Tables 2-8 and section 3.1.

Without input it runs on WordNet: 117,659 definitions, with synsets and all their hyponyms as concepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from experiments.paper.options import (
    PaperConceptOptions,
    PaperExecution,
    PaperIndexOptions,
    PaperProtocol,
    SpaceOptions,
)
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.options import combine
from seals_sim.replay.inputs import InputOptions
from seals_sim.replay.options import LabelOptions, LearningOptions

app = make_cli("python -m experiments.paper", __doc__)


@app.default
def paper(
    *,
    execution: Annotated[PaperExecution, flatten("Run")],
    inputs: Annotated[InputOptions, flatten("Data")] = InputOptions(),
    concepts: Annotated[PaperConceptOptions, flatten("Concepts")] = PaperConceptOptions(),
    spaces: Annotated[SpaceOptions, flatten("Embeddings and neighbors")] = SpaceOptions(),
    labels: Annotated[LabelOptions, flatten("Labels (5.1)")] = LabelOptions(),
    index: Annotated[PaperIndexOptions, flatten("Index")] = PaperIndexOptions(),
    learning: Annotated[LearningOptions, flatten("Strategy and learner")] = LearningOptions(),
) -> None:
    """Run what is missing, and write the report."""
    groups = (inputs, concepts, spaces, labels, index, learning)
    protocol = combine(PaperProtocol, *groups)
    from experiments.paper.command import run_paper

    run_paper(inputs, protocol, execution, render_command("python -m experiments.paper", *groups, execution))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
