"""Texts longer than the model reads are counted."""

from __future__ import annotations

import json

from seals_sim.cli.main import main
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL
from seals_sim.embed.space import CutTexts, TextSpace

WORDS = "river stone cloud paper " * 64  # 256 tokens, and two at the ends
TEXTS = [WORDS, "stone " * 254, "\u5149 " * 255, "short", WORDS]


def test_a_text_is_cut_from_the_first_token_that_is_not_read(tmp_path):
    for cache in (None, tmp_path, tmp_path):
        space = TextSpace(TEXTS, DEFAULT_MODEL, 0, cache)
        assert space.count_cut() == CutTexts(n=3, max_tokens=256)


def test_a_model_without_a_limit_cuts_nothing(tmp_path):
    assert TextSpace(TEXTS, STATIC_MODEL, 0, tmp_path).count_cut() is None


def test_the_command_says_how_many_are_cut(tmp_path, capsys):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    options = ["--dimensions", "0", "--quiet", "--cache", str(tmp_path / "cache")]
    for _ in range(2):  # the second time from the cache
        main(["embed", str(path), *options])
        said = capsys.readouterr().err
        assert said == "3 of 5 texts are longer than the 256 tokens that the model reads; only their beginnings count\n"
    main(["embed", str(path), *options, "--model", STATIC_MODEL])
    assert capsys.readouterr().err == ""


def test_a_replay_says_it_too(tmp_path, capsys):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": f"{n} {TEXTS[n % 5]}", "label": n % 2}) + "\n" for n in range(20)))
    options = ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"), "--quiet", "--dimensions", "0"]
    main(
        ["replay", "--texts", str(path), *options, "--budget", "6", "--batch", "2", "--seed-positives", "1",
         "--seed-negatives", "1", "--pools", "seals", "--strategies", "maxent", "--k", "3", "--repeats", "1"]
    )  # fmt: skip
    assert "of 20 texts are longer than the 256 tokens that the model reads" in capsys.readouterr().err
