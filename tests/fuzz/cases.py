"""The inputs: which file is damaged and how, or which arguments are given, and which command then reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seals_sim.randomness import make_generator
from tests.fuzz import damage
from tests.fuzz.fixtures import (
    BEYOND,
    CLAIMS,
    ENGINES,
    GOODREADS,
    INDEXES,
    LABEL,
    OWN,
    PAPER,
    PART,
    REPLAY,
    TEXT,
    THEORY,
)

Words = tuple[str, ...]
_CACHED = (
    "*.npy",
    "*.sha256",
    "indexes/**/journal.jsonl",
    "indexes/**/checked.json",
    "indexes/**/array.npy",
    "indexes/**/centroids.npy",
    "indexes/**/index.faiss",
)


@dataclass(frozen=True)
class Kind:
    """Inputs of one kind.

    Attributes:
        name: Name for the report.
        n: Number of inputs.
        files: Patterns of the files to damage, in turn; empty if the arguments are what is wrong.
        ways: Ways to damage the files.
        commands: Commands that read the files, in turn: a program and its arguments.
        is_cache: Whether the command itself may remake the files.
    """

    name: str
    n: int
    files: Sequence[str]
    ways: Sequence[damage.Damage]
    commands: Sequence[Words]
    is_cache: bool = False


@dataclass(frozen=True)
class Case:
    """One input: its kind, its number, the damaged file with its content, and the command to run."""

    kind: Kind
    number: int
    file: str | None
    content: bytes
    way: str
    words: Words


def _seals(*words: str) -> Words:
    return ("seals", *words)


def _embed(*names: str) -> list[Words]:
    return [_seals("embed", name, *TEXT) for name in names]


_SEMICOLONS = (*damage.TEXT, damage.change_cell(b";"), damage.drop_column(b";"))
_EMBED = _embed("t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz")
_INDEX = [_seals("index", "t.csv", "--k", "5", "--index", name, *TEXT) for name in INDEXES]
_ENGINES = [_seals("index", "t.csv", "--k", "5", "--index", name, "--engine", place, *TEXT)
            for name, place in ENGINES.items()]  # fmt: skip
_OWN, _PART, _BEYOND, _CLAIMS = _seals(*OWN), _seals(*PART), ("beyond", *BEYOND), ("claims", *CLAIMS)
_FROM_SESSION = [
    *(_seals("export", "t.seals", "--out", "out.x", "--format", name) for name in ("csv", "labelstudio", "argilla")),
    _seals("model", "t.seals", "--out", "new-model"),
    _seals("score", "t.seals", "t.csv", "--out", "out.jsonl", "--quiet"),
]
_SCORE = _seals("score", "model", "t.csv", "--out", "out.csv", "--quiet")
_LABEL, _REPLAY = _seals(*LABEL), _seals(*REPLAY)
_TABLE_LABELS = _seals(*[word if word != "y.npy" else "y.csv" for word in REPLAY[:-1]], "new")
_NEW = _seals(*REPLAY[:-1], "new")
_GOODREADS, _THEORY, _PAPER = ("goodreads", *GOODREADS), ("theory", *THEORY), ("paper", *PAPER)
_REVIEWS = (
    "goodreads",
    "--reviews",
    "reviews.json",
    "--model",
    "wordllama",
    "--dimensions",
    "4",
    "--no-structure",
    "--threads",
    "1",
    *GOODREADS[GOODREADS.index("--memory") : -1],
    "new",
)


def _redraws(prefix: str, scale: int) -> list[Kind]:
    """Redraw reports. Early folders have no seal, so their content must do."""

    def name(experiment: str) -> str:
        return f"redraw of {'an early' if prefix else 'a sealed'} {experiment}"

    def report(folder: str) -> Words:
        return _seals("report", f"{prefix}{folder}")

    stopping = _seals("stopping", f"{prefix}run")
    csv, json = damage.CSV, damage.JSON
    return [
        Kind(
            name("replay, tables"),
            5 * scale,
            [f"{prefix}run/rounds.csv", f"{prefix}run/picks.csv"],
            csv,
            [report("run"), stopping],
        ),
        Kind(name("replay, config"), 5 * scale, [f"{prefix}run/config.json"], json, [report("run"), stopping]),
        Kind(
            name("Goodreads run, tables"),
            3 * scale,
            [f"{prefix}good/rounds.csv", f"{prefix}good/stages.csv"],
            csv,
            [report("good")],
        ),
        Kind(
            name("Goodreads run, config and facts"),
            4 * scale,
            [f"{prefix}good/config.json", f"{prefix}good/facts.json"],
            json,
            [report("good")],
        ),
        Kind(
            name("theory run, tables"),
            4 * scale,
            [f"{prefix}theory/{table}.csv" for table in ("rounds", "bounds", "checks", "steps")],
            csv,
            [report("theory")],
        ),
        Kind(
            name("theory run, config and counts"), 2 * scale, [f"{prefix}theory/config.json"], json, [report("theory")]
        ),
        Kind(
            name("theory run, counts"), 2 * scale, [f"{prefix}theory/problems.jsonl"], damage.LINES, [report("theory")]
        ),
        Kind(name("paper run, tables"), 2 * scale, [f"{prefix}paper/*.parquet"], damage.ANY, [report("paper")]),
        Kind(name("comparison, tables"), 2 * scale, [f"{prefix}beyond/*.csv"], csv, [report("beyond")]),
        Kind(name("comparison, config"), scale, [f"{prefix}beyond/config.json"], json, [report("beyond")]),
        Kind(name("ledger of claims"), scale, [f"{prefix}ledger/*.csv"], csv, [report("ledger")]),
        Kind(name("paper run, config"), 3 * scale, [f"{prefix}paper/config.json"], json, [report("paper")]),
    ]


KINDS: tuple[Kind, ...] = (
    Kind("table: CSV", 60, ["t.csv"], damage.CSV, _EMBED[:1]),
    Kind("table: TSV", 60, ["t.tsv"], damage.TSV, _EMBED[1:2]),
    Kind("table: JSON Lines", 60, ["t.jsonl"], damage.LINES, _EMBED[2:3]),
    Kind("table: Parquet", 60, ["t.parquet"], damage.ANY, _EMBED[3:4]),
    Kind("table: gzip", 40, ["t.csv.gz"], damage.ANY, _EMBED[4:]),
    Kind("table: bzip2 and Zstandard", 40, ["t.csv.bz2", "t.csv.zst"], damage.ANY, _embed("t.csv.bz2", "t.csv.zst")),
    Kind("table: CSV with semicolons", 20, ["semicolons.csv"], _SEMICOLONS, _embed("semicolons.csv")),
    Kind("table: JSON array", 40, ["t.json"], damage.JSON, _embed("t.json")),
    Kind("table: Excel", 60, ["t.xlsx"], damage.ANY, _embed("t.xlsx")),
    Kind("table: Arrow", 40, ["t.arrow"], damage.ANY, _embed("t.arrow")),
    Kind("table: folder of a saved data set", 60, ["saved/*.arrow", "saved/state.json"], damage.JSON, _embed("saved")),
    Kind("table: folder of texts", 20, ["texts/*.txt"], damage.TEXT, _embed("texts")),
    Kind("vectors: .npy", 100, ["x.npy"], damage.ARRAY, [_NEW]),
    Kind("labels: .npy", 60, ["y.npy"], damage.ARRAY, [_NEW]),
    Kind("labels: CSV", 40, ["y.csv"], damage.CSV, [_TABLE_LABELS]),
    Kind("session", 120, ["t.seals"], damage.ANY, [_LABEL]),
    Kind("session: exports, models and scores", 100, ["t.seals"], damage.ANY, _FROM_SESSION),
    Kind("session on vectors", 40, ["pictures.seals"], damage.ANY, [_OWN]),
    Kind("session on vectors: its vectors", 30, ["v.npy"], damage.ARRAY, [_OWN]),
    Kind("session on vectors: its table", 30, ["pictures.csv", "pictures/*.png"], damage.TEXT, [_OWN]),
    Kind("saved classifier", 60, ["model/config.json", "model/model.safetensors"], damage.JSON, [_SCORE]),
    Kind("import: Label Studio", 60, ["studio.json"], damage.JSON, [(*_LABEL, "--labelstudio", "studio.json")]),
    Kind("import: Argilla", 60, ["argilla.json"], damage.JSON, [(*_LABEL, "--argilla", "argilla.json")]),
    Kind("reviews", 40, ["reviews.json"], damage.LINES, [_REVIEWS]),
    Kind(
        "cache: vectors and indexes",
        160,
        [f"cache/{pattern}" for pattern in _CACHED],
        damage.ARRAY[:-2],
        [*_INDEX, _seals(*LABEL)],
        is_cache=True,
    ),
    Kind(
        "cache: journals",
        80,
        ["cache/indexes/**/journal.jsonl", "cache/indexes/**/checked.json"],
        (*damage.LINES[:-2], *3 * (damage.change_json_line,)),
        [*_INDEX, _NEW],
        is_cache=True,
    ),
    Kind(
        "embedding that goes on",
        60,
        ["part/**/journal.jsonl", "part/**/array.npy", "part/**/texts/*"],
        (*damage.LINES, damage.change_array),
        [_PART],
        is_cache=True,
    ),
    Kind("vector engine's store", 40, ["store/**/*.*", "store.db/**/*.*"], damage.JSON, _ENGINES),
    Kind(
        "replay that goes on: config", 50, ["unfinished/config.json"], damage.JSON, [_seals(*REPLAY[:-1], "unfinished")]
    ),
    Kind("replay that goes on: runs", 50, ["unfinished/runs.sqlite"], damage.ANY, [_seals(*REPLAY[:-1], "unfinished")]),
    Kind(
        "stages of a Goodreads run",
        80,
        ["good-work/**/journal.jsonl", "good-work/**/*.np?", "good-work/**/*.faiss"],
        damage.LINES[:-2],
        [_GOODREADS],
    ),
    Kind(
        "experiments that go on: config and runs",
        60,
        ["good/config.json", "good/runs.sqlite", "paper/config.json", "paper/runs.sqlite", "theory/config.json"],
        damage.ANY,
        [_GOODREADS, _PAPER, _THEORY],
    ),
    Kind("comparison that goes on", 40, ["beyond/config.json", "beyond/runs.sqlite"], damage.JSON, [_BEYOND]),
    Kind(
        "reports that the ledger of claims is drawn from",
        80,
        ["reports/*/*.csv", "reports/*/config.json", "reports/*/*/*.csv", "reports/*/*/config.json"],
        (*damage.CSV, *damage.JSON),
        [_CLAIMS],
    ),
    *_redraws("", 4),
    *_redraws("early-", 4),
)

_ODD = (
    "9" * 25,
    "-1",
    "0",
    "1e308",
    "nan",
    "inf",
    "",
    " ",
    "x",
    "\udce9",
    "[1]",
    "{}",
    "a" * 5000,
    "/",
    ".",
    "..",
    "~",
    "1,1",
    ",",
    "t.csv",
    "nowhere/deep/down",
    "/dev/null",
    "/proc/x",
    "-",
    "--",
    "\u202e",
    "1.5",
)
_OPTIONS: dict[Words, Sequence[str]] = {
    ("seals", "embed"): (
        "TABLE",
        "--text-column",
        "--model",
        "--dimensions",
        "--precision",
        "--backend",
        "--delimiter",
        "--encoding",
        "--quoting",
        "--sheet",
        "--out",
        "--cache",
        "--nothing",
    ),
    ("seals", "index"): ("TABLE", "--index", "--k", "--n-probe", "--engine", "--dimensions", "--cache"),
    ("seals", "label"): (
        "TABLE",
        "--like",
        "--not-like",
        "--session",
        "--labelstudio",
        "--argilla",
        "--k",
        "--host",
        "--port",
        "--seed",
        "--control-every",
        "--labels",
        "--positive-label",
        "--id-column",
        "--columns",
        "--vectors",
        "--image-column",
        "--allow-host",
    ),
    ("seals", "replay"): (
        "--vectors",
        "--labels",
        "--label-column",
        "--label-separator",
        "--concepts",
        "--concept",
        "--min-positives",
        "--max-positives",
        "--sample",
        "--pools",
        "--strategies",
        "--k",
        "--index",
        "--lsh-bits",
        "--n-probe",
        "--random-pool-factor",
        "--random-pool-fraction",
        "--beta",
        "--regularization",
        "--budget",
        "--batch",
        "--repeats",
        "--test-fraction",
        "--seed",
        "--jobs",
        "--dimensions",
        "--cache",
        "--out",
    ),
    ("seals", "export"): ("TABLE", "--out", "--format"),
    ("seals", "model"): ("TABLE", "--out"),
    ("seals", "score"): ("TABLE", "--out", "--text-column", "--id-column", "--columns", "--delimiter", "--sheet"),
    ("seals", "models"): ("--model", "--measure", "--backend", "--precision", "--cache"),
    ("seals", "report"): ("TABLE",),
    ("seals", "stopping"): ("TABLE", "--p", "--target-recall"),
    ("goodreads",): (
        "--simulate",
        "--dimensions",
        "--splits",
        "--test-rows",
        "--memory",
        "--threads",
        "--book-cosine",
        "--work",
        "--out",
    ),
    ("theory",): (
        "--dim",
        "--gamma-over-delta",
        "--epsilon",
        "--delta",
        "--noise",
        "--pool-size",
        "--time-limit",
        "--out",
    ),
    ("beyond",): ("--copied", "--only", "--concepts", "--dimensions", "--jobs", "--out"),
    ("claims",): ("--reports", "--paper-tables", "--out"),
    ("paper",): ("--models", "--dimensions", "--only", "--paper-tables", "--side-concepts", "--out"),
}
_USUAL: dict[Words, Words] = {
    ("seals", "embed"): ("t.csv", *TEXT),
    ("seals", "index"): ("t.csv", "--k", "5", *TEXT),
    ("seals", "label"): tuple(LABEL[1:]),
    ("seals", "replay"): tuple(REPLAY[1:]),
    ("seals", "report"): ("run",),
    ("seals", "stopping"): ("run",),
    ("goodreads",): tuple(GOODREADS),
    ("theory",): tuple(THEORY),
    ("paper",): tuple(PAPER),
    ("beyond",): tuple(BEYOND),
    ("claims",): tuple(CLAIMS),
    ("seals", "export"): ("t.seals", "--out", "out.csv"),
    ("seals", "model"): ("t.seals", "--out", "new-model"),
    ("seals", "score"): ("t.seals", "t.csv", "--out", "out.csv", "--quiet"),
    ("seals", "models"): (),
}
TYPED = Kind("what is typed", 0, [], (), [])


def _override(usual: Words, option: str, value: str) -> Words:
    if option == "TABLE":
        return (value, *usual[1:])
    if option in usual:
        place = usual.index(option)
        return (*usual[: place + 1], value, *usual[place + 2 :])
    return (*usual, option, value)


def _list_typed() -> Iterator[Case]:
    number = 0
    for command, options in _OPTIONS.items():
        for option in options:
            rng = make_generator(0, "typed", *command, option)
            for place in rng.choice(len(_ODD), 3, replace=False):
                yield Case(
                    TYPED, number, None, b"", option, (*command, *_override(_USUAL[command], option, _ODD[place]))
                )
                number += 1


def list_cases(pristine: Path) -> list[Case]:
    """All inputs, the same every time.

    Args:
        pristine: The folder of the fixtures.
    """
    cases = list(_list_typed())
    for kind in KINDS:
        groups = [found for pattern in kind.files if (found := _find_files(pristine, pattern))]
        if not groups:  # belongs to an experiment that is left out
            continue
        for number in range(kind.n):
            rng = make_generator(0, "fuzz", kind.name, number)
            group = groups[number % len(groups)]
            path = group[int(rng.integers(len(group)))]
            way = kind.ways[int(rng.integers(len(kind.ways)))]
            command = _choose_command(kind, path, pristine, int(rng.integers(10**6)))
            try:
                content = way(path.read_bytes(), rng)
            except (ValueError, IndexError, TypeError):  # a way that only suits JSON or arrays
                way = damage.flip_bits
                content = way(path.read_bytes(), rng)
            cases.append(Case(kind, number, str(path.relative_to(pristine)), content, way.__name__, command))
    return cases


def _find_files(pristine: Path, pattern: str) -> list[Path]:
    return sorted(path for path in pristine.glob(pattern) if path.is_file())


def _choose_command(kind: Kind, path: Path, pristine: Path, draw: int) -> Words:
    """The command that reads this file: the one that names its folder, index or experiment, if there is one."""
    place = path.relative_to(pristine).parts[0]
    names = (
        place,
        path.parent.name.replace("index-", "").replace("lists-", "ivf-").removesuffix("-512"),
        path.parent.name,
    )
    experiments = {"good": "goodreads", "paper": "paper", "theory": "theory", "beyond": "beyond"}
    fitting = [
        words
        for words in kind.commands
        if words[0] == experiments.get(path.parent.name) or any(name in words for name in names)
    ]
    choices = fitting or kind.commands
    return choices[draw % len(choices)]
