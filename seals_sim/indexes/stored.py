"""A Faiss index in a file. It is memory-mapped, so processes share it and opening takes no time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.files import replacing
from seals_sim.disk.reading import explain_unreadable
from seals_sim.disk.stages import Stage
from seals_sim.errors import DamagedError
from seals_sim.indexes.protocol import drop_padding
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import gather

_FILE = "index.faiss"


class StoredIndex:
    """An index that `store_index` wrote to a file. It can be pickled and is reopened in another process.

    Attributes:
        vectors: (n, d), the vectors it was built on.
        build_seconds: Build time, over all its stages.
        n_bytes: Bytes of its file.
        digest: Digest of the index.
    """

    def __init__(
        self,
        path: Path,
        vectors: StoredVectors,
        searched: Mapping[str, int],
        build_seconds: float,
        digest: str,
        scale: float = 1.0,
        n_reranked: int = 1,
    ) -> None:
        """Open the file.

        Args:
            path: Path of the file.
            vectors: (n, d), the vectors it was built on; queries may be any.
            searched: Faiss's search settings, such as nprobe.
            build_seconds: Build time.
            digest: Digest of the index.
            scale: Factor applied to queries, if the codes need it.
            n_reranked: The codes find this many times k rows, and the k nearest of these by the vectors themselves are
                returned; 1 for no reranking.
        """
        self.vectors, self.build_seconds, self.digest = vectors, build_seconds, digest
        self.n_bytes = path.stat().st_size
        self._path, self._searched, self._scale, self._n_reranked = path, dict(searched), scale, n_reranked
        self._open()

    def _open(self) -> None:
        n, d = self.vectors.shape
        self._index: Any = open_faiss(self._path, "nprobe" in self._searched)
        if (self._index.ntotal, self._index.d) != (n, d):
            raise DamagedError(self._path, "is damaged (its rows do not match)", self._path.parent)
        for name, value in self._searched.items():
            faiss.ParameterSpace().set_index_parameter(self._index, name, value)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_index"}
        return {**state, "_path": self._path.absolute()}  # another process may be in another folder

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `rows`: see `NeighborIndex`."""
        return self.nearest(gather(self.vectors, rows), k)

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `queries`: see `VectorIndex`."""
        k = min(k, len(self.vectors))
        sought = min(self._n_reranked * k, len(self.vectors))
        nearest = drop_padding(self._index.search(queries * np.float32(self._scale), sought)[1])
        if self._n_reranked == 1:
            return nearest
        return [_rerank(rows, self.vectors, query, k) for rows, query in zip(nearest, queries, strict=True)]


def _rerank(rows: Rows, vectors: StoredVectors, query: NDArray[np.float32], k: int) -> Rows:
    difference = gather(vectors, rows) - query
    order = np.argsort(np.vecdot(difference, difference), kind="stable")
    return Rows(rows[order[:k]])


def open_faiss(path: Path, is_ivf: bool) -> Any:
    """Open a Faiss index memory-mapped.

    Args:
        path: Path of its file.
        is_ivf: Whether it is an inverted file of plain lists.

    Raises:
        UserError: If it cannot be read.
    """
    flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY if is_ivf else faiss.IO_FLAG_MMAP_IFC
    try:
        path.open("rb").close()
        index: Any = faiss.read_index(str(path), flags)
        if is_ivf:
            lists: Any = faiss.downcast_InvertedLists(index.invlists)
            lists.prefetch_nthread = 0  # threads would cost more than they save
    except OSError as error:
        raise explain_unreadable(path, error) from error
    except (RuntimeError, AttributeError, MemoryError) as error:  # Faiss's own, another kind of index, absurd sizes
        raise DamagedError(path, "is damaged", path.parent) from error
    return index


def store_index(
    folder: Path, name: str, made_from: Mapping[str, object], make: Callable[[], Any]
) -> tuple[Path, Stage]:
    """Make a Faiss index and write it to a file, unless the file already exists.

    Args:
        folder: Parent folder of all stages.
        name: Name of this stage.
        made_from: Everything that the index depends on.
        make: Function that makes the index.

    Returns:
        The file and its stage.

    Raises:
        UserError: If the folder holds an index made from something else, or cannot be written.
    """
    stage = Stage(folder, name, made_from)
    path = stage.folder / _FILE
    if stage.result is None:
        with replacing(path, is_private=True) as temporary:
            faiss.write_index(make(), str(temporary))
        stage.finish_with(path, {})
    stage.require_whole(path)
    return path, stage
