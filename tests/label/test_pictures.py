"""Pictures: they are re-encoded for display, and nothing outside the folder can be reached."""

from __future__ import annotations

import io
import os
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from seals_sim.errors import UserError
from seals_sim.label import pictures as module
from seals_sim.label.options import SessionOptions
from seals_sim.label.pictures import Pictures
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from tests.label.small import CORPUS

SECRET = b"a comment with a secret"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "cats").mkdir(parents=True)
    Image.new("RGB", (2000, 1000), "red").save(folder / "cats" / "a.jpg", comment=SECRET)
    Image.new("RGB", (40, 40), "blue").save(tmp_path / "outside.png")
    return folder


def draw(folder, name, size="large"):
    picture = Pictures(folder, [name]).draw(0, size)
    return Image.open(io.BytesIO(picture.content)), picture


def test_a_picture_is_drawn_anew_no_larger_than_wanted(folder):
    for size, expected in (("large", (1280, 640)), ("small", (480, 240))):
        image, picture = draw(folder, "cats/a.jpg", size)
        assert image.size == expected
        assert SECRET not in picture.content
    assert SECRET in (folder / "cats" / "a.jpg").read_bytes()
    Image.new("RGB", (8, 4)).save(folder / "small.png")
    assert draw(folder, "small.png")[0].size == (8, 4)
    assert draw(folder, str(folder / "small.png"))[0].size == (8, 4)  # an absolute path may lead into it


def test_each_kind_of_picture_is_shown_as_it_looks(folder):
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    for name, image in (
        ("clear.png", clear),
        ("clear.webp", clear),
        ("palette.gif", clear.convert("P")),
        ("gray.png", Image.new("L", (20, 20), 200)),
        ("cmyk.jpg", Image.new("CMYK", (20, 20))),
        ("bits.png", Image.new("1", (20, 20), 1)),
    ):
        image.save(folder / name)
        drawn, picture = draw(folder, name)
        assert picture.media_type == ("image/png" if name.startswith("clear") else "image/jpeg"), name
        assert drawn.size == (20, 20)
    assert draw(folder, "clear.png")[0].getpixel((3, 3))[3] == 0
    deep = np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    assert abs(draw(folder, "deep.png")[0].convert("L").getpixel((10, 10)) - deep[10, 10] / 256) < 8
    turned = Image.new("RGB", (40, 20))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "turned.jpg", exif=exif)
    assert draw(folder, "turned.jpg")[0].size == (20, 40)


def test_no_path_leads_out_of_the_folder(folder, tmp_path):
    outside = tmp_path / "outside.png"
    (folder / "link.png").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    (tmp_path / "pictures-more").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "pictures-more" / "a.png")
    for name in ("../outside.png", "cats/../../outside.png", str(outside), "link.png", "up/outside.png",
                 "../pictures-more/a.png", "/etc/passwd"):  # fmt: skip
        with pytest.raises(UserError, match="outside the image folder"):
            draw(folder, name)
    (folder / "inner.jpg").symlink_to(folder / "cats" / "a.jpg")
    assert draw(folder, "inner.jpg")[0].size == (1280, 640)
    (folder / "loop").symlink_to(folder / "loop")
    for name in ("loop", "none.png", "a\0.png", "half \ud83d.png", "n" * 5000, "cats/a.jpg/b"):
        with pytest.raises(UserError, match="missing"):
            draw(folder, name)
        assert not Pictures(folder, [name]).is_there(0)


def test_what_is_no_picture_is_refused(folder, monkeypatch):
    content = (folder / "cats" / "a.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])
    (folder / "empty.jpg").touch()
    (folder / "page.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    Image.new("RGB", (4, 4)).save(folder / "map.png", "BMP")
    for name in ("cut.jpg", "empty.jpg", "page.png", "map.png"):
        with pytest.raises(UserError, match="broken, or its format is not one of JPEG, PNG, WEBP, GIF"):
            draw(folder, name)
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(UserError, match="is not a file"):
        draw(folder, "pipe.png")
    with pytest.raises(UserError, match=r"not a file|cannot be read"):
        draw(folder, "cats")
    with pytest.raises(UserError, match="no picture"):
        draw(folder, None)
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(UserError, match="larger than 100 bytes"):
        draw(folder, "cats/a.jpg")
    with pytest.raises(UserError, match="no such folder"):
        Pictures(folder / "none", [])


def test_a_picture_that_unpacks_to_too_many_pixels_is_not_decoded(folder):
    for side in (9_200, 20_000):  # above our bound; above twice Pillow's
        Image.new("1", (side, side)).save(folder / "bomb.png")
        assert (folder / "bomb.png").stat().st_size < 100_000
        with pytest.raises(UserError, match=r"pixels|broken"):
            draw(folder, "bomb.png")


def test_the_page_gets_pictures_by_row(folder, tmp_path):
    paths = [None, *["cats/a.jpg"] * 397, "../outside.png", "none.png"]
    corpus = replace(CORPUS, pictures=Pictures(folder, paths), table_rows=np.arange(400) + 5)
    with Session.begin(tmp_path / "s", corpus, options=SessionOptions(k=5)) as session:
        app = make_app(session, "token", "127.0.0.1", "s")
        client = TestClient(app, base_url="http://127.0.0.1:80", headers={"X-Token": "token"})
        sent = client.get("/image/6?size=small")
        assert (sent.status_code, sent.headers["content-type"]) == (200, "image/jpeg")
        assert sent.headers["x-content-type-options"] == "nosniff"
        assert sent.headers["cache-control"] == "no-store"
        assert Image.open(io.BytesIO(sent.content)).size == (480, 240)
        for row, said in ((5, "has no picture"), (403, "outside"), (404, "missing"), (0, "no such row"), (-1, "row")):
            refused = client.get(f"/image/{row}")
            assert (refused.status_code, said in refused.text) == (404, True), refused.text
            assert str(tmp_path) not in refused.text
        for call in ("/image/..%2Foutside.png", "/image/cats/a.jpg", "/image/6?size=9000", "/image/6.5"):
            assert client.get(call).status_code in (400, 404)
        stranger = TestClient(app, base_url="http://127.0.0.1:80")
        assert stranger.get("/image/6").status_code == 403
        assert client.get("/api/status").json()["has_images"]
        near = client.get("/api/similar?row=5&n=100").json()["rows"]
        assert {item["has_image"] for item in near} == {True}
        asked = client.get("/api/batch?n=100").json()["rows"]
        assert all(item["has_image"] == (item["row"] != 5) for item in asked)


def test_a_table_without_pictures_has_none(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, options=SessionOptions(k=5)) as session:
        app = make_app(session, "token", "127.0.0.1", "s")
        client = TestClient(app, base_url="http://127.0.0.1:80", headers={"X-Token": "token"})
        assert client.get("/image/3").text == "this table has no pictures\n"
        assert not client.get("/api/status").json()["has_images"]
        assert not client.get("/api/batch").json()["rows"][0]["has_image"]
