"""Long texts in chunks that a model reads in full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.embed.encoder import Encoder

_BATCH = 256  # texts whose tokens are in memory at a time
_OVERLAP = 8  # a chunk repeats at most 1 / 8 of the one before it
_SPARED = 16  # 1 / 16 of a model's tokens is kept free, since a word that is cut has other tokens
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s|[\u3002\uff01\uff1f]|\n")

Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Chunks:
    """Where n texts are cut into chunks.

    Attributes:
        starts: (n + 1,) int64, index of the first chunk of each text; the last entry is m, the number of chunks.
        spans: (m, 2) int64, where each chunk begins and ends in its text, in characters.
    """

    starts: NDArray[np.int64]
    spans: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def n_long(self) -> int:
        """Number of texts that have more than one chunk."""
        return int((np.diff(self.starts) > 1).sum())

    def get_span(self, row: int, chunk: int) -> Span | None:
        """The span of a chunk, numbered from the first of its text; None if it is the whole text."""
        if self.starts[row + 1] - self.starts[row] == 1:
            return None
        start, end = self.spans[self.starts[row] + chunk].tolist()
        return start, end

    def list_texts(self, texts: Sequence[str]) -> list[str]:
        """The m chunks themselves."""
        spans = self.spans.tolist()
        bounds = zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True)
        return [
            text[start:end]
            for text, (first, last) in zip(texts, bounds, strict=True)
            for start, end in spans[first:last]
        ]


def cut_texts(texts: Sequence[str], encoder: Encoder, n_tokens: int | None = None) -> Chunks:
    """Cut texts that are longer than a model reads, at ends of sentences if possible.

    Args:
        texts: n texts.
        encoder: The model; it sets the maximum number of tokens and reports where they are.
        n_tokens: Maximum tokens per chunk, if fewer than the model's.

    Raises:
        UserError: If the model reads texts of any length, or does not report where its tokens are.
    """
    limit = encoder.count_own_tokens() if n_tokens is None else min(n_tokens, encoder.count_own_tokens())
    spans: list[Span] = []
    counts = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        for text, tokens in zip(batch, encoder.find_tokens(batch), strict=True):
            chunks = [(0, len(text))] if len(tokens) <= limit else cut_text(text, tokens, limit - limit // _SPARED)
            spans += chunks
            counts.append(len(chunks))
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    return Chunks(starts, np.array(spans, dtype=np.int64).reshape(len(spans), 2))


def cut_text(text: str, tokens: Sequence[Span], n: int) -> list[Span]:
    """Cut a text into overlapping pieces.

    A piece ends at the end of a sentence in its second half, or else between two words, or else between two tokens. The
    next piece goes back by an eighth or less, to the beginning of a sentence or word.

    Args:
        text: The text.
        tokens: Where each of its tokens begins and ends, in order.
        n: Maximum tokens per piece.

    Returns:
        Where each piece begins and ends, in characters; together they cover the whole text except white space.

    Examples:
        >>> text = "One two three. Four five six seven eight. Nine"
        >>> words = [(m.start(), m.end()) for m in re.finditer(r"\\w+|[.]", text)]
        >>> [text[start:end] for start, end in cut_text(text, words, 8)]
        ['One two three. Four five six seven', 'seven eight. Nine']
    """
    begins = [start for start, _ in tokens]
    breaks = {match.end() for match in _SENTENCE_END.finditer(text)}
    is_word = [place == 0 or tokens[place - 1][1] < begins[place] for place in range(len(tokens))]
    is_sentence = [
        place == 0 or not breaks.isdisjoint(range(tokens[place - 1][1], begins[place] + 1))
        for place in range(len(tokens))
    ]

    def find_last(low: int, high: int) -> int:
        """The last good place to cut between low and high."""
        for is_good in (is_sentence, is_word):
            for place in range(high, low - 1, -1):
                if is_good[place]:
                    return place
        return high

    def find_first(low: int, high: int) -> int:
        for is_good in (is_sentence, is_word):
            for place in range(low, high + 1):
                if is_good[place]:
                    return place
        return high

    spans, first = [], 0
    while len(tokens) - first > n:
        last = find_last(first + n // 2 + 1, first + n)
        spans.append((begins[first] if first else 0, tokens[last - 1][1]))
        first = find_first(max(first + 1, last - n // _OVERLAP), last)
    return [*spans, (begins[first] if first else 0, len(text))]
