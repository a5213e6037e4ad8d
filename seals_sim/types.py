"""Types shared by the whole package: rows and vectors, the labeled set, and the parts of the loop.

Four different things could be called a row, and mixing them up would mean wrong labels. Each has its own type here:

========== ==========================================================================================================
TableRow   a position in the user's file, from 0, counting lines that were left out. Reports and exports print this.
DatasetRow a position among the rows that were read and sampled.
Row        a position in the vectors that are searched, the pool. Indexes, pools and selectors use this.
Place      a position among the candidates that have entered a pool, in order of entry.
========== ==========================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NewType, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

TableRow = NewType("TableRow", int)
DatasetRow = NewType("DatasetRow", int)
Row = NewType("Row", int)
Place = NewType("Place", int)

# Arrays of these, int64.
TableRows = NewType("TableRows", np.ndarray[tuple[int, ...], np.dtype[np.int64]])
DatasetRows = NewType("DatasetRows", np.ndarray[tuple[int, ...], np.dtype[np.int64]])
Rows = NewType("Rows", np.ndarray[tuple[int, ...], np.dtype[np.int64]])
Places = NewType("Places", np.ndarray[tuple[int, ...], np.dtype[np.int64]])

Vectors = NDArray[np.float32]
StoredVectors = NDArray[np.float32] | NDArray[np.float16]  # rows of a large table, perhaps memory-mapped
Scores = NDArray[np.float64]

Query = TypeVar("Query")
Candidates = TypeVar("Candidates")
Model = TypeVar("Model")
# The same, as argument (_in) or result (_out) of a part: Python needs a type variable for each variance.
_Query_in = TypeVar("_Query_in", contravariant=True)
_Query_out = TypeVar("_Query_out", covariant=True)
_Candidates_in = TypeVar("_Candidates_in", contravariant=True)
_Candidates_out = TypeVar("_Candidates_out", covariant=True)
_Model_in = TypeVar("_Model_in", contravariant=True)
_Model_out = TypeVar("_Model_out", covariant=True)
_Labeled_in = TypeVar("_Labeled_in", contravariant=True)


class LabeledSet(Protocol[_Query_in]):
    """The labeled examples L_r; `add` returns a new set and leaves this one as it is."""

    def __len__(self) -> int: ...

    def add(self, query: _Query_in, label: int) -> Self: ...


Labeled = TypeVar("Labeled", bound=LabeledSet)  # type: ignore[type-arg]


class Pool(Protocol[_Candidates_out, _Query_in, _Model_in]):
    """The candidate pool P_r."""

    @property
    def n_candidates(self) -> int:
        """Number of distinct candidates that have been in the pool so far."""

    def begin_round(self, model: _Model_in) -> None:
        """Prepare for a new round with this model. The paper's pools do nothing here."""

    def candidates(self, slot: int) -> _Candidates_out:
        """The candidates for this slot of the batch."""

    def expand(self, slot: int, query: _Query_in, label: int) -> None:
        """Handle a labeled query: it leaves the pool and its neighbors may join (Alg. 1-2 line 8)."""


class Selector(Protocol[_Candidates_in, _Model_in, _Query_out]):
    """The selection strategy phi and its arg max."""

    def select(self, candidates: _Candidates_in, model: _Model_in) -> _Query_out | None:
        """The next query, or None if this slot of the batch has no candidates left."""


class Learner(Protocol[_Labeled_in, _Model_out]):
    """Trains A_r on the labeled examples."""

    def fit(self, labeled: _Labeled_in) -> _Model_out: ...


class Oracle(Protocol[_Query_in]):
    """Answers a query: 1 for a positive, 0 (or -1, in the theory) for a negative."""

    def label(self, query: _Query_in) -> int: ...


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of one round, split as in the paper's Table 2."""

    select: float = 0.0
    neighbor: float = 0.0
    train: float = 0.0


@dataclass(frozen=True)
class Round(Generic[Labeled, Model]):
    """The state after a training step. Round 0 is trained on the seeds alone."""

    number: int
    labeled: Labeled
    model: Model
    n_candidates: int
    seconds: Seconds


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """Labeled rows of a pool, in the order in which they were labeled.

    Attributes:
        rows: (m,) int64, positions in the pool.
        labels: (m,) int8, 1 or 0.

    Raises:
        ValueError: If there is not exactly one label per row, or a row or label is invalid.

    Examples:
        >>> labeled = LabeledRows([4, 7], [1, 0]).add(Row(2), 1)
        >>> labeled.rows.tolist(), labeled.labels.tolist()
        ([4, 7, 2], [1, 0, 1])
    """

    rows: Rows
    labels: NDArray[np.int8]

    def __init__(self, rows: ArrayLike, labels: ArrayLike) -> None:
        positions, values = np.asarray(rows), np.asarray(labels)
        if positions.size and (positions.dtype.kind not in "iu" or positions.min() < 0):
            raise ValueError("rows must be integers from 0 (positions in the pool)")
        if not np.isin(values, (0, 1)).all():
            raise ValueError(f"labels must be 1 or 0, not {np.unique(values)[:5].tolist()}")
        self._set(np.array(positions, dtype=np.int64), np.array(values, dtype=np.int8))
        if self.rows.shape != self.labels.shape or self.rows.ndim != 1:
            raise ValueError(f"{self.rows.shape} rows and {self.labels.shape} labels: give one label per row")

    def _set(self, rows: NDArray[np.int64], labels: NDArray[np.int8]) -> None:
        rows.flags.writeable = labels.flags.writeable = False
        self.__dict__.update(rows=rows, labels=labels)  # the class is frozen for everyone else

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, query: Row, label: int) -> LabeledRows:
        if label not in (0, 1):
            raise ValueError(f"labels must be 1 or 0, not {label!r}")
        n = len(self.rows)
        rows, labels = np.empty(n + 1, dtype=np.int64), np.empty(n + 1, dtype=np.int8)
        rows[:n], rows[n], labels[:n], labels[n] = self.rows, query, self.labels, label
        more = object.__new__(LabeledRows)
        more._set(rows, labels)
        return more
