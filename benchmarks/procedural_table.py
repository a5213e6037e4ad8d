"""A SIMULATED table that is computed, not stored. A hash of its number gives any row and its exact neighbors.

Rows lie in blocks of 10,000. Each block is cut into topics in one of 64 ways, chosen by a hash. A topic is a chain of
clusters of varied size. A row's unit vector joins coordinates from three spaces:

* 128 dimensions: the topic's code word. Two words agree in at most 3 of 4 places, so their cosine is at most 1/2.
* 64 dimensions: the place along the chain. Cluster j lies between the orthogonal words j and j + 1, dense in the middle
  and thin where it meets the next one. Those few rows are the bridges between clusters.
* 64 dimensions: the row's own code word, with a cosine of -1/2 to 1/2 to the others of its topic. A near-duplicate has
  the word of its original, turned by a tenth of a radian.

With their weights, two rows of one topic have a cosine of at least .66, and two rows of different topics at most .63.
So the k nearest neighbors of a row are in its own topic, exactly, and looking at that topic alone finds them. No bridge
leads from topic to topic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.randomness import make_generator
from seals_sim.types import Rows, Vectors

BLOCK = 10_000  # rows
_N_CUTS = 64  # ways to cut a block
_SMALLEST, _LARGEST = 400, 5_000  # topics
_CLUSTERS = (30, 600)  # rows of a cluster
_MOST_TOPICS = BLOCK // _SMALLEST  # in a block
_TOPIC, _CHAIN, _OWN = (np.float32(np.sqrt(part)) for part in (0.74, 0.13, 0.13))
_TURN = 0.1  # radians
_MOST_ROWS = 2**28 // _MOST_TOPICS * BLOCK  # there are 2^28 words for topics

Integers = NDArray[np.int64]


def hash_numbers(numbers: Integers, salt: int) -> NDArray[np.uint64]:
    """Hash whole numbers (m,) into 64 bits (the finalizer of SplitMix64)."""
    x = numbers.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))


def _tabulate_words(m: int) -> NDArray[np.uint64]:
    """Tabulate sums modulo 2 of the monomials of m variables, the quadratic ones first and then the linear ones.

    The monomials are taken seven at a time. The sums are given at all 2^m points, packed into bits: (groups of seven,
    128, 2^m / 64). All sums are the second-order Reed-Muller code without constants: two words agree in 1/4 to 3/4 of
    all places, and in exactly half if they differ by linear monomials alone.
    """
    points = (np.arange(2**m)[:, None] >> np.arange(m)) & 1
    linear = points.T
    quadratic = [linear[i] & linear[j] for i in range(m) for j in range(i)]
    basis = np.array([*quadratic, *linear], dtype=np.uint8).reshape(-1, 7, 2**m)
    chosen = ((np.arange(128)[:, None] >> np.arange(7)) & 1).astype(np.uint8)
    return np.packbits((chosen @ basis) % 2, axis=-1).view(np.uint64)


_WORDS = {64: _tabulate_words(6), 128: _tabulate_words(7)}


def make_words(numbers: Integers, length: int) -> Vectors:
    """Code words (m, length) as unit vectors, by number: below 2^21 for 64 places and below 2^28 for 128."""
    tables = _WORDS[length]
    packed = np.bitwise_xor.reduce([table[(numbers >> 7 * group) & 127] for group, table in enumerate(tables)])
    signs = np.array([1, -1], dtype=np.float32) / np.float32(np.sqrt(length))
    words: Vectors = signs[np.unpackbits(packed.view(np.uint8), axis=-1)]
    return words


@dataclass(frozen=True, eq=False)
class _Cuts:
    """All ways to cut a block. Each array is (ways, BLOCK), by the row's place in the block."""

    topic: Integers
    first: Integers
    size: Integers
    along: NDArray[np.float32]


def _draw_sizes(rng: np.random.Generator, total: int, low: int, high: int) -> list[int]:
    """Draw log-uniform sizes from low to high that sum to total. The last is up to `low` larger than drawn."""
    sizes: list[int] = []
    while total:
        size = int(np.exp(rng.uniform(np.log(low), np.log(high))))
        size = total if total - size < low else size
        sizes.append(size)
        total -= size
    return sizes


def _cut_block(rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
    """For each row of a block: its topic, the topic's first place and size, and its place along the chain."""
    sizes = _draw_sizes(rng, BLOCK, _SMALLEST, _LARGEST)
    along = []
    for size in sizes:
        for j, m in enumerate(_draw_sizes(rng, size, *_CLUSTERS)):
            side = 2 * (np.arange(m) + 0.5) / m - 1
            along.append(j + 0.5 + 0.5 * np.sign(side) * np.abs(side) ** 3)
    starts = np.cumsum([0, *sizes[:-1]])
    by_topic = (np.arange(len(sizes)), starts, np.array(sizes))
    return (*(np.repeat(values, sizes) for values in by_topic), np.concatenate(along))


@dataclass(frozen=True)
class ProceduralTable:
    """n rows of 256 dimensions, float32. Index it by rows, like an array.

    Attributes:
        n: Rows, a multiple of 10,000.
        seed: Seed of the hashes.

    Raises:
        UserError: If n is not such a multiple, or too large.
    """

    n: int
    seed: int = 0
    ndim = 2
    dtype = np.dtype(np.float32)

    def __post_init__(self) -> None:
        if self.n % BLOCK or not 0 < self.n <= _MOST_ROWS:
            problem = f"must be a multiple of {BLOCK:,}, at most {_MOST_ROWS:,}"
            raise UserError(problem, parameter="n", value=self.n)

    @property
    def shape(self) -> tuple[int, int]:
        return self.n, 256

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: Rows | slice) -> Vectors:
        """The unit vectors of rows (m,)."""
        rows = Rows(np.arange(*rows.indices(self.n)) if isinstance(rows, slice) else np.asarray(rows, dtype=np.int64))
        topics, (_, places, along) = self.find_topics(rows), self.locate(rows)
        distinct, number = np.unique(topics, return_inverse=True)
        words = make_words(
            (distinct * 0x5851F42D + self.seed) % 2**28, 128
        )  # an odd factor: no two topics share a word
        return np.hstack([_TOPIC * words[number], self.make_inner(topics, places, along)])

    @cached_property
    def _cuts(self) -> _Cuts:
        ways = [_cut_block(make_generator(self.seed, "cut", number)) for number in range(_N_CUTS)]
        topic, first, size, along = (np.stack(parts) for parts in zip(*ways, strict=True))
        return _Cuts(topic, first, size, along.astype(np.float32))

    def _find_way(self, blocks: Integers) -> Integers:
        return (hash_numbers(blocks, self.seed) % np.uint64(_N_CUTS)).astype(np.int64)

    def find_topics(self, rows: Rows) -> Integers:
        """The topic of each of rows (m,)."""
        blocks, inside = rows // BLOCK, rows % BLOCK
        return blocks * _MOST_TOPICS + self._cuts.topic[self._find_way(blocks), inside]

    def locate(self, rows: Rows) -> tuple[Integers, Integers, NDArray[np.float32]]:
        """For each of rows (m,): the size of its topic, its place in the topic, and its place along the chain, whose
        integer part is its cluster.
        """
        blocks, inside = rows // BLOCK, rows % BLOCK
        way, cuts = self._find_way(blocks), self._cuts
        places = inside - cuts.first[way, inside]
        original = inside - self._is_copy(self.find_topics(rows), places)
        return cuts.size[way, inside], places, cuts.along[way, original]

    def _is_copy(self, topics: Integers, places: Integers) -> NDArray[np.bool_]:
        """Whether a row is a near-duplicate of the row before it: true of a tenth of the rows at odd places."""
        chance = hash_numbers(topics * BLOCK + places, self.seed + 1) % np.uint64(10)
        is_copy: NDArray[np.bool_] = (places % 2 == 1) & (chance == 0)
        return is_copy

    def find_originals(self, rows: Rows) -> Rows:
        """The row that each of rows (m,) nearly duplicates; for most, the row itself."""
        return Rows(rows - self._is_copy(self.find_topics(rows), self.locate(rows)[1]))

    def make_inner(self, topics: Integers, places: Integers, along: NDArray[np.float32]) -> Vectors:
        """The coordinates (m, 128) that tell the rows of a topic apart."""
        mask = (hash_numbers(topics, self.seed + 2) % np.uint64(2**21)).astype(np.int64)
        cluster = np.floor(along).astype(np.int64)
        angle = ((along - cluster) * (np.pi / 2)).astype(np.float32)[:, None]
        frame = mask % 2**15  # a quadratic word; adding different linear words to it gives orthogonal words
        ends = [make_words(frame | ((cluster + step) % 64 << 15), 64) for step in (0, 1)]
        chain = np.cos(angle) * ends[0] + np.sin(angle) * ends[1]
        is_copy = self._is_copy(topics, places)
        numbers = mask ^ ((places - is_copy) * 0x1F35 % 2**21)
        own = make_words(numbers, 64)
        turned = make_words(numbers[is_copy] ^ 2**15, 64)  # orthogonal
        own[is_copy] = np.float32(np.cos(_TURN)) * own[is_copy] + np.float32(np.sin(_TURN)) * turned
        return np.hstack([_CHAIN * chain, _OWN * own])

    def find_topic_rows(self, row: int) -> Rows:
        """All rows of the topic of a row."""
        size, place, _ = self.locate(Rows(np.array([row])))
        return Rows(np.arange(row - int(place[0]), row - int(place[0]) + int(size[0])))


class ProceduralIndex:
    """Finds exact neighbors in a `ProceduralTable` by looking at the row's topic.

    Args:
        table: The table.
    """

    build_seconds = 0.0
    n_bytes = 0

    def __init__(self, table: ProceduralTable) -> None:
        self.vectors = table

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `rows`, at most 400. Ties go to the lowest row.

        Raises:
            ValueError: If k is above 400, the size of the smallest possible topic.
        """
        if k > _SMALLEST:
            raise ValueError(f"k is at most {_SMALLEST}")
        found: dict[int, Rows] = {}
        topics = self.vectors.find_topics(rows)
        for topic in np.unique(topics):
            asked = rows[topics == topic]
            members = self.vectors.find_topic_rows(int(asked[0]))
            _, places, along = self.vectors.locate(members)
            inner = self.vectors.make_inner(np.full(len(members), topic), places, along)
            similarity = inner[asked - members[0]] @ inner.T
            for row, near in zip(asked.tolist(), similarity, strict=True):
                best = np.flatnonzero(near >= np.partition(near, -k)[-k])
                found[row] = Rows(members[best[np.argsort(-near[best], kind="stable")][:k]])
        return [found[row] for row in rows.tolist()]
