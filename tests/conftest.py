"""Fixtures: a small simulated table of clustered unit vectors, and the real texts next to the checkout."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from seals_sim.types import Vectors

# The same examples in every run; `make test-random` draws others. A busy machine takes its time.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None, max_examples=500)
settings.load_profile("repeatable")

# Children inherit what is ignored, and under nohup or in the background that is a signal which some tests send to them.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# A separate script; it imports the real server, which is not among the extras.
collect_ignore = ["indexes/milvus_server.py"]

SHARED = Path(__file__).parents[2] / "shared" / "data"


def clustered(n: int, d: int, n_clusters: int, seed: int = 0) -> tuple[Vectors, np.ndarray]:
    """Simulated: n unit vectors around n_clusters centers, some of them exact duplicates, and their clusters."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_clusters, d))
    cluster = rng.integers(n_clusters, size=n)
    vectors = centers[cluster] + 0.5 * rng.normal(size=(n, d))
    vectors[-n // 10 :] = vectors[: n // 10]
    cluster[-n // 10 :] = cluster[: n // 10]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), cluster


@pytest.fixture(scope="session")
def table() -> tuple[Vectors, np.ndarray]:
    vectors, cluster = clustered(400, 12, 10)
    return vectors, cluster == 0


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the real texts are not there: {SHARED}")
    return SHARED


@pytest.fixture
def vectors_and_labels(tmp_path: Path) -> list[str]:
    """Options for simulated vectors in six clusters, all different, with the clusters as class ids."""
    vectors, cluster = clustered(300, 10, 6)
    vectors[-30:] += 0.01
    np.save(tmp_path / "x.npy", vectors)
    np.save(tmp_path / "y.npy", cluster)
    return ["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A file in the schema of the Goodreads spoilers, with made-up sentences."""
    rng = np.random.default_rng(0)
    subjects, ends = (
        ["The butler", "Her sister", "The dragon", "My teacher"],
        ["dies", "is the killer", "wins", "leaves"],
    )
    plain = ["reads well", "was too long", "has a fine cover", "made me laugh", "cost little"]
    lines = []
    for number in range(80):
        sentences = []
        for place in range(5):
            spoils = int(rng.random() < 0.2)
            words = f"{rng.choice(subjects)} {rng.choice(ends if spoils else plain)} in chapter {number * 5 + place}."
            sentences.append([spoils, words])
        review = {"user_id": "u", "timestamp": "2017-01-01", "review_sentences": sentences, "rating": 3,
                  "has_spoiler": True, "book_id": str(number % 7), "review_id": str(number)}  # fmt: skip
        lines.append(json.dumps(review))
    path = tmp_path / "reviews.json"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must end with exit code 2 and one line, and returns that line."""

    def run(main: Callable[[list[str]], None], arguments: Sequence[object]) -> str:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        assert stop.value.code == 2
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1, said
        return said[0]

    return run


@contextmanager
def limited_files(n_bytes: int) -> Iterator[None]:
    """No file can grow beyond this many bytes: a stand-in for a full disk, on which the same calls fail."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
