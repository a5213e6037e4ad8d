"""The rule by which the concepts for the experiments of the paper are chosen.

Concepts that overlap little are put in random order. The first are set aside for validation, as the paper sets aside 50
of its 500; the next 450 are the final ones. A final concept with too few positives to measure anything is skipped, and
the reason is recorded.
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
from seals_sim.types import DatasetRows

N_VALIDATION, N_FINAL = 50, 450  # 5.2
MIN_TEST_POSITIVES = 5


@dataclass(frozen=True)
class Choice:
    """The concepts of a run.

    Attributes:
        names: The concepts to run, in random order.
        validation: The usable concepts that were set aside for validation.
        skipped: The final concepts that are not usable, each with the reason.
    """

    names: tuple[str, ...]
    validation: tuple[str, ...]
    skipped: dict[str, str]


def choose(dataset: Dataset, split: Split, options: Options) -> Choice:
    """Choose the first `options.concepts` of the usable final concepts.

    Raises:
        UserError: If no concept is usable.
    """
    in_pool, in_test = np.zeros((2, len(dataset)), dtype=np.bool_)
    in_pool[split.pool] = in_test[split.test] = True
    distinct = sorted(low_overlap(dataset.concepts, len(dataset)))
    order = [distinct[place] for place in generator(options.seed, "concepts").permutation(len(distinct))]
    n_validation = min(N_VALIDATION, len(order) // 10)
    reasons = {name: _reason_against(dataset.concepts[name], in_pool, in_test, split, options) for name in order}
    final = order[n_validation : n_validation + N_FINAL]
    skipped = {name: reason for name in final if (reason := reasons[name]) is not None}
    usable = [name for name in final if name not in skipped]
    if not usable:
        example = "; ".join(f"{name!r:.60}: {reason}" for name, reason in list(skipped.items())[:1])
        raise UserError(f"no concept of {dataset.name} can be run ({example or 'its labels name no concept'})")
    validation = tuple(name for name in order[:n_validation] if reasons[name] is None)
    return Choice(tuple(usable[: options.concepts]), validation, skipped)


def _reason_against(
    rows: DatasetRows, in_pool: NDArray[np.bool_], in_test: NDArray[np.bool_], split: Split, options: Options
) -> str | None:
    n_pool, n_test = int(in_pool[rows].sum()), int(in_test[rows].sum())
    reason = problem(len(rows), n_pool, n_test, split, options)
    if reason is None and n_test < MIN_TEST_POSITIVES:
        return f"{n_test} positives among the test rows, fewer than {MIN_TEST_POSITIVES}"
    return reason
