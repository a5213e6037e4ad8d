"""An index whose rows live in a vector engine: loaded once, resumed if a load was interrupted, queried with retries.

Labels, candidates and the vectors used to score candidates stay with the client. The network carries 4 d bytes per row
once, then 4 d bytes per query and, back, the ids (and scores) of its k neighbors.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from seals_sim.errors import UserError
from seals_sim.indexes.engines.protocol import Engine, EngineTable, EngineUnavailableError
from seals_sim.progress import track
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import gather, read_block

PATIENCE_SECONDS = 30.0  # enough for a server to restart
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_BLOCK_VALUES = 2**21  # 8 MB per request, far below any engine's limit
_QUERIES = 256
T = TypeVar("T")


class EngineIndex:
    """An index of a table held by a vector engine. It can be pickled and reconnects in another process.

    Attributes:
        vectors: (n, d), the table.
        build_seconds: Time that loading took in this process; 0 if everything was already loaded.
        n_bytes: 0, since the engine holds the data.
        n_requests: Number of searches sent.
    """

    n_bytes = 0

    def __init__(
        self,
        connect: Callable[[], Engine],
        vectors: StoredVectors,
        address: str,
        quiet: bool = True,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Connect and load the rows that are still missing.

        Args:
            connect: Picklable function that opens the engine.
            vectors: (n, d), l2-normalized, float32 or float16, perhaps memory-mapped.
            address: Address of the engine, for errors.
            quiet: Whether to hide the progress bar.
            patience_seconds: How long to retry an engine that does not answer.

        Raises:
            UserError: If the engine does not answer or holds something else.
        """
        self.vectors, self.build_seconds, self.n_requests = vectors, 0.0, 0
        self._connect, self._address, self._patience = connect, address, patience_seconds
        self._engine: Engine | None = None
        self._is_loaded = False
        since = time.perf_counter()
        if self._load(quiet):
            self.build_seconds = time.perf_counter() - since
        self._is_loaded = True

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `rows`: see `NeighborIndex`."""
        return self.nearest(gather(self.vectors, rows), k)

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `queries`: see `VectorIndex`.

        Raises:
            UserError: If the engine does not answer, k is above its limit, or it has lost rows while it was away.
        """
        k = min(k, len(self.vectors))
        found: list[Rows] = []
        for start in range(0, len(queries), _QUERIES):
            found += self._find(queries[start : start + _QUERIES], k)
        return found

    def _load(self, quiet: bool) -> bool:
        """Load the missing rows, in order, and return whether there were any."""
        n, d = self.vectors.shape
        size = max(1, _BLOCK_VALUES // d)
        n_there = self._ask(lambda engine: engine.count())
        if n_there > n:
            problem = f"holds {n_there:,} rows for a table of {n:,}; remove them or use another address"
            raise self._refuse(problem)
        if n_there < n:
            first = n_there // size * size  # complete blocks are kept; the one that was being written is written again
            with track("sending rows to the engine", n, "row", quiet, first) as bar:
                for start in range(first, n, size):
                    bar.advance(self._upsert(start, start + size))
            n_now = self._ask(lambda engine: engine.count())
            if n_now != n:
                raise self._refuse(f"holds {n_now:,} of {n:,} rows after loading; remove them and load again")
        self._ask(lambda engine: engine.finish())
        return bool(n_there < n)

    def _upsert(self, start: int, end: int) -> int:
        rows = read_block(self.vectors, start, end)
        self._ask(lambda engine: engine.upsert(start, rows))
        return len(rows)

    def _find(self, queries: Vectors, k: int) -> list[Rows]:
        self.n_requests += 1
        return self._ask(lambda engine: _search(engine, queries, k))

    def _ask(self, request: Callable[[Engine], T]) -> T:
        """Send a request; while the engine does not answer, reconnect and retry with increasing pauses."""
        until, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        while True:
            try:
                if self._engine is None:
                    self._engine = self._connect_again() if self._is_loaded else self._connect()
                return request(self._engine)
            except EngineUnavailableError as error:
                self._engine = None
                if time.monotonic() + pause > until:
                    problem = f"does not answer ({error}); start it and rerun the same command"
                    raise self._refuse(problem) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _connect_again(self) -> Engine:
        """Connect; an engine that came back without its rows would find too few neighbors and say nothing."""
        engine, n = self._connect(), len(self.vectors)
        n_there = engine.count()
        if n_there != n:
            raise self._refuse(f"now holds {n_there:,} rows of {n:,}; rerun the same command to load the rest")
        return engine

    def _refuse(self, problem: str) -> UserError:
        return UserError(problem, parameter="engine", value=self._address)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None}


def _search(engine: Engine, queries: Vectors, k: int) -> list[Rows]:
    if engine.most_neighbors is not None and k > engine.most_neighbors:
        problem = f"the engine finds at most {engine.most_neighbors:,} neighbors"
        raise UserError(problem, parameter="k", value=k)
    return engine.search(queries, k)


def name_table(made_from: str, vectors: StoredVectors, n_cells: int, n_probe: int) -> EngineTable:
    """Describe the table that an engine holds for these vectors, under a name unique to them.

    Args:
        made_from: A digest of them.
        vectors: (n, d).
        n_cells: Cells of an inverted file; 1 to compare with every row.
        n_probe: Cells that a query visits.
    """
    n, d = vectors.shape
    digest = hashlib.sha256(f"{made_from} {n} {d} {n_cells}".encode()).hexdigest()
    return EngineTable(f"seals_{digest[:32]}", n, d, n_cells, min(n_probe, n_cells))
