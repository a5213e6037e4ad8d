"""The rule by which the concepts for the experiments of the paper are chosen.

Concepts that overlap little are put in random order. The first are set aside for validation, as the paper sets aside 50
of its 500; the next 450 are the final ones. A final concept with too few positives to measure anything is skipped, and
the reason is recorded.
"""

from __future__ import annotations

from seals_sim.datasets import Dataset
from seals_sim.datasets.overlap import select_low_overlap
from seals_sim.evaluate.splits import Split
from seals_sim.randomness import make_generator
from seals_sim.replay.concepts import Choice, find_misfits, require_any
from seals_sim.replay.options import ReplayProtocol

N_VALIDATION, N_FINAL = 50, 450  # 5.2
MIN_TEST_POSITIVES = 5


def choose_by_paper(dataset: Dataset, split: Split, protocol: ReplayProtocol) -> Choice:
    """Choose the first `protocol.concepts` of the usable final concepts, in random order.

    Raises:
        UserError: If no concept is usable.
    """
    distinct = sorted(select_low_overlap(dataset.concepts, len(dataset)))
    order = [distinct[place] for place in make_generator(protocol.seed, "concepts").permutation(len(distinct))]
    n_validation = min(N_VALIDATION, len(order) // 10)
    misfits = find_misfits(dataset, split, protocol, MIN_TEST_POSITIVES)
    final = order[n_validation : n_validation + N_FINAL]
    skipped = {name: misfits[name] for name in final if name in misfits}
    usable = [name for name in final if name not in misfits]
    require_any(usable, skipped, dataset)
    validation = tuple(name for name in order[:n_validation] if name not in misfits)
    return Choice(tuple(usable[: protocol.concepts]), skipped, validation)
