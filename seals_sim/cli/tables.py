"""What `seals label`, `seals embed` and `seals index` share: a table of texts becomes vectors with an index."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seals_sim.cli.options import CacheOptions, SearchIndexOptions, TextOptions

if TYPE_CHECKING:
    from seals_sim.label.corpus import Corpus


def read_table(table: Path, options: TextOptions) -> list[str]:
    """The texts of a table, with a line on stderr about lines left out."""
    from seals_sim.datasets import read_texts

    texts, _, bad = read_texts(table, options.text_column, options.skip_bad_lines)
    if bad.reports:
        print(f"{len(bad.reports)} lines left out; the last: {bad.reports[-1]}", file=sys.stderr)
    return texts


def get_cache(options: CacheOptions) -> Path:
    """The cache folder, which must be writable."""
    from seals_sim.disk.cache import get_default_folder
    from seals_sim.disk.files import require_writable

    cache = options.cache or get_default_folder()
    require_writable(cache, "cache")
    return cache


def resolve_index(options: SearchIndexOptions, texts: list[str], dimensions: int | None) -> SearchIndexOptions:
    """The options with the index that `auto` means: for one search, of texts that are typed in too."""
    from seals_sim.embed.space import choose_dimensions
    from seals_sim.indexes import choose_index
    from seals_sim.indexes.names import VECTOR_INDEXES
    from seals_sim.options import get_machine_memory

    if options.index != "auto":
        return options
    d = choose_dimensions(texts) if dimensions is None else dimensions
    chosen = choose_index(len(texts), d, 0, get_machine_memory() // 2)
    return replace(options, index=next(name for name in VECTOR_INDEXES if name == chosen))


def build_table_corpus(
    table: Path, text: TextOptions, index: SearchIndexOptions, k: int, cache_options: CacheOptions
) -> tuple[Corpus, SearchIndexOptions]:
    """Read, embed and index a table, each from the cache where it is there."""
    from seals_sim.indexes import IndexOptions
    from seals_sim.label.corpus import build_corpus

    cache = get_cache(cache_options)
    texts = read_table(table, text)
    resolved = resolve_index(index, texts, text.dimensions)
    options = IndexOptions(k, n_probe=index.n_probe)
    quiet = cache_options.quiet
    return build_corpus(texts, resolved.index, cache, text.model, text.dimensions, options, quiet), resolved
