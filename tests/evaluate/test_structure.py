"""The latent structure of concepts, by hand and against plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from seals_sim.datasets.overlap import select_low_overlap
from seals_sim.evaluate.structure import build_concept_graph, compute_average_cosine, measure_structure
from seals_sim.indexes import ExactIndex, IndexOptions, build_index
from tests.conftest import clustered


def test_four_points_on_a_circle_by_hand():
    """At 0, 10, 30 and 90 degrees. With k = 2 a row finds itself and its nearest: 0-10, 10-0, 30-10, 90-30. Without the
    row at 30 degrees, which is not in the concept, 90 is alone.
    """
    angles = np.radians([0, 10, 30, 90])
    index = ExactIndex(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32))
    whole = build_concept_graph(np.arange(4), index, k=2)
    assert whole.toarray().tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    measured = measure_structure(whole)
    assert (measured.n_components, measured.largest_component) == (1, 1.0)
    assert measured.average_shortest_path == pytest.approx((3 * 1 + 2 * 2 + 1 * 3) / 6)
    without = measure_structure(build_concept_graph(np.array([0, 1, 3]), index, k=2))
    assert without.n_components == 2
    assert without.largest_component == pytest.approx(2 / 3)
    assert without.average_shortest_path == 1.0


def test_a_single_example_has_no_path():
    measured = measure_structure(csr_array((1, 1)))
    assert (measured.n_components, measured.largest_component) == (1, 1.0)
    assert np.isnan(measured.average_shortest_path)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_structure_matches_plain_definitions(seed, k):
    """Compare with neighbors, components and path lengths (Floyd-Warshall) written out."""
    vectors, cluster = clustered(80, 5, 4, seed)
    members = np.flatnonzero(cluster == 0)
    distance = np.linalg.norm(vectors[:, None].astype(float) - vectors[None], axis=2)
    index = ExactIndex(vectors)
    graph = build_concept_graph(members, index, k)
    near = np.array([[j in set(index.neighbors(np.array([i]), k)[0].tolist()) for j in members] for i in members])
    joined = (near | near.T) & ~np.eye(len(members), dtype=bool)
    assert (graph.toarray().astype(bool) == joined).all()
    for place, row in enumerate(members):  # and they are nearest, up to ties in float32
        far = np.sort(distance[row])[min(k, 80) - 1]
        assert (distance[row, members[near[place]]] <= far + 1e-5).all()

    length = np.where(joined, 1.0, np.inf)
    np.fill_diagonal(length, 0)
    for via in range(len(members)):
        length = np.minimum(length, length[:, via, None] + length[via])
    sizes = np.isfinite(length).sum(axis=1)
    measured = measure_structure(graph)
    assert measured.largest_component == sizes.max() / len(members)
    if sizes.max() > 1:
        # several largest components may tie; one of them is measured
        components = {tuple(np.flatnonzero(np.isfinite(row))) for row in length[sizes == sizes.max()]}
        possible = [length[np.ix_(c, c)].sum() / (len(c) * (len(c) - 1)) for c in components]
        assert any(measured.average_shortest_path == pytest.approx(value) for value in possible)


def test_everything_is_one_step_away_at_k_equals_n():
    vectors, cluster = clustered(60, 5, 3)
    measured = measure_structure(build_concept_graph(np.flatnonzero(cluster == 0), ExactIndex(vectors), 60))
    assert (measured.n_components, measured.largest_component, measured.average_shortest_path) == (1, 1.0, 1.0)


def test_sampled_sources_come_near_the_whole():
    """On a path, an example is n / 4 to n / 2 edges from the others, depending on its place, and (n + 1) / 3 on
    average.
    """
    n = 400
    heads = np.arange(n - 1)
    path = csr_array((np.ones(n - 1), (heads, heads + 1)), shape=(n, n))
    path = path.maximum(path.T)
    exact = (n + 1) / 3
    assert measure_structure(path).average_shortest_path == pytest.approx(exact)
    sampled = [
        measure_structure(path, max_sources=20, rng=np.random.default_rng(seed)).average_shortest_path
        for seed in range(50)
    ]
    assert np.mean(sampled) == pytest.approx(exact, rel=0.02)
    assert 0.02 * exact < np.std(sampled) < 0.1 * exact


def test_average_cosine_over_all_pairs():
    vectors, _ = clustered(50, 6, 5)
    products = vectors.astype(float) @ vectors.T.astype(float)
    assert compute_average_cosine(vectors) == pytest.approx(products[np.triu_indices(50, 1)].mean(), abs=1e-6)


@given(st.lists(st.frozensets(st.integers(0, 30), min_size=1), max_size=20), st.sampled_from([0.0, 0.1, 0.5]))
def test_chosen_concepts_overlap_little_and_no_other_fits(sets, max_shared):
    concepts = {f"c{place}": np.array(sorted(rows)) for place, rows in enumerate(sets)}
    chosen = select_low_overlap(concepts, 31, max_shared)

    def fits(name, others):
        rows = set(concepts[name].tolist())
        return all(
            len(rows & set(concepts[other].tolist())) <= max_shared * min(len(rows), len(concepts[other]))
            for other in others
        )

    assert all(fits(name, [other for other in chosen if other != name]) for name in chosen)
    assert not any(fits(name, chosen) for name in concepts if name not in chosen)


@pytest.mark.parametrize("name", ["exact", "graph"])
def test_copies_neither_join_nor_swell_a_concept(name, tmp_path):
    """Simulated: a concept, and the same concept with one of its members repeated a thousand times."""
    vectors, cluster = clustered(400, 12, 10)
    vectors, cluster = vectors[:360], cluster[:360]  # all are different
    copied = np.concatenate([vectors, np.repeat(vectors[cluster == 0][:1], 1000, axis=0)])
    graphs = []
    for folder, table in (("plain", vectors), ("copied", copied)):
        members = np.concatenate([np.flatnonzero(cluster == 0), np.arange(360, len(table))])
        index = build_index(name, table, tmp_path / folder, IndexOptions(k=8), np.random.default_rng(0))
        graphs.append(build_concept_graph(members, index, 8))
    assert graphs[0].toarray().tolist() == graphs[1].toarray().tolist()
    assert measure_structure(graphs[0]) == measure_structure(graphs[1])
