"""Compare the paper's rules with rules that are not in it: which finds more, and at what cost.

All rules search for the most-likely positive from the same seeds. Differences from the full scan are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from experiments.beyond.options import BeyondConceptOptions, BeyondExecution, BeyondLabelOptions, BeyondProtocol
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.options import combine
from seals_sim.replay.inputs import InputOptions
from seals_sim.replay.options import EmbeddingOptions

app = make_cli("python -m experiments.beyond", __doc__)


@app.default
def beyond(
    *,
    execution: Annotated[BeyondExecution, flatten("Run")],
    inputs: Annotated[InputOptions, flatten("Data")] = InputOptions(),
    concepts: Annotated[BeyondConceptOptions, flatten("Concepts")] = BeyondConceptOptions(),
    embedding: Annotated[EmbeddingOptions, flatten("Embedding")] = EmbeddingOptions(),
    labels: Annotated[BeyondLabelOptions, flatten("Labels (5.1)")] = BeyondLabelOptions(),
) -> None:
    """Run the searches that are missing, and write the report."""
    groups = (inputs, concepts, embedding, labels)
    protocol = combine(BeyondProtocol, *groups)
    from experiments.beyond.command import run_beyond

    run_beyond(inputs, protocol, execution, render_command("python -m experiments.beyond", *groups, execution))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
