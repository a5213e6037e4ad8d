"""A killed embedding resumes after its last block and gives the same result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from seals_sim.embed import blocks
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import STATIC_MODEL
from seals_sim.embed.space import TextSpace, embed_texts

TEXTS = [f"text {number % 50}" for number in range(60)]
KILLED = """
import os, signal, sys
from pathlib import Path
from seals_sim.embed import blocks
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.space import embed_texts
blocks.BLOCK, calls, before = 10, [], Encoder.encode
def encode(self, texts):
    calls.append(1)
    if len(calls) == 5:  # one asks for the dimensions, three are blocks that are done
        os.kill(os.getpid(), signal.SIGKILL)
    return before(self, texts)
Encoder.encode = encode
embed_texts([f"text {number % 50}" for number in range(60)], "wordllama", 0, Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_killed_embedding_goes_on(tmp_path, monkeypatch, is_damaged):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=os.getcwd(), timeout=120)
    assert ended.returncode == -signal.SIGKILL
    (array,) = tmp_path.glob("embedding/*/texts/array.npy")
    if is_damaged:
        (array.parent / "journal.jsonl").write_text("nonsense\n")
    sizes, before = [], Encoder.encode

    def count(self, texts):
        sizes.append(len(texts))
        return before(self, texts)

    monkeypatch.setattr(Encoder, "encode", count)
    monkeypatch.setattr(blocks, "BLOCK", 10)
    resumed = embed_texts(TEXTS, STATIC_MODEL, 0, tmp_path)
    assert [size for size in sizes if size > 1] == [10] * (5 if is_damaged else 2)
    np.testing.assert_array_equal(resumed, embed_texts(TEXTS, STATIC_MODEL, 0, None))
    assert not array.parent.exists()


def test_embedding_a_table_completes_what_a_session_has_begun(tmp_path, monkeypatch):
    lazy = TextSpace(TEXTS, STATIC_MODEL, 0, tmp_path).open_lazily(tmp_path)
    lazy[[3, 5, 9]]
    lazy.close()
    seen, before = [], Encoder.encode

    def record(self, texts):
        seen.extend(texts)
        return before(self, texts)

    monkeypatch.setattr(Encoder, "encode", record)
    vectors = embed_texts(TEXTS, STATIC_MODEL, 0, tmp_path)
    assert set(TEXTS) - set(seen) == {TEXTS[3], TEXTS[5], TEXTS[9]}
    np.testing.assert_allclose(vectors, embed_texts(TEXTS, STATIC_MODEL, 0, None), atol=1e-6)
    assert not list(tmp_path.glob("embedding/*/lazy-*"))
