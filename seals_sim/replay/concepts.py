"""Chooses the concepts of a data set that a replay searches for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seals_sim.datasets import Dataset
from seals_sim.datasets.overlap import select_low_overlap
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import Split
from seals_sim.randomness import make_generator
from seals_sim.replay.options import MAX_SHARED, ReplayProtocol

N_VALIDATION, N_FINAL = 50, 450  # 5.2
MIN_TEST_POSITIVES = 5


@dataclass(frozen=True)
class Choice:
    """The concepts of a run.

    Attributes:
        names: The concepts to run.
        skipped: Concepts that do not fit, each with the reason.
        validation: Concepts set aside for validation.
    """

    names: tuple[str, ...]
    skipped: dict[str, str]
    validation: tuple[str, ...] = ()


def choose_concepts(dataset: Dataset, split: Split, protocol: ReplayProtocol) -> Choice:
    """Choose the concepts that the protocol names, or else draw some that fit it.

    Raises:
        UserError: If a named concept does not fit, or no concept does.
    """
    reasons = find_misfits(dataset, split, protocol)
    for name in protocol.concept:
        if name not in dataset.concepts:
            raise UserError(f"{dataset.name} has no such concept", parameter="concept", value=name)
        if name in reasons:
            raise UserError(reasons[name], parameter="concept", value=name)
    if protocol.concept:
        return Choice(protocol.concept, {})
    fit = sorted(dataset.concepts.keys() - reasons.keys())
    require_any(fit, reasons, dataset)
    drawn = make_generator(protocol.seed, "concepts").permutation(len(fit))[: protocol.concepts]
    return Choice(tuple(fit[place] for place in sorted(drawn)), reasons)


def choose_by_paper(
    dataset: Dataset,
    split: Split,
    protocol: ReplayProtocol,
    max_shared: float = MAX_SHARED,
    is_size_first: bool = False,
) -> Choice:
    """Choose concepts that overlap little, in random order, by the paper's division (5.2).

    The first ones are set aside for validation, as the paper sets aside 50 of its 500. The next 450 are the final ones,
    of which the first `protocol.concepts` are chosen. A final concept with too few positives to measure anything is
    skipped, and the reason is recorded.

    Args:
        dataset: The data set, with its concepts.
        split: The split of its rows.
        protocol: Sets the number of concepts, and which are too small or too large.
        max_shared: See `select_low_overlap`.
        is_size_first: Whether to leave out concepts that are too small or too large before looking at overlaps: a tag
            on half the table shares its rows with most others.

    Raises:
        UserError: If no concept is usable.
    """
    low, high = (protocol.min_positives, protocol.max_positives or len(dataset)) if is_size_first else (0, len(dataset))
    of_size = {name: rows for name, rows in dataset.concepts.items() if low <= len(rows) <= high}
    distinct = sorted(select_low_overlap(of_size, len(dataset), max_shared))
    order = [distinct[place] for place in make_generator(protocol.seed, "concepts").permutation(len(distinct))]
    n_validation = min(N_VALIDATION, len(order) // 10)
    misfits = find_misfits(dataset, split, protocol, MIN_TEST_POSITIVES)
    final = order[n_validation : n_validation + N_FINAL]
    skipped = {name: misfits[name] for name in final if name in misfits}
    usable = [name for name in final if name not in misfits]
    require_any(usable, skipped, dataset)
    validation = tuple(name for name in order[:n_validation] if name not in misfits)
    return Choice(tuple(usable[: protocol.concepts]), skipped, validation)


def find_misfits(
    dataset: Dataset, split: Split, protocol: ReplayProtocol, min_test_positives: int = 1
) -> dict[str, str]:
    """Why some concepts do not fit the protocol: too few or too many positives, or nothing to find or to measure."""
    in_pool, in_test = np.zeros((2, len(dataset)), dtype=np.bool_)
    in_pool[split.pool] = in_test[split.test] = True
    reasons = {}
    for name, rows in dataset.concepts.items():
        n_pool, n_test = int(in_pool[rows].sum()), int(in_test[rows].sum())
        reason = explain_misfit(len(rows), n_pool, n_test, split, protocol)
        if reason is None and n_test < min_test_positives:
            reason = f"{n_test} positives among the test rows, fewer than {min_test_positives}"
        if reason is not None:
            reasons[name] = reason
    return reasons


def explain_misfit(n: int, n_pool: int, n_test: int, split: Split, protocol: ReplayProtocol) -> str | None:
    """Why a concept with n rows, n_pool of them in the pool and n_test in the test part, does not fit, if so."""
    if n < protocol.min_positives:
        return f"{n} positives, fewer than min_positives = {protocol.min_positives}"
    if protocol.max_positives is not None and n > protocol.max_positives:
        return f"{n} positives, more than max_positives = {protocol.max_positives}"
    if n_pool <= protocol.seed_positives:
        return f"{n_pool} positives in the pool; seed_positives = {protocol.seed_positives} leaves none to find"
    if len(split.pool) - n_pool < protocol.seed_negatives:
        n_negative = len(split.pool) - n_pool
        return f"{n_negative} negatives in the pool, fewer than seed_negatives = {protocol.seed_negatives}"
    if not 0 < n_test < len(split.test):
        return f"{n_test} positives among the {len(split.test)} test rows: nothing to measure against"
    return None


def require_any(fit: list[str], reasons: dict[str, str], dataset: Dataset) -> None:
    """Raise UserError, with an example, if no concept fits."""
    if not fit:
        example = "; ".join(f"{name!r:.60}: {reason}" for name, reason in list(reasons.items())[:1])
        raise UserError(f"no concept of {dataset.name} can be run ({example or 'its labels name no concept'})")
