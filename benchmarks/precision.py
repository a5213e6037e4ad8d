"""The default model in bfloat16 beside float32, in turns: processor time, and how near the vectors are.

The built-in descriptions of ICD-10-CM. Only the ratio counts: other work on the machine slows both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from benchmarks.options import PrecisionOptions
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.datasets import read_icd10cm
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import DEFAULT_MODEL, Precision
from seals_sim.embed.precision import choose_precision
from seals_sim.randomness import make_generator
from seals_sim.types import Vectors

_PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
_N_NEIGHBORS = 10

app = make_cli("python -m benchmarks.precision", __doc__)


@app.default
def benchmark_precision(*, options: Annotated[PrecisionOptions, flatten("Options")] = PrecisionOptions()) -> None:
    """Measure both."""
    print(render_command("python -m benchmarks.precision", options))
    texts = read_icd10cm().texts
    assert texts is not None
    rows = make_generator(0, "precision").choice(len(texts), options.n, replace=False)
    chosen = sorted((texts[row] for row in rows.tolist()), key=len, reverse=True)
    encoders = {name: Encoder(DEFAULT_MODEL, precision=name) for name in _PRECISIONS}
    for encoder in encoders.values():
        encoder.encode(chosen[:1])
    seconds: dict[Precision, list[float]] = {name: [] for name in _PRECISIONS}
    vectors: dict[Precision, Vectors] = {}
    for _ in range(options.repeats):
        for name, encoder in encoders.items():
            start = time.process_time()
            vectors[name] = encoder.encode(chosen)
            seconds[name].append(time.process_time() - start)
    ratio = np.median(np.array(seconds["float32"]) / np.array(seconds["bfloat16"]))
    cosines = np.vecdot(vectors["float32"], vectors["bfloat16"])
    ours, theirs = (_find_nearest(vectors[name]) for name in _PRECISIONS)
    overlap = np.mean(
        [len(set(a) & set(b)) / _N_NEIGHBORS for a, b in zip(ours.tolist(), theirs.tolist(), strict=True)]
    )
    print(
        f"bfloat16 takes 1/{ratio:.2f} of float32's processor time; cosine {cosines.mean():.5f} (least "
        f"{cosines.min():.5f}); {_N_NEIGHBORS} nearest in common {overlap:.4f}; "
        f"this processor's rule: {choose_precision()}"
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _find_nearest(vectors: Vectors) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argpartition(-similarity, _N_NEIGHBORS, axis=1)[:, :_N_NEIGHBORS]


if __name__ == "__main__":
    main()
