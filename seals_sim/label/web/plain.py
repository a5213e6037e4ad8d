"""Replies that need no session: the files of the page, and JSON that any browser reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, JSONResponse, Response

_STATIC = Path(__file__).parent / "static"
_SCRIPTS = (
    "page.js",
    "adding.js",
    "calls.js",
    "cards.js",
    "chunks.js",
    "curve.js",
    "concepts.js",
    "elements.js",
    "judge.js",
    "keys.js",
    "lists.js",
    "marks.js",
    "menu.js",
    "notes.js",
    "opening.js",
    "person.js",
    "pictures.js",
    "status.js",
)
_STYLES = ("page.css", "opening.css")
_MEDIA_TYPES = {
    **dict.fromkeys(_STYLES, "text/css"),
    **dict.fromkeys(_SCRIPTS, "text/javascript"),
    "icon.svg": "image/svg+xml",
}


class PlainJson(JSONResponse):
    """JSON in ASCII, so that any text can be sent, even half a surrogate pair, which UTF-8 cannot encode."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def send_page(file: str) -> Response:
    """A page of this folder."""
    return FileResponse(_STATIC / file, media_type="text/html; charset=utf-8")


def send_static(file: str) -> Response:
    """A script, a style or the icon."""
    if file not in _MEDIA_TYPES:
        return PlainJson({"error": "no such file"}, status_code=404)
    return FileResponse(_STATIC / file, media_type=_MEDIA_TYPES[file])
