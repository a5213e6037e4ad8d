"""Goodreads at its real size: sentences stored on disk in parts. All reviews here are made up."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from seals_sim.datasets.goodreads import read_goodreads
from seals_sim.datasets.sentences import read_sentences
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import split_by_group


def lines_of(path):
    return path.read_text().splitlines()


def test_parts_hold_what_the_whole_file_holds(reviews, tmp_path):
    whole = read_goodreads(reviews)
    table = read_sentences(reviews, tmp_path, part=64)
    assert len(list((tmp_path / "read").glob("part-*.parquet"))) == 7  # of 65 sentences, since reviews stay whole
    assert len(table) == 400
    assert table.read_texts(0, 400) == whole.texts
    assert table.read_texts(60, 70) == whole.texts[60:70]
    assert np.array_equal(np.flatnonzero(table.is_positive()), whole.concepts["spoiler"])
    assert np.array_equal(table.number_groups("review"), np.repeat(np.arange(80), 5))
    assert np.array_equal(table.number_groups("book"), np.repeat(np.arange(80) % 7, 5))


def test_gzipped_and_plain_are_the_same(reviews, tmp_path):
    packed = tmp_path / "r.json.gz"
    packed.write_bytes(gzip.compress(reviews.read_bytes()))
    one, other = read_sentences(reviews, tmp_path / "a"), read_sentences(packed, tmp_path / "b")
    assert one.read_texts(0, 400) == other.read_texts(0, 400)


def test_read_once_and_found_again(reviews, tmp_path):
    digest = read_sentences(reviews, tmp_path, part=64).digest
    (tmp_path / "read" / "part-00002.parquet").touch()
    assert read_sentences(reviews, tmp_path, part=64).digest == digest
    reviews.write_text(reviews.read_text().replace("Her sister", "His sister"))
    with pytest.raises(UserError, match="was made from a different file"):
        read_sentences(reviews, tmp_path, part=64)


def test_a_bad_line_keeps_the_parts_before_it(reviews, tmp_path):
    """With the file mended or its bad lines skipped, reading resumes; a file that differs before that line is not mixed
    in.
    """
    good = lines_of(reviews)
    reviews.write_text("\n".join([*good[:60], "{broken", *good[60:]]))
    with pytest.raises(UserError, match=r"reviews.json:61: not valid JSON"):
        read_sentences(reviews, tmp_path, part=64)
    first = tmp_path / "read" / "part-00000.parquet"
    written = first.stat().st_mtime_ns
    reviews.write_text("\n".join(["", *good]).replace("Her sister", "His sister"))
    with pytest.raises(UserError, match="was made from a different file"):
        read_sentences(reviews, tmp_path, part=64)
    reviews.write_text("\n".join(good))
    assert len(read_sentences(reviews, tmp_path, part=64)) == 400
    assert first.stat().st_mtime_ns == written


def test_truncated_gzip(reviews, tmp_path):
    """Every review is longer than the packing unit of a part, so the first part is whole."""
    rng = np.random.default_rng(0)
    many = []
    for number, line in enumerate(lines_of(reviews) * 20):
        review = json.loads(line)
        review["review_id"] = str(number)
        review["review_sentences"] = [[0, str(rng.random())] for _ in range(5)]
        many.append(json.dumps(review))
    packed = tmp_path / "r.json.gz"
    whole = gzip.compress("\n".join(many).encode())
    packed.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"r.json.gz:\d+: the gzip data is damaged or truncated here"):
        read_sentences(packed, tmp_path, part=64)
    n_kept = len(list((tmp_path / "read").glob("part-*.parquet")))
    assert n_kept > 2
    written = (tmp_path / "read" / "part-00001.parquet").stat().st_mtime_ns
    packed.write_bytes(whole)
    assert len(read_sentences(packed, tmp_path, part=64)) == 8000
    assert (tmp_path / "read" / "part-00001.parquet").stat().st_mtime_ns == written


def test_a_review_that_comes_twice(reviews, tmp_path):
    good = lines_of(reviews)
    reviews.write_text("\n".join([*good, good[3]]))
    with pytest.raises(UserError, match=r"reviews.json:81: duplicate review_id '3'"):
        read_sentences(reviews, tmp_path)
    table = read_sentences(reviews, tmp_path, skip_bad_lines=True)
    assert len(table) == 400
    assert table.bad_lines == [f"{reviews}:81: duplicate review_id '3'"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"review_sentences": [[2, "x"]]}, "the label of sentence 1 must be 0 or 1"),
        ({"review_sentences": [[0, " "]]}, "the text of sentence 1 is empty"),
        ({"review_sentences": [[0, 7]]}, "the text of sentence 1 is empty or not text"),
        ({"review_sentences": "x"}, "'review_sentences' must be a list"),
    ],
)
def test_bad_reviews_are_named(reviews, tmp_path, change, said):
    good = lines_of(reviews)
    reviews.write_text("\n".join([*good, json.dumps({**json.loads(good[0]), "review_id": "new", **change})]))
    with pytest.raises(UserError, match=f"reviews.json:81: {said}"):
        read_sentences(reviews, tmp_path)


def test_a_part_that_is_damaged_or_gone(reviews, tmp_path):
    read_sentences(reviews, tmp_path, part=64)
    part = tmp_path / "read" / "part-00003.parquet"
    for spoil in (lambda: part.write_bytes(b"PAR1"), part.unlink):
        spoil()
        with pytest.raises(UserError, match=r"part-00003.parquet: cannot be read \(.*\); remove .*read to rebuild it"):
            read_sentences(reviews, tmp_path, part=64).is_positive()


def test_no_group_is_in_two_parts():
    rng = np.random.default_rng(0)
    groups = rng.integers(300, size=20_000)
    split = split_by_group(groups, rng)
    parts = [set(groups[rows].tolist()) for rows in (split.pool, split.validation, split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 300
    assert sum(map(len, (split.pool, split.validation, split.test))) == 20_000
    assert 0.2 <= len(split.test) / 20_000 < 0.21
    with pytest.raises(UserError, match="1 groups in 50 rows: too few"):
        split_by_group(np.zeros(50, dtype=np.int64), rng)
