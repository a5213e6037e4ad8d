"""Whitening: it is the same after saving and loading, and it matches its definition."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.vectors.whitening import Whitening, whiten


@st.composite
def embeddings(draw):
    """(n, d) embeddings with independent directions, at any scale and position, and how many of them to use."""
    d = draw(st.integers(1, 6))
    n = draw(st.integers(d + 2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    spread = rng.uniform(0.5, 2, size=d) * 10.0 ** draw(st.integers(-3, 3))
    rows = (rng.normal(size=(n, d)) + draw(st.floats(-2, 2))) * spread
    return rows.astype(np.float32), draw(st.integers(1, d))


@settings(deadline=None)
@given(embeddings())
def test_saved_and_loaded_it_is_the_same(case):
    rows, dimensions = case
    fitted = Whitening.fit(rows, dimensions)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whitening.npz")
        fitted.save(path)
        loaded = Whitening.load(path)
        assert [file.name for file in Path(folder).iterdir()] == ["whitening.npz"]
    for one, other in ((fitted.mean, loaded.mean), (fitted.directions, loaded.directions)):
        assert one.dtype == other.dtype == np.float32
        assert np.array_equal(one, other)
    assert np.array_equal(loaded.apply(rows), fitted.apply(rows))
    assert np.array_equal(loaded.apply(rows), whiten(rows, dimensions))


@settings(deadline=None)
@given(embeddings())
def test_components_have_unit_variance_and_no_correlation(case):
    rows, dimensions = case
    whitening = Whitening.fit(rows, dimensions)
    components = (rows.astype(np.float64) - whitening.mean) @ whitening.directions
    np.testing.assert_allclose(np.atleast_2d(np.cov(components.T)), np.eye(dimensions), atol=1e-2)


def test_fewer_dimensions_than_asked_for_where_the_rows_span_fewer():
    rng = np.random.default_rng(0)
    few = rng.normal(size=(40, 30)).astype(np.float32)[np.arange(400) % 40]
    assert whiten(few, 100, or_fewer=True).shape == (400, 10)  # a quarter of the distinct rows
    flat = (rng.normal(size=(400, 5)) @ rng.normal(size=(5, 30))).astype(np.float32)
    np.testing.assert_allclose(whiten(flat, 20, or_fewer=True), whiten(flat, 5), atol=1e-4)
    for enough in (flat, few):
        assert np.array_equal(whiten(enough, 4, or_fewer=True), whiten(enough, 4))
    for rows in (few[:1], np.repeat(few[:1], 50, axis=0), few[:1] + np.linspace(0, 1e-7, 9, dtype=np.float32)[:, None]):
        np.testing.assert_allclose(whiten(rows, 3, or_fewer=True), whiten(rows, 0), atol=1e-6)
