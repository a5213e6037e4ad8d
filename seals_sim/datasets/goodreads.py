"""The UCSD Goodreads spoiler file as published (Wan et al. 2019): one review per line, one example per sentence.

The data belongs to the UCSD Book Graph, is for academic use only and may not be redistributed. It is read from the
user's own copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.lines import BadLines, read_json_lines, require_file
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows

_KEYS = ("user_id", "timestamp", "review_sentences", "rating", "has_spoiler", "book_id", "review_id")


@dataclass(frozen=True)
class Review:
    """One review.

    Attributes:
        review_id: Unique to each review.
        book_id: The book it is about.
        labels: For each sentence 1 if it is a spoiler, otherwise 0.
        texts: The sentences.
    """

    review_id: str
    book_id: str
    labels: list[int]
    texts: list[str]


def iterate_reviews(path: Path, bad: BadLines, quiet: bool = True) -> Iterator[Review]:
    """Read the reviews one at a time.

    Each line is an object with the keys user_id, timestamp, review_sentences, rating, has_spoiler, book_id and
    review_id; review_sentences is a list of [0 or 1, text].

    Args:
        path: Path of `goodreads_reviews_spoiler.json` or `.json.gz`.
        bad: Receives each line that is not of this form or repeats a review_id.
        quiet: Whether to hide the progress bar.

    Yields:
        The reviews.

    Raises:
        UserError: If the file cannot be read, or for a bad line unless bad lines are skipped.
    """
    require_file(path)
    seen: set[str] = set()
    for number, review in read_json_lines(path, bad, quiet=quiet):
        problem = _find_problem(review)
        review_id = str(review.get("review_id"))
        if problem is None and review_id in seen:
            problem = f"duplicate review_id {review_id!r:.60}"
        if problem is not None:
            bad.report(number, problem)
            continue
        seen.add(review_id)
        sentences: list[tuple[int, str]] = review["review_sentences"]  # type: ignore[assignment]
        labels, texts = [label for label, _ in sentences], [text for _, text in sentences]
        yield Review(review_id, str(review["book_id"]), labels, texts)


def read_goodreads(path: Path, skip_bad_lines: bool = False) -> Dataset:
    """Read the whole file into memory.

    Args:
        path: Path of `goodreads_reviews_spoiler.json` or `.json.gz`.
        skip_bad_lines: Leave out lines that cannot be read instead of stopping.

    Returns:
        One row per sentence; the only concept is `spoiler`.

    Raises:
        UserError: If the file or one of its lines cannot be read.
    """
    bad = BadLines(path, skip_bad_lines)
    texts: list[str] = []
    is_spoiler: list[int] = []
    for review in iterate_reviews(path, bad):
        texts += review.texts
        is_spoiler += review.labels
    if not texts:
        raise UserError(f"{path}: has no sentences")
    return Dataset(
        "goodreads", {"spoiler": DatasetRows(np.flatnonzero(is_spoiler))}, texts=texts, bad_lines=bad.reports
    )


def _find_problem(review: dict[str, object]) -> str | None:
    missing = [key for key in _KEYS if key not in review]
    if missing:
        return f"a review needs the key {missing[0]!r}; this line has {', '.join(map(repr, review)) or 'none'}"
    sentences = review["review_sentences"]
    if not isinstance(sentences, list):
        return "'review_sentences' must be a list of [0 or 1, text]"
    for place, sentence in enumerate(sentences, start=1):
        if not isinstance(sentence, list) or len(sentence) != 2:
            return f"sentence {place} must be [0 or 1, text]"
        label, text = sentence
        if isinstance(label, bool) or label not in (0, 1):
            return f"the label of sentence {place} must be 0 or 1; it is {label!r:.60}"
        if not isinstance(text, str) or not text.strip():
            return f"the text of sentence {place} is empty or not text"
    return None
