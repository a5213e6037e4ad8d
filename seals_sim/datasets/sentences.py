"""The sentences of a large review file on disk, in Parquet parts of some 200,000; the file is never all in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from seals_sim.datasets.dataset import update_with_texts
from seals_sim.datasets.goodreads import Review, iterate_reviews
from seals_sim.datasets.lines import BadLines
from seals_sim.disk.files import compute_sha256, replacing
from seals_sim.disk.stages import USE_ANOTHER, Count, Sha256, Stage
from seals_sim.errors import DamagedError, UserError, get_first_line

PART = 200_000  # sentences
GROUPS = ("review", "book")
_TYPES = {
    "label": pa.int8(),
    "review": pa.dictionary(pa.int32(), pa.string()),
    "book": pa.string(),
    "text": pa.string(),
}


class _Part(TypedDict):
    file: Annotated[str, Field(pattern=r"^part-[0-9]+\.parquet$")]
    sentences: Count
    sha256: Sha256


class _Result(TypedDict):
    sha256: Sha256
    bad_lines: list[str]


class SentenceTable:
    """Sentences on disk, in parts with the columns label, review, book and text.

    Attributes:
        stage: The stage of `read_sentences`.
        digest: Digest of the sentences.
        bad_lines: What was left out of the file and why.
    """

    def __init__(self, stage: Stage) -> None:
        """Open the parts.

        Args:
            stage: The finished stage of `read_sentences`.

        Raises:
            ValueError: If it is not finished.
        """
        if stage.result is None:
            raise ValueError(f"{stage.folder}: is not finished")
        blocks = stage.read_blocks(_Part)
        self._parts = [stage.folder / block["file"] for block in blocks]
        self._starts = np.cumsum([0, *(block["sentences"] for block in blocks)])
        self.bad_lines: list[str] = stage.read_result(_Result)["bad_lines"]
        self.stage, self.digest = stage, stage.digest
        self._last: tuple[int, list[str]] = (-1, [])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def is_positive(self) -> NDArray[np.bool_]:
        """Read which sentences are spoilers: (n,) bool."""
        labels = [self._read_column(part, "label").to_numpy() for part in range(len(self._parts))]
        is_positive: NDArray[np.bool_] = np.concatenate(labels) == 1
        return is_positive

    def number_groups(self, name: str) -> NDArray[np.int64]:
        """Number the reviews or books in order of first appearance.

        Args:
            name: One of GROUPS.

        Returns:
            (n,), the number of each sentence's group.
        """
        parts = [self._read_column(part, name).cast(pa.string()) for part in range(len(self._parts))]
        column = pa.chunked_array([chunk for part in parts for chunk in part.chunks])
        codes: NDArray[np.int32] = column.dictionary_encode().combine_chunks().indices.to_numpy()
        return codes.astype(np.int64)

    def read_texts(self, start: int, end: int) -> list[str]:
        """Read some sentences.

        Args:
            start: The first sentence.
            end: One past the last sentence.

        Returns:
            Their texts.
        """
        texts: list[str] = []
        for part in range(len(self._parts)):
            first, last = int(self._starts[part]), int(self._starts[part + 1])
            if start < last and first < end:
                texts += self._read_part(part)[max(start - first, 0) : end - first]
        return texts

    def _read_part(self, part: int) -> list[str]:
        if self._last[0] != part:
            self._last = (part, self._read_column(part, "text").to_pylist())
        return self._last[1]

    def _read_column(self, part: int, name: str) -> pa.ChunkedArray:
        path = self._parts[part]
        n = int(self._starts[part + 1] - self._starts[part])
        try:
            column = pq.read_table(path, columns=[name], page_checksum_verification=True).column(0)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise DamagedError(path, f"cannot be read ({get_first_line(error)})", path.parent) from error
        if len(column) != n or not column.type.equals(_TYPES[name]) or column.null_count:
            raise DamagedError(path, f"is damaged (column {name})", path.parent)
        return column


def read_sentences(
    path: Path, folder: Path, skip_bad_lines: bool = False, part: int = PART, quiet: bool = True
) -> SentenceTable:
    """Read a Goodreads spoiler file into folder / read, part by part.

    A rerun after a kill reads the file from the start, some 20 s per million reviews, but writes only the missing
    parts. The existing parts must match the file, so that two files are never mixed.

    Args:
        path: Path of `goodreads_reviews_spoiler.json` or `.json.gz`.
        folder: Parent folder of all stages.
        skip_bad_lines: Leave out lines that cannot be read instead of stopping.
        part: Sentences per part; a part may have a few more, since reviews are not split.
        quiet: Whether to hide the progress bar.

    Returns:
        The sentences.

    Raises:
        UserError: If the file or one of its lines cannot be read, or the folder was made from another file.
    """
    stage = Stage(folder, "read", {"reviews": "goodreads"})
    if stage.result is not None:
        if compute_sha256(path) != stage.read_result(_Result)["sha256"]:
            raise UserError(f"{stage.folder}: was made from a different file than {path}; {USE_ANOTHER}")
        return SentenceTable(stage)
    bad = BadLines(path, skip_bad_lines)
    for number, reviews in enumerate(_cut_into_parts(iterate_reviews(path, bad, quiet), part)):
        _write_part(stage, number, reviews, path)
    if not stage.blocks:
        raise UserError(f"{path}: has no sentences")
    stage.finish({"sha256": compute_sha256(path), "bad_lines": bad.reports})
    return SentenceTable(stage)


def _cut_into_parts(reviews: Iterator[Review], size: int) -> Iterator[list[Review]]:
    part: list[Review] = []
    n = 0
    for review in reviews:
        part.append(review)
        n += len(review.texts)
        if n >= size:
            yield part
            part, n = [], 0
    if n:
        yield part


def _write_part(stage: Stage, number: int, reviews: Sequence[Review], path: Path) -> None:
    labels = [label for review in reviews for label in review.labels]
    texts = [text for review in reviews for text in review.texts]
    digest = hashlib.sha256(bytes(labels))
    update_with_texts(digest, texts)
    update_with_texts(digest, [name for review in reviews for name in (review.review_id, review.book_id)])
    name = f"part-{number:05d}.parquet"
    block = {"file": name, "sentences": len(texts), "sha256": digest.hexdigest()}
    if number < len(stage.blocks):
        if stage.blocks[number] != block:
            raise UserError(f"{stage.folder}: was made from a different file than {path}; {USE_ANOTHER}")
        return
    lengths = [len(review.texts) for review in reviews]
    place = pa.array(np.repeat(np.arange(len(reviews), dtype=np.int32), lengths))
    table = pa.table(
        {
            "label": pa.array(labels, pa.int8()),
            "review": pa.DictionaryArray.from_arrays(place, [review.review_id for review in reviews]),
            "book": pa.DictionaryArray.from_arrays(place, [review.book_id for review in reviews]).dictionary_decode(),
            "text": pa.array(texts, pa.string()),
        }
    )
    with replacing(stage.folder / name, is_private=True) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)
    stage.record(block)
