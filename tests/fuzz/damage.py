"""Ways to damage a file, drawn from the name of the input."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 3.5, 1e308, -1e308, 10**25, float("nan"), "x", "", "é\u2028", [], [[]], {}, {"a": 1}, "1" * 4000,
)  # fmt: skip
_CELLS = ("", "x", "-1", "1e308", "9" * 25, "nan", "[]", "0", "1.5", '"', "\x00", "é")


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    raw = bytearray(content)
    for place in rng.integers(len(raw), size=int(rng.integers(1, 9))) if raw else ():
        raw[place] ^= 1 << int(rng.integers(8))
    return bytes(raw)


def flip_bits_at_the_top(content: bytes, rng: np.random.Generator) -> bytes:
    return flip_bits(content[:160], rng) + content[160:]


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content)))] if content else content


def cut_at_a_line(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: int(rng.integers(len(lines)))]) if lines else b""


def make_a_hole(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(content) + 1))
    size = min(len(content) - start, int(rng.integers(1, 2000)))
    return content[:start] + bytes(size) + content[start + size :]


def put_in_noise(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(content) + 1))
    return content[:start] + rng.bytes(int(rng.integers(1, 40))) + content[start:]


def replace_all(content: bytes, rng: np.random.Generator) -> bytes:
    choices = (
        b"",
        b"\n",
        b"\x00" * 50,
        rng.bytes(200),
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        2 * content,
        b"[" * 100_000,
    )
    return choices[int(rng.integers(len(choices)))]


def change_json(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace or remove one value somewhere inside."""
    document = json.loads(content)
    _change_inside(document, rng)
    return json.dumps(document).encode()


def change_json_line(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.splitlines(keepends=True)
    place = int(rng.integers(len(lines)))
    lines[place] = change_json(lines[place], rng) + b"\n"
    return b"".join(lines)


def _change_inside(document: Any, rng: np.random.Generator) -> None:
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        inside = document[key]
        if isinstance(inside, dict | list) and inside and rng.random() < 0.7:
            document = inside
            continue
        if rng.random() < 0.2:
            del document[key]
        else:
            document[key] = _VALUES[int(rng.integers(len(_VALUES)))]
        return


def change_cell(separator: bytes) -> Damage:
    """Replace one cell of a table, which may be in the header."""

    def change(content: bytes, rng: np.random.Generator) -> bytes:
        lines = content.split(b"\n")
        place = int(rng.integers(len(lines))) if rng.random() < 0.8 else 0
        cells = lines[place].split(separator)
        cells[int(rng.integers(len(cells)))] = _CELLS[int(rng.integers(len(_CELLS)))].encode()
        lines[place] = separator.join(cells)
        return b"\n".join(lines)

    return change


def drop_column(separator: bytes) -> Damage:
    def drop(content: bytes, rng: np.random.Generator) -> bytes:
        rows = [line.split(separator) for line in content.split(b"\n")]
        place = int(rng.integers(len(rows[0])))
        return b"\n".join(separator.join(row[:place] + row[place + 1 :]) for row in rows)

    return drop


def change_array(content: bytes, rng: np.random.Generator) -> bytes:
    """Change the dtype or shape, or put in invalid values."""
    array = np.load(io.BytesIO(content))
    dtypes = ("f2", "f8", "i4", "u1", "c16", "?", "U3", "S2", "M8[D]", ">f4")
    kind = int(rng.integers(6))
    with np.errstate(all="ignore"):
        if kind == 0:
            array = np.ones(array.shape).astype(dtypes[int(rng.integers(len(dtypes)))])
        elif kind == 1:
            shapes = ((), (0,), (0, 3), array.shape[:1], (1, *array.shape), (*array.shape, 1), array.shape[::-1])
            array = np.resize(array, shapes[int(rng.integers(len(shapes)))])
        elif kind == 2:
            array = array.astype(np.float64)
            array.flat[int(rng.integers(array.size))] = (np.nan, np.inf, 1e308, -1e308)[int(rng.integers(4))]
        elif kind == 3:
            array = np.zeros_like(array)
        elif kind == 4:
            array = np.asfortranarray(array)
        else:
            array = array[: int(rng.integers(len(array)))]
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


ANY: tuple[Damage, ...] = (flip_bits, cut, make_a_hole, put_in_noise, replace_all)
TEXT: tuple[Damage, ...] = (*ANY, cut_at_a_line)
CSV: tuple[Damage, ...] = (*TEXT, change_cell(b","), drop_column(b","), change_cell(b","))
TSV: tuple[Damage, ...] = (*TEXT, change_cell(b"\t"), drop_column(b"\t"))
JSON: tuple[Damage, ...] = (*ANY, change_json, change_json, change_json)
LINES: tuple[Damage, ...] = (*TEXT, change_json_line, change_json_line)
ARRAY: tuple[Damage, ...] = (*ANY, flip_bits_at_the_top, change_array, change_array)
