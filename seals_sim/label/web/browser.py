"""The browser that is opened for the person."""

from __future__ import annotations

import html
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SENT_ON = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="refresh" content="0; url={url}"><title>Labels</title>'
    '<a href="{url}">Go on to the page</a></html>'
)


@contextmanager
def opening_in_browser(url: str) -> Iterator[None]:
    """Open an address that is nobody else's business, in a browser.

    Other users of the machine see the words that a program is started with. So the browser is started with a file that
    only we can read, in a folder that only we can enter, and which sends it on.
    """
    with tempfile.TemporaryDirectory(prefix="seals-") as folder:
        file = Path(folder) / "open.html"
        file.touch(0o600)
        file.write_text(_SENT_ON.format(url=html.escape(url)), encoding="ascii")
        threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        yield
