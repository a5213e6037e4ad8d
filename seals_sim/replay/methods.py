"""The methods that a replay compares."""

from __future__ import annotations

from dataclasses import dataclass

from seals_sim.replay.options import WITH_NEIGHBORS, ReplayProtocol

_OF_EVERY_METHOD = ("seed_positives", "seed_negatives", "batch", "budget", "regularization")


@dataclass(frozen=True)
class Method:
    """A pool with a strategy, and the settings of 5.1 that the paper varies: one run for each concept and repeat.

    Attributes:
        pool: One of `POOLS`, or all_int8: all rows, as 8-bit codes.
        strategy: One of `STRATEGIES`.
        k: Neighbors, for the pools that use them; None for the others.
        random_pool_factor: Size of RandPool as a multiple of the SEALS pool; None for the others.
        random_pool_fraction: Size of RandPool as a fraction of the unlabeled data instead.
        seed_positives: Labeled positives to start from.
        seed_negatives: Labeled negatives to start from.
        batch: b, labels between trainings.
        budget: T, total labels.
        regularization: scikit-learn's C.
        embedding: The space for scoring and training.
        index_embedding: The space for finding neighbors (Fig. 5), if it differs.
    """

    pool: str
    strategy: str
    k: int | None
    random_pool_factor: float | None
    random_pool_fraction: float | None
    seed_positives: int
    seed_negatives: int
    batch: int
    budget: int
    regularization: float
    embedding: str
    index_embedding: str | None = None

    @property
    def n_seeds(self) -> int:
        return self.seed_positives + self.seed_negatives


def build_method(protocol: ReplayProtocol, pool: str, strategy: str, **changes: object) -> Method:
    """The settings of `protocol` that apply to this pool and strategy, with changes."""
    is_random_pool = pool == "random_pool"
    fraction = protocol.random_pool_fraction if is_random_pool else None
    settings: dict[str, object] = {
        "k": protocol.k if pool in WITH_NEIGHBORS else None,
        "random_pool_factor": protocol.random_pool_factor if is_random_pool and fraction is None else None,
        "random_pool_fraction": fraction,
        **{name: getattr(protocol, name) for name in _OF_EVERY_METHOD},
        "embedding": "",
        **changes,
    }
    return Method(pool=pool, strategy=strategy, **settings)  # type: ignore[arg-type]
