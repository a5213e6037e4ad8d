"""`experiments.claims`: claims appear in the paper, verdicts follow from stored runs, bad folders are refused."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest

from experiments.claims import __main__ as claims
from experiments.claims.claim import Verdict
from experiments.claims.estimates import (
    Estimate,
    Repeats,
    are_at_least,
    are_at_most,
    are_within,
    correlate,
    correlate_given,
    take_exact,
)
from experiments.claims.ledger import COLUMNS, evaluate_claims, list_claims
from experiments.claims.report import LEDGER, write_report
from experiments.claims.stored import OPENIMAGES, PAPER_TABLES, SOURCES, StoredRuns
from seals_sim.cli.main import app as seals
from seals_sim.cli.reports import redraw
from seals_sim.errors import UserError
from tests.test_docs import load_app

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports"
PAPER = ROOT.parent / "shared" / "paper"
CLAIMS = [claim for _, claim in list_claims()]
TABLES = PAPER / PAPER_TABLES


@pytest.fixture(scope="module")
def paper():
    """The paper by section: its text with single spaces, captions in the section where they appear."""
    path = PAPER / "seals-paper.txt"
    if not path.exists():
        pytest.skip("the text of the paper is not here (../shared/paper/seals-paper.txt)")
    parts = re.split(r"^(Abstract|References|\d(?:\.\d+){0,2} [A-Z\d].*)$", path.read_text(), flags=re.MULTILINE)
    texts: dict[str, str] = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        name = heading.split()[0]
        texts[name] = texts.get(name, "") + " ".join(text.split())
    return texts


@pytest.fixture(scope="module")
def stored():
    return StoredRuns(REPORTS, TABLES if TABLES.exists() else None)


@pytest.fixture
def copied(tmp_path):
    """A copy of the reports whose tables a test may change."""
    folder = tmp_path / "reports"
    shutil.copytree(REPORTS, folder, ignore=shutil.ignore_patterns("*.png", "*.svg", "claims"))
    return folder


def find_claim(place, says):
    (claim,) = (claim for claim in CLAIMS if claim.place.startswith(place) and says in claim.says)
    return claim


def change(path, column, make, **where):
    """Change a column in the rows of a table that have these values."""
    table = pd.read_csv(path)
    chosen = pd.Series(True, index=table.index)
    for name, value in where.items():
        chosen &= table[name] == value
    assert chosen.any()
    table.loc[chosen, column] = make(table.loc[chosen, column])
    table.to_csv(path, index=False)


def test_there_are_claims_of_every_section_and_none_twice():
    assert len(CLAIMS) >= 40
    assert {re.match(r"Abstract|\d", claim.place)[0] for claim in CLAIMS} == {"Abstract", *"1234567"}
    assert len({(claim.place, claim.says) for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.place}: {claim.words}"[:70])
def test_a_claim_stands_where_it_says(paper, claim):
    assert len(claim.words.split()) <= 9
    names = re.findall(r"(?:^|; )(Abstract|\d(?:\.\d+){0,2})(?=[,; ]|$)", claim.place)
    assert names
    assert any(
        claim.words in text for name in names for key, text in paper.items() if key == name or _is_within(key, name)
    )


def _is_within(section, name):
    return section.startswith(f"{name}.")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.says[:60])
def test_a_claim_is_judged_or_says_what_is_missing(stored, claim):
    finding = claim.evaluate(stored)
    assert finding.verdict in Verdict
    if finding.verdict is Verdict.NOT_RUN:
        assert "run: python -m" in finding.why or "run: seals" in finding.why or "pip install" in finding.why
    elif claim.test == "none":
        assert finding.verdict is Verdict.NOT_TESTABLE
        assert finding.why
    else:
        assert re.search(r"\d", finding.measured)
        assert all(word in claim.rule for word in ("confirmed", "refuted", "sharpened") if word == finding.verdict)
    for name in claim.sources:
        assert name == PAPER_TABLES or (REPORTS / name).exists() or finding.verdict is Verdict.NOT_RUN


def test_the_committed_ledger_says_what_the_reports_say(stored):
    """If this fails, rebuild the ledger: python -m experiments.claims --paper-tables ... --out reports/claims."""
    committed = pd.read_csv(REPORTS / "claims" / LEDGER, keep_default_na=False)
    assert committed["claim"].tolist() == [claim.says for claim in CLAIMS]
    now = evaluate_claims(stored)
    is_known = now["sources"] != PAPER_TABLES if not TABLES.exists() else pd.Series(True, index=now.index)
    pd.testing.assert_series_equal(committed["verdict"][is_known], now["verdict"][is_known])
    counts = committed["verdict"].value_counts()
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"has {len(committed)} claims" in readme
    assert f"{counts['not testable here'] + counts['not run']} remain untested" in readme


def test_most_claims_are_judged(stored):
    verdicts = evaluate_claims(stored)["verdict"].value_counts()
    assert verdicts["confirmed"] >= 30
    assert verdicts["refuted"] >= 5
    assert verdicts["sharpened"] >= 5


@pytest.mark.parametrize("source", [*SOURCES.values(), OPENIMAGES], ids=lambda source: source.data)
def test_the_commands_that_repeat_claims_parse(source):
    words = shlex.split(source.command)
    app, rest = (seals, words[1:]) if words[0] == "seals" else (load_app(words[2]), words[3:])
    app.parse_args(rest, exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    ("says", "folders"),
    [
        ("near-duplicates", ["beyond/wordnet30k_copies"]),
        ("whitened to 256", ["beyond/icd10_batch100", "beyond/wordnet30k_batch100", "tv_spoilers"]),
    ],
)
def test_a_claim_about_some_of_many_runs_names_their_very_commands(stored, says, folders):
    rows = evaluate_claims(stored)
    (row,) = rows[rows["claim"].str.contains(says) & rows["sources"].str.startswith("beyond")].to_dict("records")
    commands = row["command"].split(" && ")
    assert [command.partition("--out reports/")[2].split()[0] for command in commands] == folders
    for command in commands:
        _, _, module, *rest = shlex.split(command)
        load_app(module).parse_args(rest, exit_on_error=False, print_error=False)


MAIN = {"study": "main"}


@pytest.mark.parametrize(
    ("place", "says", "file", "column", "make", "where", "before", "after"),
    [
        ("Abstract", "of the positives are found", "icd10cm/summary.csv", "recall_mean", lambda old: old + 0.2,
         {"pool": "seals"}, "refuted", "refuted"),  # WordNet alone refutes it
        ("5.2, Table 2", "recall is within .3", "wordnet/concepts.csv", "recall MLP-All", lambda old: old - 0.2, {},
         "refuted", "confirmed"),
        ("5.2, Figure 1a", "Random sampling is far", "wordnet/summary.csv", "average_precision_full_mean",
         lambda old: old + 0.12, {**MAIN, "line": "Random-All"}, "confirmed", "refuted"),
        ("5.2", "richer in positives", "wordnet/summary.csv", "average_precision_full_mean", lambda old: old + 0.11,
         {**MAIN, "line": "Random-SEALS"}, "confirmed", "refuted"),
        ("6, Figure 3 left", "larger", "wordnet/concepts.csv", "largest_component", lambda old: 1 - old, {},
         "confirmed", "refuted"),
        ("7.6, Figure 9", "50 positive", "wordnet/summary.csv", "n_concepts", lambda old: 50, {"study": "positives"},
         "not testable here", "refuted"),
        ("4, Theorem 1", "Algorithm 3", "theory_bounds/bounds.csv", "queries_to_error", lambda old: old * 9,
         {"algorithm": "3"}, "sharpened", "refuted"),
        ("7.3, Theorem 3", "Algorithm 4", "theory_bounds/bounds.csv", "sharpened_log2", lambda old: old / 9,
         {"algorithm": "4"}, "sharpened", "confirmed"),
        ("7.2, Example 1", "sigma", "theory_bounds/bounds.csv", "stated_log2", lambda old: old + 1,
         {"problem": "example1", "algorithm": "3"}, "confirmed", "refuted"),
        ("1", "sublinear time", "rounds/indexes.csv", "milliseconds", lambda old: old * 1e4, {"n": 10_000_000},
         "confirmed", "refuted"),
        ("5.2, Table 2", "simple LSH", "rounds/summary.csv", "total_seconds", lambda old: old / 100,
         {"method": "seals-lsh"}, "refuted", "confirmed"),
        ("4, Algorithm 2", "at most k", "tv_spoilers/rounds.csv", "n_candidates", lambda old: old * 2,
         {"pool": "seals"}, "confirmed", "refuted"),
        ("7.12.1", "under 1 %", "goodreads_simulated/summary.csv", "pool_fraction_mean", lambda old: old * 4,
         {"pool": "seals"}, "confirmed", "refuted"),
    ],
)  # fmt: skip
def test_a_verdict_changes_with_its_numbers(copied, place, says, file, column, make, where, before, after):
    claim = find_claim(place, says)
    original = claim.evaluate(StoredRuns(copied))
    change(copied / file, column, make, **where)
    doctored = claim.evaluate(StoredRuns(copied))
    assert (original.verdict, doctored.verdict) == (before, after)
    assert original.measured != doctored.measured or place == "7.6, Figure 9"


def test_a_lemma_is_refuted_by_one_violation(copied):
    page = copied / "theory_bounds" / "index.html"
    row = re.search(r"<td>Lemma 1</td><td>\d+</td><td>\d+</td><td>0</td>", page.read_text())[0]
    page.write_text(page.read_text().replace(row, row.replace("<td>0</td>", "<td>1</td>")))
    assert find_claim("7.2, Lemma 1", "rho").evaluate(StoredRuns(copied)).verdict == "refuted"


def test_what_is_missing_is_named_with_its_command(copied):
    shutil.rmtree(copied / "wordnet")
    ledger = evaluate_claims(StoredRuns(copied))
    missing = ledger[ledger["sources"].str.contains("wordnet")]
    assert len(missing) > 20
    assert (missing["verdict"] == "not run").all()
    assert missing["why"].str.contains(r"^wordnet/\S+ is missing; run: python -m experiments.paper").all()
    assert (ledger[ledger["sources"] == PAPER_TABLES]["verdict"] == "not run").all()
    judged = ledger[ledger["sources"].str.startswith("theory_bounds")]
    assert not (judged["verdict"] == "not run").any()


def test_the_command_writes_a_ledger_that_is_drawn_again(tmp_path, copied, capsys):
    out = tmp_path / "ledger"
    words = ["--reports", str(copied), "--out", str(out)]
    claims.main(words)
    assert f"without --paper-tables {PAPER_TABLES}" in capsys.readouterr().err
    rows = pd.read_csv(out / LEDGER, keep_default_na=False)
    assert tuple(rows.columns) == COLUMNS
    assert len(rows) == len(CLAIMS)
    page = (out / "index.html").read_text()
    assert all(f'id="c{number}"' in page for number in rows["number"])
    assert {path.name for path in out.iterdir()} == {"config.json", "finished.json", LEDGER, "index.html"}
    change(copied / "icd10cm/summary.csv", "recall_mean", lambda old: 0 * old, pool="seals")
    claims.main([*words, "--quiet"])  # rebuilt from what the reports say now
    assert (out / "index.html").read_text() != page
    (out / "index.html").unlink()
    assert redraw(out) == out / "index.html"
    whole = (out / LEDGER).read_text()
    (out / LEDGER).write_text(whole.replace("confirmed", "refuted"))
    with pytest.raises(UserError, match="differs from what the run wrote"):
        write_report(out)


def _fail(words, capsys):
    with pytest.raises(SystemExit) as ended:
        claims.main(words)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_folder_without_reports_is_refused(tmp_path, capsys):
    out = tmp_path / "out"
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "none"):
        line = _fail(["--reports", str(folder), "--out", str(out)], capsys)
        assert "--reports" in line
        assert "holds no reports" in line
    assert not out.exists()


def test_a_report_of_another_experiment_or_a_damaged_one_is_refused(tmp_path, copied, capsys):
    out = tmp_path / "out"
    words = ["--reports", str(copied), "--out", str(out)]
    shutil.copy(copied / "theory_bounds" / "config.json", copied / "wordnet" / "config.json")
    assert "wordnet: not a run of experiments.paper" in _fail(words, capsys)
    shutil.copy(REPORTS / "wordnet" / "config.json", copied / "wordnet" / "config.json")
    path = copied / "wordnet" / "summary.csv"
    whole = path.read_text()
    path.write_text(whole[:-20])
    assert "cut off" in _fail(words, capsys)
    path.write_text(whole.replace("recall_full_mean", "rappel", 1))
    assert "summary.csv: has no column 'recall_full_mean'" in _fail(words, capsys)
    assert not out.exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert "holds other files" in _fail(["--reports", str(REPORTS), "--out", str(tmp_path)], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_limits_are_kept_surely_or_undecided():
    sure, wide = Estimate(1, 0.9, 1.1), Estimate(1, 0, 2)
    assert [are_at_most([sure, other], 1.5) for other in (sure, wide, take_exact(2))] == [True, None, False]
    assert [are_at_least([sure, other], 0.5) for other in (sure, wide, take_exact(0))] == [True, None, False]
    assert [are_within([value], 1.5) for value in (sure, wide, take_exact(-2))] == [True, None, False]
    assert [limit([], 1) for limit in (are_at_most, are_at_least, are_within)] == [None] * 3


def test_intervals_are_those_of_scipy_by_hand():
    one, other = Repeats(0.5, 0.1, 5), Repeats(0.3, 0.1, 5)
    assert one.estimate().high - 0.5 == pytest.approx(2.776445 * 0.1 / 5**0.5, rel=1e-5)
    assert one.minus(other).high - 0.2 == pytest.approx(2.306004 * 0.1 * (2 / 5) ** 0.5, rel=1e-5)  # 8 degrees
    assert Repeats(0.5, float("nan"), 1).estimate().low == float("-inf")
    rng = pd.Series(range(50)).sample(frac=1, random_state=0).reset_index(drop=True).astype(float)
    line = pd.Series(range(50), dtype=float)
    assert correlate(line, 2 * line + rng).value == pytest.approx(line.corr(2 * line + rng))
    assert abs(correlate_given(line + rng / 100, line - rng / 50, line).value + 1) < 1e-6
