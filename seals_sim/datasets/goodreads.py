"""The UCSD Goodreads spoiler file as published (Wan et al. 2019): one review a line, one example a sentence.

The data is the UCSD Book Graph's, for academic use only, and may not be redistributed: it is read from the user's
own copy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.lines import BadLines, read_json_lines, require_file
from seals_sim.errors import UserError

_KEYS = ("user_id", "timestamp", "review_sentences", "rating", "has_spoiler", "book_id", "review_id")


def read_goodreads(path: Path, skip_bad_lines: bool = False) -> Dataset:
    """Read `goodreads_reviews_spoiler.json` or `.json.gz`.

    Each line is an object with the keys user_id, timestamp, review_sentences, rating, has_spoiler, book_id and
    review_id; review_sentences is a list of [0 or 1, text]. The one concept is `spoiler`. Raises UserError.
    """
    require_file(path, "--reviews")
    bad = BadLines(path, skip_bad_lines)
    texts: list[str] = []
    is_spoiler: list[int] = []
    for number, review in read_json_lines(path, bad):
        problem = _problem(review)
        if problem:
            bad.report(number, problem)
            continue
        for label, text in review["review_sentences"]:  # type: ignore[attr-defined]
            texts.append(text)
            is_spoiler.append(label)
    if not texts:
        raise UserError(f"--reviews {path}: there are no sentences in it")
    return Dataset("goodreads", {"spoiler": np.flatnonzero(is_spoiler)}, texts=texts, bad_lines=bad.reports)


def _problem(review: dict[str, object]) -> str | None:
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
            return f"the text of sentence {place} is empty or not a text"
    return None
