"""`seals embed` and `seals index`: compute vectors and indexes in advance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seals_sim.cli.options import MeasuredIndexOptions, TextOptions
from seals_sim.cli.tables import build_table_corpus, get_cache, name_list, read_table
from seals_sim.disk.files import replacing, require_writable_file
from seals_sim.embed.space import TextSpace
from seals_sim.errors import UserError
from seals_sim.indexes import measure_on_sample
from seals_sim.replay.options import CacheOptions, ClusterOptions
from seals_sim.replay.vectors import report_cut
from seals_sim.workers import open_workers


def embed(
    table: Path, options: TextOptions, out: Path | None, cache_options: CacheOptions, cluster: ClusterOptions
) -> None:
    """Embed a table into the cache and, if `out` is given, into that file."""
    if out is not None:
        require_writable_file(out, "out")
        if out.exists() and table.exists() and out.samefile(table):
            raise UserError("is the table itself", parameter="out", value=out)
    cache = get_cache(cache_options)
    texts = read_table(table, options, name_list(cache, table)).texts
    dimensions, quiet = options.dimensions or 0, cache_options.quiet
    with open_workers(cluster.cluster) as workers:
        space = TextSpace(
            texts, options.text_model, dimensions, cache, quiet, options.precision, workers, options.backend
        )
        vectors = space.compute_vectors()
    report_cut(space.count_cut(), len(texts))
    if out is not None:
        with replacing(out) as temporary, temporary.open("wb") as file:
            np.save(file, vectors, allow_pickle=False)
    where = f"written to {out}" if out else "cached for the other commands"
    print(f"{len(vectors):,} vectors of {vectors.shape[1]} dimensions {where}")


def build_index(table: Path, text: TextOptions, index: MeasuredIndexOptions, cache: CacheOptions) -> None:
    """Index a table and print the recall and speed of the index."""
    corpus = build_table_corpus(table, text, index, index.k, cache)
    print(f"index {corpus.index_name}: {measure_on_sample(corpus.index, corpus.vectors, index.k)}")
