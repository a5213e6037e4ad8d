"""Search pictures by a sentence: a small CLIP model of sentence-transformers with RANDOM weights.

Such a model has learned nothing, so its hits mean nothing. The test checks that the page shows the pictures that the
model itself puts nearest, computed here by transformers alone.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from transformers import CLIPConfig, CLIPModel, CLIPProcessor, CLIPTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from tests.cli.test_own_vectors import PICTURES, open_page

N, SIDE = 40, 32
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SENTENCES = ("a heron in flight", "two red boats", "snow")
OF_EARLY_VERSIONS = [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """SIMULATED pictures of one ellipse each in a folder, their table, and a model in `clip`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for row in range(N):
        colors = [tuple(color) for color in rng.integers(0, 256, (2, 3)).tolist()]
        image = Image.new("RGB", (48, 36), colors[0])
        left, top = rng.integers(0, 20, 2).tolist()
        ImageDraw.Draw(image).ellipse((left, top, left + 20, top + 12), fill=colors[1])
        image.save(tmp_path / "pictures" / f"{row}.png")
    lines = (json.dumps({"title": f"picture {row}", "path": f"{row}.png"}) for row in range(N))
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    make_model(tmp_path)
    return tmp_path


def make_model(folder):
    """Save the model with transformers in `plain` and with sentence-transformers in `clip`. Its tokens are letters."""
    torch.manual_seed(0)
    tokens = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizerFast({token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    first, last = len(tokens) - 2, len(tokens) - 1
    words = {"vocab_size": len(tokens), "bos_token_id": first, "eos_token_id": last, "pad_token_id": last}
    sight = {"image_size": SIDE, "patch_size": 8}
    config = CLIPConfig(text_config=size | words, vision_config=size | sight, projection_dim=24)
    see = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    CLIPModel(config).save_pretrained(folder / "plain")
    CLIPProcessor(see, tokenizer).save_pretrained(folder / "plain")
    model = SentenceTransformer(modules=[Transformer(str(folder / "plain"))], device="cpu")
    model.save_pretrained(str(folder / "clip"))


def embed_pictures(folder):
    """Embed the pictures as docs/how-to/label-pictures.md does."""
    model = SentenceTransformer(str(folder / "clip"), device="cpu")
    np.save(folder / "x.npy", model.encode([Image.open(folder / "pictures" / f"{row}.png") for row in range(N)]))


def compute_cosines(folder):
    """(sentences, pictures) by transformers alone, without sentence-transformers or an index."""
    model, process = CLIPModel.from_pretrained(folder / "plain").eval(), CLIPProcessor.from_pretrained(folder / "plain")
    images = [Image.open(folder / "pictures" / f"{row}.png") for row in range(N)]
    with torch.no_grad():
        inputs = process(text=list(SENTENCES), images=images, return_tensors="pt", padding=True)
        found = model(**inputs)
    return (found.text_embeds @ found.image_embeds.T).numpy()  # unit length


@pytest.mark.parametrize("layout", ["of today", "of early versions"])
def test_a_sentence_finds_the_pictures_that_clip_puts_nearest(here, monkeypatch, layout):
    embed_pictures(here)
    if layout == "of early versions":  # that of sentence-transformers/clip-ViT-B-32
        (here / "plain").rename(here / "model")
        (here / "clip").rename(here / "plain")
        (here / "model").rename(here / "clip")
        inner = here / "clip" / "0_CLIPModel"
        inner.mkdir()
        for file in [path for path in (here / "clip").iterdir() if path.is_file()]:
            file.rename(inner / file.name)
        (here / "clip" / "modules.json").write_text(json.dumps(OF_EARLY_VERSIONS))
    cosines = compute_cosines(here)

    def look(session, client):
        status = client.get("/api/status").json()
        assert (status["can_find"], status["has_images"]) == (True, True)
        assert session.seeds[0].text == SENTENCES[0]
        for sentence, expected in zip(SENTENCES, cosines, strict=True):
            hits = client.get("/api/find", params={"text": sentence, "n": 10}).json()["rows"]
            assert [hit["row"] for hit in hits] == np.argsort(-expected, kind="stable")[:10].tolist()
            assert np.allclose([hit["similarity"] for hit in hits], np.sort(expected)[::-1][:10], atol=2e-3)
            assert all(hit["has_image"] for hit in hits)
        first = session.ask(1)[0].row
        assert first == int(np.argmax(cosines[0]))
        assert client.get(f"/image/{first}?size=small").headers["content-type"] == "image/jpeg"

    plain = ["--control-every", "0", "--presumed", "0"]  # the first question is the row most similar to the example
    words = ["t.jsonl", "--text-column", "title", *PICTURES, "--model", "clip", "--like", SENTENCES[0]]
    open_page(monkeypatch, [*words, *plain], look)
