"""The default model in float32 by torch against other ways to run it, taking turns: CPU time and changes in the
vectors; and how fast any way could be in float32.

The texts are the built-in descriptions of ICD-10-CM. Only the ratios matter: other work on the machine slows all
variants. OMP_NUM_THREADS=1 shows what one core gives; with more threads, the time they wait for each other counts too.
The limit is the model's matrix products at the speed of one large product, with nothing else to do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import PrecisionOptions
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.datasets import Dataset, read_icd10cm
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import DEFAULT_MODEL, Precision
from seals_sim.embed.precision import choose_precision
from seals_sim.embed.runtimes import PRECISIONS, RUNTIMES, TITLES, is_installed
from seals_sim.errors import UserError
from seals_sim.loop import run
from seals_sim.randomness import make_generator
from seals_sim.search.learners import LogisticLearner
from seals_sim.search.oracles import LabelTable
from seals_sim.search.pools import AllPool
from seals_sim.search.scores import most_likely_positive
from seals_sim.search.seeds import draw_seeds
from seals_sim.search.strategies import ArgMax
from seals_sim.types import DatasetRows, Rows, Vectors

_N_NEIGHBORS = 10
_LEAST_POSITIVES, _SEEDS, _BATCH, _LABELS = 12, (5, 20), 10, 100
_PLAIN, _BY_LETTERS = "torch float32", "torch float32, batches by letters instead of tokens"
_SIDE, _PRODUCTS = 1024, 20  # of the large products

app = make_cli("python -m benchmarks.precision", __doc__)


@app.default
def benchmark_precision(*, options: Annotated[PrecisionOptions, flatten("Options")] = PrecisionOptions()) -> None:
    """Measure all installed variants, and bfloat16 if the CPU supports it."""
    print(render_command("python -m benchmarks.precision", options))
    dataset = read_icd10cm()
    all_texts = dataset.texts
    assert all_texts is not None
    rows = make_generator(0, "precision").choice(len(dataset), options.n, replace=False)
    rows = np.array(sorted(rows.tolist(), key=lambda row: -len(all_texts[row])))
    texts = [all_texts[row] for row in rows.tolist()]
    concepts = _find_concepts(dataset, DatasetRows(rows))
    if not concepts:
        problem = f"too few: no concept has {_LEAST_POSITIVES} positives among them; take 1,000 or more"
        raise UserError(problem, parameter="n", value=options.n)
    encoders = _open_all()
    for encoder in encoders.values():
        encoder.encode(texts[:1])
    seconds: dict[str, list[float]] = {name: [] for name in encoders}
    vectors: dict[str, Vectors] = {}
    for _ in range(options.repeats):
        for name, encoder in encoders.items():
            start = time.process_time()
            vectors[name] = encoder.encode(texts)
            seconds[name].append(time.process_time() - start)
    nearest = _find_nearest(vectors[_PLAIN])
    recalls = {name: _replay(concepts, some) for name, some in vectors.items()}
    print(f"{_PLAIN}: {options.n / np.median(seconds[_PLAIN]):,.0f} texts per CPU second")
    n_operations, speed = _count_operations(encoders[_PLAIN], texts), _find_speed()
    print(
        f"limit in float32: {np.median(seconds[_PLAIN]) * speed / n_operations:.2f} times as many, with "
        f"{n_operations / 1e9:,.0f} GFLOP in matrix products at {speed / 1e9:,.0f} GFLOP per CPU second"
    )
    for name in list(encoders)[1:]:
        ratios = np.array(seconds[_PLAIN]) / np.array(seconds[name])
        cosines = np.vecdot(vectors[_PLAIN], vectors[name])
        shared = (nearest[:, :, None] == _find_nearest(vectors[name])[:, None, :]).any(axis=2)
        change = 100 * (recalls[name] - recalls[_PLAIN])
        print(
            f"{name}: {np.median(ratios):.2f} times the texts per second ({ratios.min():.2f} to {ratios.max():.2f} in "
            f"{options.repeats} turns); cosine {cosines.mean():.6f}, minimum {cosines.min():.6f}; overlap of "
            f"{_N_NEIGHBORS} nearest neighbors {shared.mean():.4f}; recall of {len(change)} searches after "
            f"{_LABELS} labels changes by {change.mean():+.2f} points ({change.min():+.2f} to {change.max():+.2f})"
        )
    print(f"default on this machine: {Encoder(DEFAULT_MODEL, 'auto', choose_precision()).describe()}")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


class _SortedByLetters(Encoder):
    """As sentence-transformers does by itself."""

    def _count_tokens(self, texts: Sequence[str]) -> None:
        return None


def _open_all() -> dict[str, Encoder]:
    """An encoder for every way to run the model; bfloat16 takes several times as long without CPU instructions."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16") if choose_precision() == "bfloat16" else ("float32",)
    encoders = {f"torch {precision}": Encoder(DEFAULT_MODEL, precision=precision) for precision in precisions}
    encoders[_BY_LETTERS] = _SortedByLetters(DEFAULT_MODEL)
    for runtime, precision in product(filter(is_installed, RUNTIMES), precisions):
        if precision in PRECISIONS[runtime]:
            encoders[f"{TITLES[runtime]} {precision}"] = Encoder(DEFAULT_MODEL, runtime, precision)
    return encoders


def _count_operations(encoder: Encoder, texts: Sequence[str]) -> float:
    """Multiplications and additions in the matrix products for these texts, one at a time and so without padding."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        for text in texts:
            encoder.encode([text])
    return float(counter.get_total_flops())


def _find_speed() -> float:
    """Multiplications and additions per CPU second of large products in float32, at best."""
    import torch

    factor, seconds = torch.ones(_SIDE, _SIDE), []
    for _ in range(_PRODUCTS):
        start = time.process_time()
        torch.mm(factor, factor)
        seconds.append(time.process_time() - start)
    return float(2 * _SIDE**3 / min(seconds))


def _find_nearest(vectors: Vectors) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argpartition(-similarity, _N_NEIGHBORS, axis=1)[:, :_N_NEIGHBORS]


def _find_concepts(dataset: Dataset, rows: DatasetRows) -> dict[str, NDArray[np.bool_]]:
    """Which of the rows are positive, for each concept with enough positives among them."""
    marked = {name: np.isin(rows, positives) for name, positives in dataset.concepts.items()}
    return {name: is_positive for name, is_positive in marked.items() if is_positive.sum() >= _LEAST_POSITIVES}


def _replay(concepts: Mapping[str, NDArray[np.bool_]], vectors: Vectors) -> NDArray[np.float64]:
    """Recall of a full scan, for each concept."""
    found = []
    for name, is_positive in concepts.items():
        seeds = draw_seeds(is_positive, *_SEEDS, make_generator(0, "precision seeds", name))
        pool, learner = AllPool(seeds, vectors), LogisticLearner(vectors)
        oracle, selector = LabelTable(is_positive), ArgMax(most_likely_positive)
        *_, state = run(seeds, pool, learner, selector, oracle, _BATCH, _LABELS)
        found.append(is_positive[Rows(state.labeled.rows)].mean() * len(state.labeled) / is_positive.sum())
    return np.array(found)


if __name__ == "__main__":
    main()
