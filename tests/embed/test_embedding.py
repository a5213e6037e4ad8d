"""The real default model on a few texts, whitening, and a cache that is whole or not used."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from seals_sim.datasets import read_icd10cm
from seals_sim.disk.cache import compute_with_cache
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.space import TextSpace, embed_texts
from seals_sim.errors import UserError
from seals_sim.vectors.whitening import whiten

TEXTS = ["a cat sleeps on the sofa", "a kitten naps", "interest rates rose", "the bank raised rates", "rain", "snow"]


@pytest.fixture(scope="module")
def raw():
    return embed_texts(TEXTS, dimensions=0, cache=None)


def test_like_texts_are_near(raw):
    assert raw.shape == (6, 384)
    assert raw.dtype == np.float32
    similarity = raw @ raw.T
    np.testing.assert_allclose(np.diag(similarity), 1, atol=1e-5)
    assert similarity[0, 1] > similarity[0, 2]
    assert similarity[2, 3] > similarity[2, 4]


def test_the_static_model_needs_no_network_and_puts_like_texts_near(tmp_path):
    static = embed_texts(TEXTS, "wordllama", 0, tmp_path)
    assert static.shape == (6, 256)
    similarity = static @ static.T
    assert similarity[0, 1] > similarity[0, 2]
    assert similarity[2, 3] > similarity[2, 4]
    with pytest.raises(UserError, match="dimensions = 300"):
        embed_texts([str(number) for number in range(400)], "wordllama", 300)


def test_embeddings_keep_the_order_of_the_texts(raw):
    backwards = embed_texts(TEXTS[::-1], dimensions=0, cache=None)
    np.testing.assert_allclose(backwards[::-1], raw, atol=1e-5)


def test_whitened_components_are_uncorrelated_with_unit_variance():
    rng = np.random.default_rng(0)
    data = (rng.normal(size=(5000, 10)) * 2.0 ** -np.arange(10)) @ np.linalg.qr(rng.normal(size=(10, 10)))[0] + 3
    white = whiten(data.astype(np.float32), 6)
    assert white.shape == (5000, 6)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.cov(white.T) * 6, np.eye(6), atol=0.06)


@pytest.mark.parametrize(
    ("dimensions", "n_directions", "problem"),
    [
        (7, 3, "the data spans only 3 directions; choose at most 3"),
        (11, 10, "8 distinct .* between 1 and 7"),
    ],
)
def test_too_many_dimensions(dimensions, n_directions, problem):
    data = np.random.default_rng(0).normal(size=(8, 10)).astype(np.float32)
    data[:, n_directions:] = 0
    with pytest.raises(UserError, match=f"dimensions = {dimensions}: {problem}"):
        whiten(data, dimensions)


def test_one_row_is_not_whitened():
    with pytest.raises(UserError, match="dimensions = 1: a single distinct row cannot be whitened"):
        whiten(np.ones((1, 5), dtype=np.float32), 1)
    np.testing.assert_allclose(whiten(np.ones((1, 4), dtype=np.float32), 0), [[0.5] * 4])


def test_a_model_that_is_not_one(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="not a sentence-transformers model"):
        embed_texts(TEXTS, str(tmp_path), 0)


def test_a_full_cache_needs_no_model(tmp_path, monkeypatch):
    first = embed_texts(TEXTS, dimensions=3, cache=tmp_path)

    def fail(*_):
        raise AssertionError("the model was asked again")

    monkeypatch.setattr(Encoder, "encode", fail)
    np.testing.assert_array_equal(embed_texts(TEXTS, dimensions=3, cache=tmp_path), first)
    embed_texts(TEXTS, dimensions=2, cache=tmp_path)  # whitened again from the embeddings on disk
    with pytest.raises(AssertionError):
        embed_texts([*TEXTS, "more"], dimensions=3, cache=tmp_path)


def test_a_damaged_or_half_written_cache_is_not_used(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return np.ones((3, 2), dtype=np.float32)

    compute_with_cache(tmp_path, "key", compute)
    compute_with_cache(tmp_path, "key", compute)
    assert len(calls) == 1
    (path,) = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:-4])
    np.testing.assert_array_equal(compute_with_cache(tmp_path, "key", compute), np.ones((3, 2)))
    assert len(calls) == 2

    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        compute_with_cache(tmp_path, "other", fail)
    assert len(list(tmp_path.iterdir())) == 2


def test_making_embeddings_turns_on_no_log(tmp_path):
    script = (
        "import logging; from seals_sim.embed.space import TextSpace, embed_texts\n"
        "for model in ('wordllama', 'all-MiniLM-L6-v2'): embed_texts(['a b', 'c d'], model, 0)\n"
        "assert logging.root.level == logging.WARNING and not logging.root.handlers"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "INFO" not in ended.stderr


@pytest.mark.parametrize("n_copies", [1, 30, 300])
def test_copies_of_a_text_do_not_push_its_paraphrase_away(n_copies):
    """Whitening counts equal rows once: 300 copies among 1,000 texts used to push the paraphrase from rank 1 to 102."""
    spam = "You have won a prize, click this link to claim your voucher now"
    texts = [*read_icd10cm().texts[:3000:3], *[spam] * n_copies]
    space = TextSpace(texts, "wordllama", 64)
    query = space.encode(["You have won a prize"])[0]
    similarity = space.compute_vectors() @ query
    assert similarity[-1] == similarity.max()
    assert similarity[-1] > 0.5


def test_rows_that_differ_by_rounding_are_not_whitened():
    rng = np.random.default_rng(0)
    rows = (np.ones((40, 8)) + 1e-7 * rng.normal(size=(40, 8))).astype(np.float32)
    with pytest.raises(UserError, match="the rows are equal up to rounding"):
        whiten(rows, 4)


@pytest.mark.parametrize(
    ("texts", "d"),
    [
        ([" ".join(["disk", "net", "warn", "error"][n // 4**place % 4] for place in range(4)) for n in range(256)], 3),
        (["one row"], 256), (["the same"] * 50, 256), (["this", "that"], 1), (["a b", "b a"] * 20, 256),
    ],
)  # fmt: skip
def test_the_default_dimensions_fit_every_table(tmp_path, texts, d):
    for cache in (None, tmp_path, tmp_path):
        space = TextSpace(texts, "wordllama", None, cache)
        vectors = space.compute_vectors()
        assert vectors.shape == (len(texts), d)
        np.testing.assert_allclose(space.encode(texts[:3]), vectors[:3], atol=1e-4)
