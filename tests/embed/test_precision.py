"""bfloat16 on CPUs that support it: close to float32, under another cache key, in the same session."""

from __future__ import annotations

import numpy as np
import pytest

from seals_sim.embed import blocks
from seals_sim.embed import precision as precisions
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import DEFAULT_MODEL
from seals_sim.embed.precision import choose_precision
from seals_sim.embed.space import TextSpace
from seals_sim.types import Rows

TEXTS = ["a cat sleeps on the sofa", "a kitten naps", "interest rates rose", "the bank raised rates", "rain", "snow"]


@pytest.mark.parametrize(
    ("flags", "precision"),
    [("fpu avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16"), ("avx2 avx512f", "float32"), ("", "float32")],
)
def test_the_processor_decides(tmp_path, flags, precision):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert choose_precision(tmp_path / "cpuinfo") == precision


def test_bfloat16_is_near_and_has_the_same_fingerprint(tmp_path):
    exact = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path, precision="float32")
    rounded = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path, precision="bfloat16")
    assert exact.fingerprint == rounded.fingerprint
    cosines = np.vecdot(exact.compute_vectors(), rounded.compute_vectors())
    assert cosines.min() > 0.999
    assert (exact.compute_vectors() != rounded.compute_vectors()).any()


def test_auto_takes_what_an_earlier_version_has_cached(tmp_path, monkeypatch):
    monkeypatch.setattr(precisions, "choose_precision", lambda: "bfloat16")
    old = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path).compute_vectors()
    monkeypatch.setattr(blocks, "encode", lambda *_: pytest.fail("embedded again"))
    again = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path, precision="auto").compute_vectors()
    np.testing.assert_array_equal(again, old)


def test_auto_goes_on_with_what_was_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(precisions, "choose_precision", lambda: "bfloat16")
    begun = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path, precision="float32").open_lazily(tmp_path)
    begun.embed(Rows(np.arange(2)))
    begun.close()
    again = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path, precision="auto").open_lazily(tmp_path)
    assert again.n_embedded == 2
    again.close()


def test_texts_of_similar_length_are_embedded_together_and_come_back_in_order(monkeypatch):
    texts = [" ".join(["cat"] * (1 + 7 * row % 90)) for row in range(80)]
    encoder = Encoder()
    expected = np.concatenate([encoder.encode([text]) for text in texts])
    lengths, encode = [], encoder._model.encode

    def note(some, **options):
        lengths.append([text.count("cat") for text in some])
        return encode(some, **options)

    monkeypatch.setattr(encoder._model, "encode", note)
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=2e-6)
    assert [len(batch) for batch in lengths] == [32, 32, 16]
    given = [length for batch in lengths for length in batch]
    assert given == sorted(given, reverse=True)
