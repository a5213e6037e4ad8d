"""From embeddings to a searchable pool: whitening, the split, the pool and test vectors, and the index.

Each is a stage in the work folder, computed once and then reopened. All vectors are memory-mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.goodreads.sources import Source
from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.stages import Stage
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import Split, split_at_random, split_by_group
from seals_sim.evaluate.structure import build_concept_graph, compute_average_cosine, find_components
from seals_sim.indexes import StoredGraph, StoredIndex, build_graph, build_ivf, measure_on_sample
from seals_sim.options import get_machine_memory
from seals_sim.randomness import make_generator
from seals_sim.replay.bench import Space
from seals_sim.search.coded_table import CodedTable
from seals_sim.types import DatasetRows, Rows, StoredVectors, Vectors
from seals_sim.vectors.normalize import normalize
from seals_sim.vectors.scan import gather, widen
from seals_sim.vectors.whitening import Whitening
from seals_sim.workers import Workers

COMPONENT_KS = (10, 100)  # Figure 19
_WHITENING_SAMPLE = 262_144
_BLOCK = 65_536


@dataclass(frozen=True)
class Settings:
    """Settings of the stages.

    memory_bytes: limit for the index, and for the float32 copy for the scan; n_probe: index cells that a query probes;
    scans: the full scans to run; test_rows: maximum number of test rows.
    """

    dimensions: int
    test_fraction: float
    seed: int
    n_probe: int
    memory_bytes: int
    n_threads: int
    test_rows: int | None
    scans: tuple[str, ...]
    has_structure: bool
    quiet: bool


@dataclass(frozen=True, eq=False)
class Prepared:
    """A split that is ready for experiments, and the facts known about it."""

    split: Split
    space: Space
    facts: dict[str, object]
    stages: tuple[Stage, ...]


_MOST_GIGABYTES = 10**6


def parse_memory(text: str) -> int:
    """Bytes from a number with GB, or from a fraction of this machine's memory. Raises UserError."""
    number, is_gigabytes = text.strip().removesuffix("GB"), text.strip().endswith("GB")
    try:
        amount = float(number)
    except ValueError:
        raise UserError("must be a fraction like 0.75 or a size like 16GB", parameter="memory", value=text) from None
    if not 0 < amount <= (_MOST_GIGABYTES if is_gigabytes else 1):
        raise UserError("must be above 0 and at most 1, or a size like 16GB", parameter="memory", value=text)
    return int(amount * 1e9) if is_gigabytes else int(amount * get_machine_memory())


def prepare(source: Source, name: str, settings: Settings, work: Path, workers: Workers, variant: str = "") -> Prepared:
    """Prepare the split called `name` (one of `SPLITS`), embedded by the workers. Each variant has its own folder.

    Raises UserError.
    """
    folder = work / f"split-{name}{variant}"
    split = split_source(source, name, settings)
    vectors, pooled, stages = _vectors(source, split, settings, work, folder, workers)
    _require_memory(vectors.pool, settings)
    # The index holds all sentences, copies included, as in 7.12: distinct ones would be a second file of gigabytes.
    rng = make_generator(settings.seed, "index", name)
    index, indexing = build_ivf(
        vectors.pool, pooled.digest, folder, rng, n_probe=settings.n_probe, quiet=settings.quiet
    )
    facts, measuring = _facts(source, split, vectors, index, settings, folder)
    space = Space(vectors.pool, vectors.test, index, vectors.scanned, _Codes(vectors.pool, settings.n_threads))
    return Prepared(split, space, facts, (*stages, *indexing, *measuring))


class _Codes:
    """Makes the codes on first use, in the process that needs them."""

    def __init__(self, vectors: StoredVectors, n_threads: int) -> None:
        self._vectors, self._n_threads = vectors, n_threads
        self._made: CodedTable | None = None

    def __call__(self) -> CodedTable:
        if self._made is None:
            self._made = CodedTable(self._vectors, self._n_threads)
        return self._made


class _Vectors(NamedTuple):
    """Memory-mapped float16 vectors. scanned: the pool in float32, if it exists."""

    pool: StoredVectors
    test: StoredVectors
    scanned: StoredVectors | None


def _vectors(
    source: Source, split: Split, settings: Settings, work: Path, folder: Path, workers: Workers
) -> tuple[_Vectors, Stage, list[Stage]]:
    """The vectors, the stage of the pool's vectors, and all stages up to it."""
    embeddings, embedded = source.embed(workers)
    origin = {"embeddings": embedded.digest, "dimensions": settings.dimensions, "seed": settings.seed}
    whitening, whitened = _whitening(embeddings, settings, work, origin)
    origin = {**origin, "test fraction": settings.test_fraction}
    dimensions = settings.dimensions or embeddings.shape[1]

    def store(part: str, rows: DatasetRows, dtype: type) -> tuple[StoredVectors, Stage]:
        def rows_of(start: int, end: int) -> Vectors:
            some = gather(embeddings, rows[start:end])
            return normalize(some, "the embeddings") if whitening is None else whitening.apply(some)

        array = ArrayStage(folder, part, origin, (len(rows), dimensions), dtype)
        return array.fill(rows_of, _BLOCK, settings.quiet), array.stage

    pool, pooled = store("pool", split.pool, np.float16)
    test, tested = store("test", split.test, np.float16)
    stages = [*source.stages, embedded, *whitened, pooled, tested]
    if "all" not in settings.scans or 4 * pool.size > settings.memory_bytes:
        return _Vectors(pool, test, None), pooled, stages
    scanned, in_float32 = store("pool-float32", split.pool, np.float32)
    return _Vectors(pool, test, scanned), pooled, [*stages, in_float32]


def _whitening(
    embeddings: StoredVectors, settings: Settings, work: Path, origin: dict[str, object]
) -> tuple[Whitening | None, list[Stage]]:
    """Fit the whitening on a sample of all sentences, without labels."""
    if settings.dimensions == 0:
        return None, []
    stage = Stage(work, "whiten", origin)
    path = stage.folder / "whitening.npz"
    if stage.result is None:
        n = len(embeddings)
        rows = np.sort(make_generator(settings.seed, "whitening").choice(n, min(n, _WHITENING_SAMPLE), replace=False))
        Whitening.fit(gather(embeddings, rows), settings.dimensions).save(path)
        stage.finish_with(path, {"rows": len(rows)})
    stage.require_whole(path)
    return Whitening.load(path), [stage]


def split_source(source: Source, name: str, settings: Settings) -> Split:
    """The parts of the split called `name`. Raises UserError if a part would be empty or the groups are unknown."""
    rng = make_generator(settings.seed, "split")
    if name == "sentence":
        split = split_at_random(len(source), rng, settings.test_fraction)
    elif name in source.groups:
        split = split_by_group(source.groups[name], rng, settings.test_fraction)
    else:
        raise UserError(f"{source.name} does not give the {name} of a sentence", parameter="splits", value=name)
    if settings.test_rows is None or settings.test_rows >= len(split.test):
        return split
    drawn = make_generator(settings.seed, "tested").choice(split.test, settings.test_rows, replace=False)
    return replace(split, test=DatasetRows(np.sort(drawn)))


def _require_memory(pool: StoredVectors, settings: Settings) -> None:
    needed = pool.size * (1 + ("all_int8" in settings.scans))
    if needed > settings.memory_bytes:
        size = f"{len(pool):,} x {pool.shape[1]} vectors take {needed / 1e9:.1f} GB as 8-bit codes"
        raise UserError(f"too little memory; {size}", parameter="memory", value=f"{settings.memory_bytes / 1e9:.1f}GB")


def _facts(
    source: Source,
    split: Split,
    vectors: _Vectors,
    index: StoredIndex,
    settings: Settings,
    folder: Path,
) -> tuple[dict[str, object], list[Stage]]:
    """The facts about the data and the index for the report; measured once."""
    positives = Rows(np.flatnonzero(source.is_positive[split.pool]))
    stages = []
    measuring = Stage(folder, "measure-index", {"n_probe": settings.n_probe, "index": index.digest})
    if measuring.result is None:
        measuring.finish(asdict(measure_on_sample(index, vectors.pool, COMPONENT_KS[-1], settings.seed)))
    assert measuring.result is not None
    facts: dict[str, object] = {
        "index": measuring.result,
        "rows": {name: len(getattr(split, name)) for name in ("pool", "validation", "test")},
        "pool_positives": len(positives),
        "average_cosine": compute_average_cosine(gather(vectors.pool, positives)) if len(positives) > 1 else None,
        "float16_error": None if vectors.scanned is None else _measure_rounding(vectors.pool, vectors.scanned),
    }
    if settings.has_structure:
        origin = f"{index.digest} {settings.n_probe}"
        k = COMPONENT_KS[-1]
        graph, stage = build_graph(index, origin, positives, k, folder, "neighbors-of-positives", settings.quiet)
        facts["largest_component"] = {str(k): _largest_component(positives, graph, k) for k in COMPONENT_KS}
        stages.append(stage)
    return facts, [measuring, *stages]


def _measure_rounding(rounded: StoredVectors, exact: StoredVectors) -> float:
    """Largest error, in a sample, of the inner product of a stored row with a unit vector."""
    step = max(1, len(rounded) // 10_000)
    difference = widen(rounded[::step]) - widen(exact[::step])
    return float(np.linalg.norm(difference, axis=1).max())


def _largest_component(positives: Rows, graph: StoredGraph, k: int) -> float:
    """The fraction of the positives in the largest component."""
    _, inside = find_components(build_concept_graph(positives, graph, k))
    return len(inside) / len(positives)


def describe(stages: Sequence[Stage], work: Path) -> list[dict[str, object]]:
    """One row per stage for the report."""
    return [
        {
            "folder": str(stage.folder.relative_to(work)),
            "seconds": stage.seconds,
            "peak_bytes": stage.peak_bytes,
            "bytes": sum(path.stat().st_size for path in stage.folder.iterdir() if path.is_file()),
        }
        for stage in stages
    ]
