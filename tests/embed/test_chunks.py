"""Long texts are cut into chunks that the model reads whole, and no part of a text is lost."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seals_sim.embed.chunks import cut_text, cut_texts
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL
from seals_sim.errors import UserError

LONG = [
    "The seal of the parcel was broken, said Ms. O'Neill. " * 40,
    "stone " * 1000,
    "\u5149\u7684\u77f3\u5934\u3002" * 200,  # no spaces
    "x" * 3000 + " antidisestablishmentarianism" * 300,
    "Caf\u00e9 na\u00efve \U0001f9ad! " * 300,
    " \n\n A line of a list, quite short\n" * 150,
]


@given(st.text(alphabet="ab .\n\u3002", max_size=300), st.integers(8, 40))
def test_pieces_are_short_enough_and_hold_every_token(text, n):
    tokens = [(match.start(), match.end()) for match in re.finditer(r"[ab]{1,3}|[.\u3002]", text)]
    spans = cut_text(text, tokens, n)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    held = [{place for place, (a, b) in enumerate(tokens) if start <= a and b <= end} for start, end in spans]
    assert set().union(*held) == set(range(len(tokens)))
    assert max(map(len, held)) <= max(n, 1)
    for before, after in pairwise(held):
        assert len(before & after) <= n // 8
        assert min(after) > min(before)


def test_pieces_end_where_sentences_end():
    text = "One of them here. " * 50
    tokens = [(match.start(), match.end()) for match in re.finditer(r"\w+|[.]", text)]
    for start, end in cut_text(text, tokens, 23):
        assert text[start:end].startswith("One")
        assert text[start:end].rstrip().endswith(".")


def test_chunks_may_be_shorter_than_the_model_reads():
    encoder, texts = Encoder(DEFAULT_MODEL), ["short", *LONG]
    chunks = cut_texts(texts, encoder, 32)
    lengths = list(map(len, encoder.find_tokens(chunks.list_texts(texts))))
    assert max(lengths) <= 32
    assert len(chunks) > 6 * len(cut_texts(texts, encoder))
    assert cut_texts(texts, encoder, 1000).spans.tolist() == cut_texts(texts, encoder).spans.tolist()


def test_the_model_reads_every_chunk_whole_and_short_texts_as_they_are():
    encoder = Encoder(DEFAULT_MODEL)
    texts = ["short", *LONG, "word " * 254, "word " * 255]
    chunks = cut_texts(texts, encoder)
    pieces = chunks.list_texts(texts)
    assert encoder.find_cut(pieces) == []
    counts = (chunks.starts[1:] - chunks.starts[:-1]).tolist()
    assert counts[0] == counts[7] == 1  # it reads 254 tokens and two at the ends
    assert counts[8] == 2
    assert min(counts[1:7]) > 1
    assert chunks.n_long == 7
    assert chunks.get_span(0, 0) is None
    for row, text in enumerate(texts):
        covered = set()
        for chunk in range(counts[row]):
            start, end = chunks.get_span(row, chunk) or (0, len(text))
            covered |= set(range(start, end))
            assert text[start:end] == pieces[chunks.starts[row] + chunk]
        assert all(text[place].isspace() for place in set(range(len(text))) - covered)


def test_a_model_that_reads_any_length_needs_no_chunks():
    with pytest.raises(UserError, match="any length"):
        cut_texts(["text"], Encoder(STATIC_MODEL))
