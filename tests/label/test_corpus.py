"""What a session opens with: the same texts, model and dimensions, on any machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from seals_sim.datasets import read_icd10cm
from seals_sim.errors import UserError
from seals_sim.label.corpus import build_corpus
from seals_sim.label.session import Session

TEXTS = list(read_icd10cm().texts[:120])
ELSEWHERE = """
import json, sys
from pathlib import Path
import numpy as np
from seals_sim.datasets import read_icd10cm
from seals_sim.label.corpus import build_corpus
from seals_sim.label.session import Session
folder = Path(sys.argv[1])
corpus = build_corpus(list(read_icd10cm().texts[:120]), "exact", folder / "another-cache")
np.save(folder / "elsewhere.npy", corpus.vectors)
with Session.open(folder / "s", corpus) as session:
    print(json.dumps([sorted(session.answers.items()), [asked.row for asked in session.ask(3)]]))
"""


@pytest.mark.slow
def test_a_session_opens_on_another_processor(tmp_path):
    """Another kind of CPU gives vectors that differ in their last bits."""
    corpus = build_corpus(TEXTS, "exact", tmp_path / "cache")
    with Session.begin(tmp_path / "s", corpus, ["cholera"]) as session:
        rows = [asked.row for asked in session.ask(5)]
        session.tell(rows, [1, 0, 1, 0, 0])
        expected = [sorted(session.answers.items()), [asked.row for asked in session.ask(3)]]
    plain = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path)]
    ended = subprocess.run(command, env={**os.environ, **plain}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == json.loads(json.dumps(expected))
    elsewhere = np.load(tmp_path / "elsewhere.npy")
    np.testing.assert_allclose(elsewhere, corpus.vectors, atol=1e-3)


def test_a_refusal_says_what_the_session_was_begun_with(tmp_path):
    corpus = build_corpus(TEXTS, "exact", tmp_path / "cache", model="wordllama", dimensions=16)
    Session.begin(tmp_path / "s", corpus, ["cholera"]).close()
    for other, given in (
        (build_corpus(TEXTS, "exact", tmp_path / "cache", model="wordllama", dimensions=8), "wordllama, 8 dimensions"),
        (build_corpus(TEXTS[:99], "exact", tmp_path / "cache", model="wordllama", dimensions=16), "with 99 texts"),
    ):
        with pytest.raises(UserError, match=rf"began with 120 texts .*wordllama, 16 dim.* opened .*{given}"):
            Session.open(tmp_path / "s", other)


def test_an_early_session_opens_by_the_digest_of_its_vectors(tmp_path):
    corpus = build_corpus(TEXTS, "exact", tmp_path / "cache", model="wordllama", dimensions=16)
    Session.begin(tmp_path / "s", replace(corpus, fingerprint=corpus.old_fingerprint), ["cholera"]).close()
    Session.open(tmp_path / "s", corpus).close()
    with pytest.raises(UserError, match="began with"):
        Session.open(tmp_path / "s", replace(corpus, old_fingerprint="another"))
