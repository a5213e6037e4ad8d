"""What a session with chunks finds in long texts, compared with one that reads only their beginnings.

The long texts are made from real ones: each joins ICD-10-CM descriptions drawn at random. In some texts, one of the
descriptions belongs to a concept, at any position. The person is SIMULATED and says yes to exactly those texts. A
second session on the same table, with the same title as its example, sees only the part of each text that the model
reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd

from benchmarks.descriptions import read_concepts
from benchmarks.options import ChunkBenchOptions
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.label.chunked_corpus import build_chunked_corpus
from seals_sim.label.corpus import Corpus, build_corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.randomness import make_generator
from seals_sim.types import DatasetRows

app = make_cli("python -m benchmarks.chunks", __doc__)


@app.default
def benchmark_chunks(*, options: Annotated[ChunkBenchOptions, flatten("Options")] = ChunkBenchOptions()) -> None:
    """Measure what is found in texts longer than the model reads."""
    print(render_command("python -m benchmarks.chunks", options))
    texts, positives = _join_texts(*read_concepts(options.concepts), options)
    chunked = build_chunked_corpus(texts, options.cache, n_tokens=options.tokens)
    whole = build_corpus(texts, "auto", options.cache, pool="all")
    assert chunked.chunks is not None
    made = f"{len(texts):,} texts made from joined descriptions, {len(chunked.chunks):,} chunks"
    print(f"{made}; {options.n_answers} answers")
    lines = {}
    for title, rows in positives.items():
        found = [_count_found(corpus, title, rows, options.n_answers) for corpus in (whole, chunked)]
        lines[title] = [len(rows), *found]
    table = pd.DataFrame(lines, index=["positives", "found in beginnings", "found with chunks"]).T
    table.loc["all"] = table.sum()
    print(table.to_string())


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _join_texts(
    texts: Sequence[str], concepts: Mapping[str, DatasetRows], options: ChunkBenchOptions
) -> tuple[list[str], dict[str, set[int]]]:
    """Long texts, and for each concept the rows that hold one of its texts. No text holds two concepts."""
    rng = make_generator(options.seed, "long texts")
    others = np.setdiff1d(np.arange(len(texts)), np.concatenate(list(concepts.values())))
    parts = [[texts[row] for row in rng.choice(others, options.n_joined)] for _ in range(options.n)]
    order, positives = rng.permutation(options.n), {}
    for place, (title, rows) in enumerate(concepts.items()):
        chosen = order[place * options.n_positive : (place + 1) * options.n_positive].tolist()
        for row, meant in zip(chosen, rng.choice(rows, len(chosen), replace=False).tolist(), strict=True):
            parts[row][int(rng.integers(options.n_joined))] = texts[meant]
        positives[title] = set(chosen)
    return [". ".join(some) + "." for some in parts], positives


def _count_found(corpus: Corpus, title: str, positives: set[int], n: int) -> int:
    options = SessionOptions(chunks=corpus.chunks is not None, pool="all", control_every=0)
    with (
        tempfile.TemporaryDirectory() as folder,
        Session.begin(Path(folder) / "session", corpus, [title], options=options) as session,
    ):
        for _ in range(n):
            rows = [asked.row for asked in session.ask(1)]
            session.tell(rows, [int(row in positives) for row in rows])
        return session.status().n_positive


if __name__ == "__main__":
    main()
