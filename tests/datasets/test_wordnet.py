"""WordNet from its dictionary files and from a table of synsets."""

from __future__ import annotations

from pathlib import Path

import pytest

from seals_sim.datasets import read_wordnet
from seals_sim.errors import UserError

LICENSE = "  1 written for this test, in the format of wndb(5WN)  \n"
NOUNS = """\
00000001 03 n 01 thing 0 002 ~ 00000002 n 0000 ~ 00000003 n 0000 | what there is
00000002 05 n 02 seal 0 sea_dog 1 002 @ 00000001 n 0000 ~i 00000004 n 0000 | a marine mammal; "it barked"; "it dived"
00000003 06 n 01 boat 0 001 @ 00000001 n 0000 | a vessel; used on water
00000004 05 n 01 Andre 0 001 @i 00000002 n 0000 | a seal known in Maine
"""
ADJECTIVES = "00000005 00 s 02 wet 0 soaked(p) 0 001 & 00000006 a 0000 | covered with water\n"
TABLE = """\
synset\tpos\tlexfile\twords\tdefinition\texamples\thypernyms
n00000001\tn\t3\tthing\twhat there is\t\t
n00000002\tn\t5\tseal sea_dog\ta marine mammal\t"it barked"; "it dived"\tn00000001
n00000003\tn\t6\tboat\ta vessel; used on water\t\tn00000001
n00000004\tn\t5\tAndre\ta seal known in Maine\t\tn00000002
a00000005\ta\t0\twet soaked\tcovered with water\t\t
"""


@pytest.fixture
def dictionary(tmp_path):
    folder = tmp_path / "dict"
    folder.mkdir()
    for name, lines in (("noun", NOUNS), ("adj", ADJECTIVES), ("verb", ""), ("adv", "")):
        (folder / f"data.{name}").write_text(LICENSE + lines)
    return folder


@pytest.mark.parametrize("form", ["dictionary", "table"])
def test_glosses_and_hyponyms_by_hand(dictionary, tmp_path, form):
    (tmp_path / "synsets.tsv").write_text(TABLE)
    dataset = read_wordnet(dictionary if form == "dictionary" else tmp_path / "synsets.tsv", 0.0, 1.0)
    assert list(dataset.texts) == [
        "covered with water", "what there is", "a marine mammal", "a vessel; used on water", "a seal known in Maine",
    ]  # fmt: skip
    assert {name: rows.tolist() for name, rows in dataset.concepts.items()} == {
        "n00000001": [1, 2, 3, 4],
        "n00000002": [2, 4],
    }
    assert dataset.titles["n00000002"] == "seal, sea dog"
    assert list(read_wordnet(dictionary, 0.0, 0.5).concepts) == ["n00000002"]


def test_what_cannot_be_read(dictionary, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_wordnet(tmp_path / "nowhere")
    (dictionary / "data.noun").write_text(LICENSE + NOUNS + "00000009 03 n 01 odd\n")
    with pytest.raises(UserError, match=r"data\.noun:6: is not a synset"):
        read_wordnet(dictionary)
    (dictionary / "data.noun").unlink()
    with pytest.raises(UserError, match=r"data\.noun: no such file"):
        read_wordnet(dictionary)
    (tmp_path / "other.tsv").write_text("a\tb\n")
    with pytest.raises(UserError, match=":1: a table of synsets must have the columns"):
        read_wordnet(tmp_path / "other.tsv")
    (tmp_path / "cut.tsv").write_text(TABLE + "n00000007\tn\n")
    with pytest.raises(UserError, match=":7: has 2 cells instead of 7"):
        read_wordnet(tmp_path / "cut.tsv")


def test_the_real_one(shared_data):
    """Its size and its hyponym counts, which were computed independently."""
    import json

    folder = shared_data / "wordnet"
    dataset = read_wordnet(folder / "wordnet_glosses.tsv.gz")
    assert len(dataset) == 117_659
    for concept in json.loads((folder / "concepts_100_1000.json").read_text()):
        assert len(dataset.concepts[concept["concept"]]) == concept["n"]


@pytest.mark.skipif(not Path("/usr/share/wordnet/data.noun").exists(), reason="Debian's wordnet-base is not installed")
def test_both_forms_of_the_real_one_agree(shared_data):
    table = read_wordnet(shared_data / "wordnet" / "wordnet_glosses.tsv.gz")
    dictionary = read_wordnet()
    assert dictionary.fingerprint() == table.fingerprint()
    assert dictionary.titles == table.titles
