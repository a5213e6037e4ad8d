"""If a table has grown, only its new texts are embedded."""

from __future__ import annotations

import numpy as np
import pytest

from seals_sim.embed.encoder import Encoder
from seals_sim.embed.space import TextSpace

TEXTS = [f"the {word} of {number}" for number in range(20) for word in ("king", "ship", "harbor", "king")]


@pytest.fixture
def encoded(monkeypatch):
    """The texts that are embedded from now on."""
    seen, encode = [], Encoder.encode

    def watch(self, texts):
        seen.extend(text for text in texts if text != "a sentence")  # embedded to learn the dimensions
        return encode(self, texts)

    monkeypatch.setattr(Encoder, "encode", watch)
    return seen


def test_only_new_texts_are_embedded(tmp_path, encoded):
    TextSpace(TEXTS, "wordllama", 4, tmp_path).compute_vectors()
    assert sorted(encoded) == sorted(set(TEXTS))
    encoded.clear()
    grown = ["a new one", *TEXTS[:-10], "another", *TEXTS[-10:], "a new one"]
    vectors = TextSpace(grown, "wordllama", 4, tmp_path).compute_vectors()
    assert sorted(encoded) == ["a new one", "another"]
    fresh = TextSpace(grown, "wordllama", 4).compute_vectors()
    np.testing.assert_allclose(vectors, fresh, atol=1e-5)
    encoded.clear()
    TextSpace(TEXTS[:40], "wordllama", 4, tmp_path).compute_vectors()
    assert not encoded


def test_what_is_damaged_or_gone_is_embedded_again(tmp_path, encoded):
    TextSpace(TEXTS, "wordllama", 4, tmp_path).compute_vectors()
    (listed,) = (tmp_path / "texts").rglob("*.npy")
    whole = listed.read_bytes()
    for spoil in (lambda: listed.write_bytes(whole[:-5]), lambda: [path.unlink() for path in tmp_path.glob("*.npy")]):
        listed.write_bytes(whole)
        spoil()
        encoded.clear()
        grown = [*TEXTS, f"new {spoil}"]
        vectors = TextSpace(grown, "wordllama", 4, tmp_path).compute_vectors()
        assert len(encoded) == len(set(grown))
        np.testing.assert_allclose(vectors, TextSpace(grown, "wordllama", 4).compute_vectors(), atol=1e-5)
        for path in (tmp_path / "texts").rglob("*.npy"):
            if path != listed:
                path.unlink()
