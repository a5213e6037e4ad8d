"""Three ways to build a k-NN graph:

* query every row by short codes, and add each row to the lists of its neighbors, as `build_index` does above 131,072
  rows;
* query an inverted file of 8-bit codes for every row;
* join each cell with its nearest cells by one matrix product, and unite several clusterings.

Other work on the machine affects seconds more than CPU time, so both are given, along with the number of rows that each
row is compared with, which does not depend on the machine. Recall is measured on 1,000 rows. The join is tried only
here and used nowhere.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import faiss
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.options import GraphJoinOptions
from benchmarks.tables import read_graph_settings
from seals_sim import ExactIndex
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.reading import read_array
from seals_sim.errors import UserError
from seals_sim.indexes import build_graph, build_ivf
from seals_sim.indexes.ivf import choose_n_cells
from seals_sim.indexes.united import Scan, build_united_graph, choose_n_graph_cells, choose_n_kept
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv
from seals_sim.runtime import import_torch
from seals_sim.types import Rows, Vectors
from seals_sim.vectors.copies import Copies

_ITERATIONS, _TRAINED_ON = 10, 64  # as in the inverted file
_BLOCK = 8_192
_UNIT_ERROR = 1e-2  # float16 rows of many dimensions

app = make_cli("python -m benchmarks.graph_join", __doc__)


@app.default
def benchmark_graph_join(*, options: Annotated[GraphJoinOptions, flatten("Options")]) -> None:
    """Build graphs in all three ways, and compare them."""
    print(render_command("python -m benchmarks.graph_join", options))
    vectors = np.asarray(read_array(options.vectors, is_mapped=False), dtype=np.float32)
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=_UNIT_ERROR):
        raise UserError("holds vectors that are not of unit length", parameter="vectors", value=str(options.vectors))
    copies = Copies.find(vectors)
    vectors = vectors if copies is None else vectors[copies.first]  # k neighbors with distinct vectors, as everywhere
    sample = Rows(np.sort(make_generator(0, "sample").choice(len(vectors), min(1_000, len(vectors)), replace=False)))
    exact = ExactIndex(vectors).neighbors(sample, options.k)
    lines = []
    with threadpool_limits(options.threads):
        import_torch().set_num_threads(options.threads)
        for build in (_unite_lists, _ask_inverted_file, _join_cells):
            for name, n_compared, seconds, cpu_seconds, graph in build(vectors, sample, options):
                shared = [len(np.intersect1d(a, b)) for a, b in zip(graph[sample], exact, strict=True)]
                per_row = 1e6 / len(vectors)
                lines.append(
                    {
                        "vectors": f"{len(vectors)} x {vectors.shape[1]}",
                        "how": name,
                        "compared": round(n_compared),
                        "us_a_row": seconds * per_row,
                        "cpu_us_a_row": cpu_seconds * per_row,
                        "recall": sum(shared) / (options.k * len(sample)),
                    }
                )
                write_csv(options.out, pd.DataFrame(lines))
    print(pd.DataFrame(lines).to_string(index=False, float_format="%.3f"))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


_Result = tuple[str, float, float, float, NDArray[Any]]  # name, rows compared, seconds, CPU seconds, (n, k)


def _unite_lists(vectors: Vectors, sample: Rows, options: GraphJoinOptions) -> Iterator[_Result]:
    """Everything is counted: cells and codes, the sample used to choose the settings, and the graph."""
    n = len(vectors)
    with tempfile.TemporaryDirectory() as folder:
        start, start_cpu = time.perf_counter(), time.process_time()
        graph = build_united_graph(vectors, "rows", Path(folder), make_generator(0, "index"), options.k)
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        settings = read_graph_settings(Path(folder), options.k)
        assert settings is not None
        found = np.full((n, options.k), -1)
        for row, near in enumerate(graph.neighbors(Rows(np.arange(n)), options.k)):
            found[row, : len(near)] = near
        name = f"united, {settings.n_cells} cells, the best {settings.n_compared} k by vectors"
        n_compared = settings.n_cells * n / choose_n_graph_cells(n)
        yield name, n_compared, seconds, cpu, found
        scan = Scan(Path(folder) / "graph-scan" / "index.faiss", n)
        found[sample] = scan.find(sample, settings, options.k, choose_n_kept(n, options.k))[0][:, : options.k]
        yield "the same, had none heard of others", n_compared, math.nan, math.nan, found


def _ask_inverted_file(vectors: Vectors, _sample: Rows, options: GraphJoinOptions) -> Iterator[_Result]:
    """The index is built once, and each result includes its cost."""
    n = len(vectors)
    with tempfile.TemporaryDirectory() as folder:
        start, start_cpu = time.perf_counter(), time.process_time()
        build_ivf(vectors, "rows", Path(folder), make_generator(0, "index"))
        before, before_cpu = time.perf_counter() - start, time.process_time() - start_cpu
        for n_probe in options.probes:
            index, _ = build_ivf(vectors, "rows", Path(folder), make_generator(0, "index"), n_probe=n_probe)
            start, start_cpu = time.perf_counter(), time.process_time()
            graph, _ = build_graph(index, str(n_probe), n, options.k, Path(folder), f"graph-{n_probe}")
            seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
            found = np.full((n, options.k), -1)
            for row, near in enumerate(graph.neighbors(Rows(np.arange(n)), options.k)):
                found[row, : len(near)] = near
            compared = n_probe * n / choose_n_cells(n)
            yield f"asked, {n_probe} cells", compared, seconds + before, cpu + before_cpu, found


def _join_cells(vectors: Vectors, _sample: Rows, options: GraphJoinOptions) -> Iterator[_Result]:
    """Unite each clustering with those before it."""
    torch = import_torch()
    table, k = torch.from_numpy(vectors), options.k
    best = torch.full((len(vectors), k), -2.0), torch.full((len(vectors), k), -1)
    start, start_cpu, n_pairs = time.perf_counter(), time.process_time(), 0
    for number in range(options.clusterings):
        kmeans = faiss.Kmeans(
            vectors.shape[1], options.cells, niter=_ITERATIONS, spherical=True, seed=number,
            max_points_per_centroid=_TRAINED_ON, min_points_per_centroid=1,
        )  # fmt: skip
        kmeans.train(vectors)
        centroids = torch.from_numpy(kmeans.centroids)
        cell = torch.cat([(block @ centroids.T).argmax(1) for block in table.split(_BLOCK)])
        order = torch.argsort(cell, stable=True)
        members = order.split(torch.bincount(cell, minlength=options.cells).tolist())
        near = torch.topk(centroids @ centroids.T, min(options.joined, options.cells)).indices
        for rows, cells in zip(members, near.tolist(), strict=True):
            others = torch.cat([members[other] for other in cells])
            n_pairs += len(rows) * len(others)
            if len(rows):
                similarity, place = torch.topk(table[rows] @ table[others].T, min(k, len(others)))
                _unite(torch, best, rows, similarity, others[place])
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        name = f"joined, {number + 1} x {options.cells} cells with {options.joined}"
        yield name, n_pairs / len(vectors), seconds, cpu, best[1].numpy()


def _unite(torch: Any, best: tuple[Any, Any], rows: Any, similarity: Any, found: Any) -> None:
    """Replace what rows (m,) had by the best of that and of what was found (m, j)."""
    k = best[0].shape[1]
    everything, numbers = torch.hstack([best[0][rows], similarity]), torch.hstack([best[1][rows], found])
    numbers, order = torch.sort(numbers, dim=1)
    everything = everything.gather(1, order)
    everything[:, 1:][numbers[:, 1:] == numbers[:, :-1]] = -2.0  # found before
    best[0][rows], place = torch.topk(everything, k)
    best[1][rows] = numbers.gather(1, place)


if __name__ == "__main__":
    main()
