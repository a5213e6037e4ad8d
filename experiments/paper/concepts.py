"""Which concepts the experiments of the paper are run on, by a written rule.

Concepts that overlap little are put in random order. The first ones are kept apart for validation, as the paper keeps
50 of its 500; the next 450 are the final ones. Of these, a concept with too few positives to measure anything is
skipped, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.datasets import Dataset
from seals_sim.datasets.overlap import low_overlap
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import Split
from seals_sim.randomness import generator
from seals_sim.replay.options import Options
from seals_sim.replay.protocol import problem
from seals_sim.types import Rows

N_VALIDATION, N_FINAL = 50, 450  # 5.2
MIN_TEST_POSITIVES = 5


@dataclass(frozen=True)
class Choice:
    """names: the concepts to run, in random order; validation: those kept apart, as far as they are fit; skipped: final
    concepts that are not, with the reason.
    """

    names: tuple[str, ...]
    validation: tuple[str, ...]
    skipped: dict[str, str]


def choose(dataset: Dataset, split: Split, options: Options) -> Choice:
    """The first --concepts of the final concepts that are fit. Raises UserError where none is."""
    in_pool, in_test = np.zeros((2, len(dataset)), dtype=np.bool_)
    in_pool[split.pool] = in_test[split.test] = True
    apart = sorted(low_overlap(dataset.concepts, len(dataset)))
    order = [apart[place] for place in generator(options.seed, "concepts").permutation(len(apart))]
    n_validation = min(N_VALIDATION, len(order) // 10)
    reasons = {name: _unfit(dataset.concepts[name], in_pool, in_test, split, options) for name in order}
    final = order[n_validation : n_validation + N_FINAL]
    skipped = {name: reason for name in final if (reason := reasons[name]) is not None}
    fit = [name for name in final if name not in skipped]
    if not fit:
        example = "; ".join(f"{name!r:.60}: {reason}" for name, reason in list(skipped.items())[:1])
        raise UserError(f"no concept of {dataset.name} can be run ({example or 'its labels name none'})")
    validation = tuple(name for name in order[:n_validation] if reasons[name] is None)
    return Choice(tuple(fit[: options.concepts]), validation, skipped)


def _unfit(
    rows: Rows, in_pool: NDArray[np.bool_], in_test: NDArray[np.bool_], split: Split, options: Options
) -> str | None:
    n_pool, n_test = int(in_pool[rows].sum()), int(in_test[rows].sum())
    reason = problem(len(rows), n_pool, n_test, split, options)
    if reason is None and n_test < MIN_TEST_POSITIVES:
        return f"{n_test} positives among the test rows, fewer than {MIN_TEST_POSITIVES}"
    return reason
