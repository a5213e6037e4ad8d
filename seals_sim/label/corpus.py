"""The corpus that a session searches: vectors with an index, and the texts they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from seals_sim.datasets.dataset import update_with_texts
from seals_sim.datasets.stored_texts import find_equal_texts
from seals_sim.embed.chunks import Chunks
from seals_sim.embed.lazy import LazyVectors
from seals_sim.embed.names import DEFAULT_MODEL, AutoBackend, AutoPrecision
from seals_sim.embed.space import CutTexts, TextSpace
from seals_sim.errors import UserError
from seals_sim.indexes import IndexOptions, NeighborIndex, VectorIndex, fingerprint
from seals_sim.indexes.cached import build_cached_index
from seals_sim.indexes.choice import resolve_index
from seals_sim.indexes.copies import find_known_copies, takes_vectors
from seals_sim.label.pictures import Pictures
from seals_sim.randomness import make_generator
from seals_sim.search.choice import AutoPoolChoice, resolve_pool
from seals_sim.types import Row, Rows, StoredVectors, TableRow, TableRows, Vectors
from seals_sim.vectors.copies import Copies


@dataclass(frozen=True, eq=False)
class Corpus:
    """A searchable table.

    Attributes:
        vectors: (n, d) float32 or float16, L2-normalized.
        index: Finds neighbors of rows and of other vectors.
        fingerprint: Identifies the corpus that a session belongs to. It is the same on every machine: it depends on
            texts, model and dimensions, not on the last bits of the vectors.
        about: A description of the corpus, for people.
        old_fingerprint: Fingerprint of vectors and texts, as early sessions have it.
        cut: Texts that are longer than the model reads, if any.
        texts: n texts, if any.
        encode: Embeds texts in the space of the vectors, if possible.
        table_rows: (n,) sorted, the position of each row in the user's table; None if that is its position here.
        columns: More columns of that table, n cells each, for exports.
        id_column: The one of these columns that identifies each row.
        space: The space that `encode` embeds in, if it can be stored.
        pictures: Pictures of the rows, if any.
        has_own_vectors: Whether the vectors were computed elsewhere, so that rows with the same title may differ.
        index_name: Name of the index, if it was built here.
        lazy: The vectors, if they are embedded when they are read.
        encode_queries: Embeds texts in the space of the index, if that differs from the space of the vectors.
        chunks: Where the texts are cut, if `vectors` has several vectors per text (`ChunkedVectors`).
        find_equal_vectors: Finds equal vectors; given if it is known which are equal.
    """

    vectors: StoredVectors
    index: VectorIndex
    fingerprint: str
    texts: Sequence[str] | None = None
    encode: Callable[[Sequence[str]], Vectors] | None = None
    about: str = "vectors"
    old_fingerprint: str | None = None
    cut: CutTexts | None = None
    table_rows: TableRows | None = None
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)
    id_column: str | None = None
    space: TextSpace | None = None
    pictures: Pictures | None = None
    has_own_vectors: bool = False
    index_name: str = ""
    lazy: LazyVectors | None = None
    encode_queries: Callable[[Sequence[str]], Vectors] | None = None
    chunks: Chunks | None = None
    find_equal_vectors: Callable[[StoredVectors], Copies | None] = Copies.find

    @cached_property
    def copies(self) -> Copies | None:
        """Which rows have equal texts, or equal vectors if these were computed elsewhere; None if no two do."""
        if self.texts is None or self.has_own_vectors:
            return self.find_equal_vectors(self.vectors)
        return find_equal_texts(self.texts)

    def identify(self, row: int) -> str | int:
        """What distinguishes the rows of a list: the text that the vector was made from, or else the row."""
        return row if self.texts is None or self.has_own_vectors else self.texts[row]

    def has_image(self, row: int) -> bool:
        """Whether there should be a picture of a row."""
        return self.pictures is not None and self.pictures.has(row)

    def get_text(self, row: int) -> str | None:
        """The text of a row, or None if the corpus has no texts."""
        return None if self.texts is None else self.texts[row]

    def number_row(self, row: int) -> TableRow:
        """The position of a row in the user's table, from which lines may have been left out."""
        return TableRow(row if self.table_rows is None else int(self.table_rows[row]))

    def find_row(self, table_row: int) -> Row:
        """The row at this position of the user's table.

        Raises:
            UserError: If there is none, or it was left out.
        """
        if self.table_rows is None:
            if not 0 <= table_row < len(self.vectors):
                raise UserError(f"row {table_row}: no such row; the table has {len(self.vectors):,}")
            return Row(table_row)
        row = int(np.searchsorted(self.table_rows, table_row))
        if row == len(self.table_rows) or self.table_rows[row] != table_row:
            raise UserError(f"row {table_row}: no such row, or it was left out when the table was read")
        return Row(row)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Vectors (m, d) of texts, in the space of the corpus.

        Raises:
            UserError: If the corpus was not made from texts.
        """
        if self.encode is None:
            raise UserError("this table has vectors only, no texts; start from its rows instead of words")
        return self.encode(texts)

    def find_nearest(self, texts: Sequence[str], k: int) -> list[Rows]:
        """For each of some texts, at most k rows, nearest first.

        Raises:
            UserError: If the corpus was not made from texts.
        """
        encode = self.encode_queries or self.encode_texts
        return self.index.nearest(encode(texts), k)


def choose_session_index(name: str, pool: AutoPoolChoice | None, n: int, d: int) -> str:
    """The index that `auto` means for a session; any other name is returned as it is.

    If every retraining scans all rows anyway, finding the neighbors of a row is one more scan and needs no index.

    Args:
        name: As for `build_index`, or auto.
        pool: Pool of the session; None if there is no session.
        n: Rows of the table.
        d: Dimensions.

    Examples:
        >>> choose_session_index("auto", "auto", 100_000, 384), choose_session_index("auto", "walk", 100_000, 384)
        ('exact', 'ivf-sq')
    """
    if name != "auto":
        return name
    is_scanned = pool is not None and resolve_pool(pool, n, d) == "all"
    return "exact" if is_scanned else resolve_index("auto", n, d, 0)  # one search makes few queries


def build_corpus(
    texts: Sequence[str],
    index: str,
    cache: Path,
    model: str = DEFAULT_MODEL,
    dimensions: int | None = 0,
    options: IndexOptions | None = None,
    quiet: bool = True,
    precision: AutoPrecision = "float32",
    pool: AutoPoolChoice | None = None,
    backend: AutoBackend = "auto",
) -> Corpus:
    """Embed texts and build an index, or read both from the cache.

    Args:
        texts: The table.
        index: One of `INDEXES` that accepts any vector (all but the graph), or auto.
        cache: The folder for vectors and indexes.
        model: The embedding model.
        dimensions: Dimensions to whiten to; 0: no whitening, which finds more (reports/beyond); None: the paper's 256,
            or as many as a small table allows.
        options: Options of the index.
        quiet: Show no progress.
        precision: Precision of the model, as for `TextSpace`.
        pool: Pool of the session, if known, for `choose_session_index`.
        backend: Backend of the model, as for `TextSpace`.

    Raises:
        UserError: For options that do not fit the texts.
    """
    space = TextSpace(texts, model, dimensions, cache, quiet, precision, backend=backend)
    vectors, digest = space.load_vectors(cache)
    name = choose_session_index(index, pool, *vectors.shape)
    built = build_cached_index(
        name, vectors, digest, cache, options or IndexOptions(), make_generator(0, "index"), quiet
    )
    old_fingerprint = hashlib.sha256(f"vectors {digest} texts {space.texts_digest}".encode()).hexdigest()
    about = f"{len(texts):,} texts ({space.texts_digest[:8]}), model {model}, {vectors.shape[1]} dimensions"
    searched = require_vector_index(built, name)
    corpus = Corpus(
        vectors, searched, space.fingerprint, texts, space.encode, about, old_fingerprint, space.count_cut()
    )
    return replace(corpus, space=space, index_name=name)


def fingerprint_own_vectors(
    vectors_digest: str, rows: TableRows, texts: Sequence[str], paths: Sequence[str | None] | None
) -> str:
    """Compute the fingerprint of a corpus of own vectors: a digest of the vectors, the texts and the picture paths.

    Args:
        vectors_digest: The `fingerprint` of the vectors as given, so that it is the same on every machine.
        rows: (n,) rows of these vectors that have texts.
        texts: n texts.
        paths: n paths of pictures, if any.
    """
    digest = hashlib.sha256(f"vectors {vectors_digest}".encode())
    digest.update(rows.astype("<i8").tobytes())
    update_with_texts(digest, texts)
    if paths is not None:
        update_with_texts(digest, ["pictures", *(path or "" for path in paths)])
    return digest.hexdigest()


def build_vector_corpus(
    vectors: Vectors,
    texts: Sequence[str],
    name: str,
    index: str,
    cache: Path,
    options: IndexOptions | None = None,
    quiet: bool = True,
    pool: AutoPoolChoice | None = None,
    digest: str | None = None,
) -> Corpus:
    """Build an index of vectors computed elsewhere, or read it from the cache.

    Args:
        vectors: (n, d), L2-normalized.
        texts: n texts to show.
        name: The fingerprint of the vectors.
        index: One of `INDEXES` that accepts any vector (all but the graph), or auto.
        cache: The folder for indexes.
        options: Options of the index.
        quiet: Show no progress.
        pool: Pool of the session, if known, for `choose_session_index`.
        digest: Digest of the normalized vectors, if known.

    Raises:
        UserError: For another index.
    """
    rng = make_generator(0, "index")
    chosen = choose_session_index(index, pool, *vectors.shape)
    digest = digest or fingerprint(vectors)
    built = build_cached_index(chosen, vectors, digest, cache, options or IndexOptions(), rng, quiet)
    about = f"{len(vectors):,} vectors of {vectors.shape[1]} dimensions ({name[:8]})"
    searched = require_vector_index(built, chosen)
    corpus = Corpus(vectors, searched, name, texts, about=about, has_own_vectors=True, index_name=chosen)
    return replace(corpus, find_equal_vectors=lambda _: find_known_copies(built))


def require_vector_index(index: NeighborIndex, name: str) -> VectorIndex:
    """Return an index that finds neighbors of any vector; raise UserError for any other index."""
    if takes_vectors(index):
        return index
    raise UserError(
        "finds neighbors of rows only, but a session also searches for texts that are typed in; choose another index",
        parameter="index",
        value=name,
    )
