"""Pictures of rows: files in one folder, decoded and re-encoded, so that no byte of a file is passed on unchanged.

A path is a cell of a table that someone else may have written, and a picture may be made to attack its decoder. So no
path leads outside the folder, only a few common formats are read, and sizes are limited.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from seals_sim.errors import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # of a GIF, the first frame; SVG can contain code
MAX_BYTES = 64 * 2**20  # of a file
MAX_PIXELS = 80_000_000  # below Pillow's own bound; some 320 MB while it is decoded
SIZES: dict[str, int] = {"small": 480, "large": 1280}  # pixels of the longer side
PictureSize = Literal["small", "large"]

_N_AT_A_TIME = 2  # each decoding takes memory and a CPU
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")

warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """An encoded picture.

    Attributes:
        content: The bytes of a file.
        media_type: Media type of the content.
    """

    content: bytes
    media_type: str


class Pictures:
    """The pictures of n rows.

    Args:
        folder: The folder of pictures; no file outside it is read.
        paths: The path of each row's picture, relative to the folder; None for a row without one.

    Raises:
        UserError: If there is no such folder.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (600, 300)).save(Path(folder) / "a.png")
        ...     pictures = Pictures(Path(folder), ["a.png", None])
        ...     pictures.has(0), pictures.has(1), pictures.draw(0, "small").media_type
        (True, False, 'image/jpeg')
    """

    def __init__(self, folder: Path, paths: Sequence[str | None]) -> None:
        if not folder.is_dir():
            raise UserError("no such folder", parameter="image_folder", value=str(folder))
        self.paths = paths
        self._root = folder.resolve()
        self._turns = threading.BoundedSemaphore(_N_AT_A_TIME)

    def has(self, row: int) -> bool:
        """Whether the table names a picture for a row, whether it exists or not."""
        return self.paths[row] is not None

    def is_there(self, row: int) -> bool:
        """Whether the file of a row's picture exists and may be shown."""
        try:
            return self.find(row).is_file()
        except UserError:
            return False

    def draw(self, row: int, size: PictureSize) -> Picture:
        """Read a row's picture and re-encode it, no larger than that size.

        Raises:
            UserError: If it is missing, outside the folder, too large, broken, or of another format.
        """
        path = self.find(row)
        content = _read(path)
        with self._turns:
            try:
                return _draw(content, SIZES[size])
            except UserError:
                raise
            except Exception as error:  # Pillow fails in as many ways as a picture can be broken
                raise UserError(f"the picture is broken, or its format is not one of {', '.join(FORMATS)}") from error

    def find(self, row: int) -> Path:
        """The file of a row's picture, all links followed.

        Raises:
            UserError: If it has none, it is missing, or it is outside the folder.
        """
        name = self.paths[row]
        if name is None:
            raise UserError("this row has no picture")
        try:
            path = (self._root / name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL or half a surrogate pair
            raise UserError("the picture is missing") from error
        if not path.is_relative_to(self._root):
            raise UserError("the picture is outside the image folder")
        return path


def _read(path: Path) -> bytes:
    """The content of a regular file; a pipe could wait forever, and a device has no end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UserError("the picture is not a file")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError("the picture cannot be read") from error
    if len(content) > MAX_BYTES:
        raise UserError(f"the picture is larger than {MAX_BYTES:,} bytes")
    return content


def _draw(content: bytes, side: int) -> Picture:
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise UserError(f"the picture has more than {MAX_PIXELS:,} pixels")
        image: Image.Image = opened
        if image.mode.startswith("I"):  # 16 bits per pixel, which Pillow would clip at 255
            image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
        is_transparent = image.mode in _TRANSPARENT or "transparency" in image.info
        if image.mode not in ("L", "RGB"):
            image = image.convert("RGBA" if is_transparent else "RGB")
        image.thumbnail((side, side))  # decodes a JPEG no larger than needed
        image = ImageOps.exif_transpose(image)
        drawn, out = image.convert("RGBA" if is_transparent else "RGB"), io.BytesIO()
        drawn.info.clear()  # comments and color profiles would be bytes of the file
        drawn.save(out, "PNG" if is_transparent else "JPEG", quality=88)
        return Picture(out.getvalue(), "image/png" if is_transparent else "image/jpeg")
