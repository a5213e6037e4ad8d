"""Opens the browser for the person."""

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
    """Open a private address in a browser.

    Other users of the machine can see the command line of a program. So the browser opens a file that only we can read,
    in a folder that only we can enter; the file redirects to the address.
    """
    with tempfile.TemporaryDirectory(prefix="seals-") as folder:
        file = Path(folder) / "open.html"
        file.touch(0o600)
        file.write_text(_SENT_ON.format(url=html.escape(url)), encoding="ascii")
        threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        yield
