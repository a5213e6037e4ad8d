"""Where the sentences of 7.12 come from: the reviews themselves, a table of other texts, or a simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.datasets import read_text_table
from seals_sim.datasets.sentences import GROUPS, read_sentences
from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.stages import Stage
from seals_sim.embed.blocks import encode_block
from seals_sim.embed.joined import open_encoder
from seals_sim.embed.names import Backend
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import PAPER_SENTENCES, PAPER_TEST_FRACTION, PAPER_VALIDATION, compute_validation_size
from seals_sim.randomness import make_generator
from seals_sim.types import StoredVectors
from seals_sim.workers import Workers

PREVALENCE = 0.03224  # 7.12
PAPER_BOOKS = 25_475  # Wan et al. 2019, Table 1
_SENTENCES_A_REVIEW = 13
_SIMULATED_BLOCK = 65_536  # part of the simulation: another size would draw other numbers


@dataclass(frozen=True, eq=False)
class Source:
    """The sentences and their labels.

    fingerprint: of the texts or the simulation; is_positive: (n,); groups: name -> (n,) review and book numbers, if
    known; stages: the stages done so far; embed: lets workers embed the sentences, and returns the embeddings (n, d)
    float16, memory-mapped, and the stage that made them.
    """

    name: str
    fingerprint: str
    is_simulated: bool
    is_positive: NDArray[np.bool_]
    groups: Mapping[str, NDArray[np.int64]]
    bad_lines: list[str]
    stages: tuple[Stage, ...]
    embed: Callable[[Workers], tuple[StoredVectors, Stage]]

    def __len__(self) -> int:
        return len(self.is_positive)


@dataclass(frozen=True)
class Encoding:
    """How to embed texts. block: texts between two journal entries."""

    model: str
    backend: Backend
    block: int
    quiet: bool


def open_reviews(path: Path, skip_bad_lines: bool, encoding: Encoding, work: Path) -> Source:
    """The UCSD Book Graph's spoiler file. Raises UserError."""
    table = read_sentences(path, work, skip_bad_lines, quiet=encoding.quiet)

    def embed(workers: Workers) -> tuple[StoredVectors, Stage]:
        return _embedded(table.read_texts, len(table), table.digest, encoding, work, workers)

    groups = {name: table.number_groups(name) for name in GROUPS}
    return Source("goodreads", table.digest, False, table.is_positive(), groups, table.bad_lines, (table.stage,), embed)


def open_texts(
    path: Path,
    text_column: str,
    label_column: str,
    skip_bad_lines: bool,
    prevalence: float | None,
    seed: int,
    encoding: Encoding,
    work: Path,
) -> Source:
    """A table of texts with a 0/1 label. If `prevalence` is given, the positives are thinned at random to it."""
    dataset = read_text_table(path, text_column, [label_column], skip_bad_lines=skip_bad_lines)
    if len(dataset.concepts) != 1:
        problem = f"must be one column of 0 and 1; {path} has {len(dataset.concepts)} labels"
        raise UserError(problem, parameter="label_column", value=label_column)
    (is_positive,) = (dataset.is_positive(name) for name in dataset.concepts)
    rows = np.arange(len(dataset))
    if prevalence is not None:
        n_left = round(prevalence / (1 - prevalence) * int((~is_positive).sum()))
        positives = np.flatnonzero(is_positive)
        if n_left > len(positives):
            raise UserError(f"{path} has too few positives for it", parameter="prevalence", value=prevalence)
        left = make_generator(seed, "thinned").choice(positives, n_left, replace=False)
        rows = np.sort(np.concatenate([np.flatnonzero(~is_positive), left]))
    assert dataset.texts is not None
    texts: list[str] = [dataset.texts[row] for row in rows.tolist()]
    thinned = dataset.fingerprint() + f" {prevalence} {seed}"

    def embed(workers: Workers) -> tuple[StoredVectors, Stage]:
        return _embedded(lambda start, end: texts[start:end], len(texts), thinned, encoding, work, workers)

    return Source(dataset.name, thinned, False, is_positive[rows], {}, list(dataset.bad_lines), (), embed)


def _embedded(
    texts: Callable[[int, int], list[str]], n: int, digest: str, encoding: Encoding, work: Path, workers: Workers
) -> tuple[StoredVectors, Stage]:
    encoder = open_encoder(encoding.model, encoding.backend)
    origin = {"texts": digest, "model": encoder.digest}
    array = ArrayStage(work, "embed", origin, (n, encoder.dimensions), np.float16)
    size = encoding.block
    blocks = (texts(start, min(start + size, n)) for start in range(array.n_done, n, size))
    return array.fill_from(workers.map(encode_block, encoder, blocks), encoding.quiet), array.stage


@dataclass(frozen=True)
class Simulation:
    """Simulated embeddings with the facts that 7.12 reports: isotropic noise with little structure.

    n_pool: sentences in the unlabeled pool. Test and validation sentences are added in the paper's proportions. cosine:
    mean cosine similarity of two spoilers (7.12.3), from a direction that they all share. book_cosine: that of two
    sentences of one book. At 0.4 the nearest neighbors are about as near as among WordNet's definitions under the same
    whitening (10th: 0.49, 100th: 0.32). spoiler_cosine: how much more similar two spoilers of one book are. The number
    of books is in proportion to the data; reviews have 13 sentences.
    """

    n_pool: int
    dimensions: int = 256
    prevalence: float = PREVALENCE
    cosine: float = 0.004
    book_cosine: float = 0.4
    spoiler_cosine: float = 0.1
    seed: int = 0

    @property
    def n(self) -> int:
        """The number of all sentences, such that the pool has n_pool of them or a few more.

        >>> Simulation(14_130_000).n
        17675004
        """
        n = round(self.n_pool / (1 - PAPER_TEST_FRACTION - PAPER_VALIDATION / PAPER_SENTENCES))
        while n - round(PAPER_TEST_FRACTION * n) - compute_validation_size(n) < self.n_pool:
            n += 1
        return n

    def labels(self) -> NDArray[np.bool_]:
        """(n,)."""
        drawn: NDArray[np.float32] = make_generator(self.seed, "simulated labels").random(self.n, dtype=np.float32)
        return drawn < self.prevalence

    def groups(self) -> dict[str, NDArray[np.int64]]:
        reviews = np.arange(self.n) // _SENTENCES_A_REVIEW
        books = make_generator(self.seed, "simulated books").integers(self._n_books, size=int(reviews[-1]) + 1)
        return {"review": reviews, "book": books[reviews]}

    def rows_of(
        self, is_positive: NDArray[np.bool_], books: NDArray[np.int64]
    ) -> Callable[[int, int], NDArray[np.float32]]:
        """A function that returns the embeddings from a start to an end."""
        d = self.dimensions
        shape = (self._n_books, d)
        topics, twists = (
            np.sqrt(share / d, dtype=np.float32) * self._normal(name, shape)
            for name, share in (("topics", self.book_cosine), ("twists", self.spoiler_cosine))
        )
        shared = self._normal("shared", (d,))
        shared *= np.float32(np.sqrt(self.cosine) / np.linalg.norm(shared))
        left = 1 - self.book_cosine - np.where([False, True], self.spoiler_cosine + self.cosine, 0)
        spread = np.sqrt(left / d).astype(np.float32)  # of the noise: for other sentences, for spoilers

        def rows(start: int, end: int) -> NDArray[np.float32]:
            label, book = is_positive[start:end], books[start:end]
            vectors = self._normal(f"noise {start}", (end - start, d))
            vectors *= spread[label.astype(int)][:, None]
            vectors += topics[book]
            vectors[label] += twists[book[label]] + shared
            return vectors

        return rows

    @property
    def _n_books(self) -> int:
        return max(1, round(PAPER_BOOKS * self.n / PAPER_SENTENCES))

    def _normal(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        drawn: NDArray[np.float32] = make_generator(self.seed, f"simulated {name}").standard_normal(
            shape, dtype=np.float32
        )
        return drawn


def open_simulation(simulation: Simulation, work: Path, quiet: bool) -> Source:
    is_positive, groups = simulation.labels(), simulation.groups()
    origin = {"SIMULATED": asdict(simulation)}

    def embed(workers: Workers) -> tuple[StoredVectors, Stage]:
        array = ArrayStage(work, "simulated-embed", origin, (simulation.n, simulation.dimensions), np.float16)
        return array.fill(simulation.rows_of(is_positive, groups["book"]), _SIMULATED_BLOCK, quiet), array.stage

    return Source("SIMULATED stand-in for Goodreads", repr(simulation), True, is_positive, groups, [], (), embed)
