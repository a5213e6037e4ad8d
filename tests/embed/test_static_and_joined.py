"""Static models in the folders that Model2Vec writes, and two models side by side."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from seals_sim import UserError
from seals_sim.cli.main import main
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.joined import JOINED_WEIGHT, open_encoder
from seals_sim.embed.names import STATIC_MODEL
from seals_sim.embed.space import TextSpace
from seals_sim.label.lazy_corpus import build_lazy_corpus

WORDS = ["[UNK]", "cat", "dog", "sea"]
VECTORS = np.array([[0, 0, 0], [1, 0, 0], [0.8, 0.6, 0], [0, 0, 2]], dtype=np.float32)
TEXTS = ["cat", "cat dog", "sea", "the cat"]


def write_model(folder, with_modules=False, **more):
    """Write a made-up model as Model2Vec saves one."""
    folder.mkdir()
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file({"embeddings": VECTORS}, folder / "model.safetensors")
    config = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": 3, **more}
    (folder / "config.json").write_text(json.dumps(config))
    if with_modules:
        package = "sentence_transformers.models"
        modules = [{"idx": 0, "name": "0", "path": ".", "type": f"{package}.StaticEmbedding"},
                   {"idx": 1, "name": "1", "path": "1_Normalize", "type": f"{package}.Normalize"}]  # fmt: skip
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Normalize").mkdir()
    return folder


@pytest.mark.parametrize("with_modules", [False, True])
def test_a_folder_of_model2vec_is_a_static_model(tmp_path, with_modules):
    model = Encoder(str(write_model(tmp_path / "m", with_modules, normalize=True)))
    assert model.is_static
    assert model.dimensions == 3
    expected = np.array([[1, 0, 0], [0.9, 0.3, 0], [0, 0, 1]]) / np.array([[1], [np.sqrt(0.9)], [1]])
    np.testing.assert_allclose(model.encode(TEXTS[:3]), expected, atol=1e-6)


def test_it_is_not_normalized_where_the_folder_says_so(tmp_path):
    model = Encoder(str(write_model(tmp_path / "m", normalize=False)))
    np.testing.assert_allclose(model.encode(["sea"]), [[0, 0, 2]])


def test_a_folder_of_model2vec_without_its_vectors_is_named(tmp_path):
    folder = write_model(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"{}")
    with pytest.raises(UserError, match="not a sentence-transformers model") as error:
        Encoder(str(folder)).encode(["cat"])
    assert len(str(error.value).splitlines()) == 1


def test_a_static_model_is_not_embedded_lazily(tmp_path):
    folder = write_model(tmp_path / "m")
    with pytest.raises(UserError, match="is a static model"):
        build_lazy_corpus(TEXTS, "exact", tmp_path / "cache", str(folder))


def test_two_models_give_a_weighted_mean_of_their_cosines(tmp_path):
    folder = write_model(tmp_path / "m")
    both = open_encoder(f"{STATIC_MODEL}+{folder}")
    assert both.is_static
    assert both.dimensions == 256 + 3
    again = pickle.loads(pickle.dumps(both))
    assert again.digest == both.digest
    assert both.digest not in (open_encoder(STATIC_MODEL).digest, open_encoder(f"{folder}+{STATIC_MODEL}").digest)
    vectors = TextSpace(TEXTS, f"{STATIC_MODEL}+{folder}", 0).compute_vectors()
    first, second = (TextSpace(TEXTS, model, 0).compute_vectors() for model in (STATIC_MODEL, str(folder)))
    weight = JOINED_WEIGHT**2
    expected = (first @ first.T + weight * second @ second.T) / (1 + weight)
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-5)


def test_a_text_that_one_model_knows_nothing_of_has_the_other_ones_vector(tmp_path):
    folder = write_model(tmp_path / "m")
    unknown = open_encoder(f"{STATIC_MODEL}+{folder}").encode(["zebra"])[0]
    np.testing.assert_allclose(np.linalg.norm(unknown), 1, atol=1e-5)
    assert not unknown[-3:].any()


def test_a_folder_with_a_plus_in_its_name_is_one_model(tmp_path):
    assert open_encoder(str(write_model(tmp_path / "a+b"))).dimensions == 3


def test_the_commands_take_two_models(tmp_path, refused):
    folder, table = write_model(tmp_path / "m"), tmp_path / "t.csv"
    table.write_text("text\n" + "\n".join(TEXTS) + "\n")
    words = ["embed", str(table), "--cache", str(tmp_path / "cache"), "--quiet", "--out", str(tmp_path / "v.npy")]
    main([*words, "--model", f"{STATIC_MODEL}+{folder}"])
    assert np.load(tmp_path / "v.npy").shape == (4, 259)
    assert "no such folder" in refused(main, [*words, "--model", f"{STATIC_MODEL}+./none"])
    for model in (f"{STATIC_MODEL}+", f"+{STATIC_MODEL}", "+"):
        assert "needs a model on both sides" in refused(main, [*words, "--model", model])
