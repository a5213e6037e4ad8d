"""What `seals label`, `seals embed` and `seals index` share: a table of texts becomes vectors with an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seals_sim.cli.options import SearchIndexOptions, TextOptions
from seals_sim.replay.options import CacheOptions

if TYPE_CHECKING:
    from seals_sim.label.corpus import Corpus


def read_table(table: Path, options: TextOptions) -> list[str]:
    """The texts of a table, with a line on stderr about lines left out."""
    from seals_sim.datasets import read_texts

    texts, _, bad = read_texts(table, options.text_column, options.skip_bad_lines)
    if bad.reports:
        from seals_sim.replay.replay import report_bad_lines

        report_bad_lines(bad.reports)
    return texts


def get_cache(options: CacheOptions) -> Path:
    """The cache folder. One that can only be read will do, where all that is needed is in it."""
    from seals_sim.disk.cache import get_default_folder

    return options.cache or get_default_folder()


def build_table_corpus(
    table: Path, text: TextOptions, index: SearchIndexOptions, k: int, cache_options: CacheOptions
) -> tuple[Corpus, str]:
    """Read, embed and index a table, each from the cache where it is there; with the name of the index."""
    from seals_sim.embed.space import choose_dimensions
    from seals_sim.indexes import IndexOptions
    from seals_sim.indexes.choice import resolve_index
    from seals_sim.label.corpus import build_corpus
    from seals_sim.replay.vectors import report_cut

    cache = get_cache(cache_options)
    texts = read_table(table, text)
    d = choose_dimensions(texts) if text.dimensions is None else text.dimensions
    name = resolve_index(index.index, len(texts), d, 0)  # one search
    options = IndexOptions(k, n_probe=index.n_probe)
    corpus = build_corpus(texts, name, cache, text.model, text.dimensions, options, cache_options.quiet, text.precision)
    report_cut(corpus.cut, len(texts))
    return corpus, name
