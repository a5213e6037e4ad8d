"""Section 7.12, from the sentences to the report."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from experiments.goodreads.options import GoodreadsExecution, GoodreadsProtocol, SourceOptions
from experiments.goodreads.recommended import RAW, list_recommended, name_raw_pools
from experiments.goodreads.report import write_report
from experiments.goodreads.rows import RUN_FILES
from experiments.goodreads.sources import Encoding, Simulation, Source, open_reviews, open_simulation, open_texts
from experiments.goodreads.stages import Settings, describe, parse_memory, prepare, split_source
from seals_sim.disk.files import require_writable, write_text
from seals_sim.errors import UserError
from seals_sim.options import combine
from seals_sim.replay.bench import Bench
from seals_sim.replay.methods import build_method
from seals_sim.replay.options import POOLS, ReplayProtocol
from seals_sim.replay.replay import report_bad_lines
from seals_sim.replay.runs import LoopRun, collect_tables, execute
from seals_sim.replay.seal import sealing
from seals_sim.replay.store import (
    RunFolder,
    RunIdentity,
    RunStore,
    get_versions,
    require_run_or_nothing,
    to_json,
    write_csv,
)
from seals_sim.search.seeds import require_seeds
from seals_sim.types import DatasetRows, TableRows
from seals_sim.workers import open_workers

_SIMULATED = "SIMULATED"


def run_goodreads(
    options: SourceOptions, protocol: GoodreadsProtocol, execution: GoodreadsExecution, command: str = ""
) -> Path:
    """Run the stages and searches that are missing, and write the report.

    Args:
        options: The source of the sentences.
        protocol: All options that affect the result.
        execution: Where and how to run.
        command: The command as typed, for the report.

    Returns:
        The page of the report.

    Raises:
        UserError: If the data, the machine or the folder do not fit the options.
    """
    options.require_one()
    engine = combine(ReplayProtocol, protocol, recommended=False)  # runs on top of 7.12, does not replace it
    settings = _build_settings(options, protocol, execution)
    out = execution.out
    require_run_or_nothing(out)
    named = out if out.name else out.resolve()  # out is the current folder
    work = execution.work or named.with_name(f"{named.name}-work")
    require_writable(out, "out")
    require_writable(work, "work")
    inside = work if options.simulate is None else work / _SIMULATED  # simulated and real data never share a folder
    source = _open_source(options, protocol, execution, inside)
    report_bad_lines(source.bad_lines)
    _require_fit(source, engine, protocol.splits, settings)
    folder = RunFolder(out, RunIdentity("goodreads", protocol, _fingerprint(source)), {
        "command": command,
        "execution": to_json(execution),
        "input": to_json(options),
        "versions": get_versions(),
        "dataset": source.name,
        "is_simulated": source.is_simulated,
        "sentences": len(source),
        "positives": int(source.is_positive.sum()),
        "bad_lines": source.bad_lines,
    })  # fmt: skip
    facts, stages, todo = {}, {}, []
    positives = DatasetRows(source.is_positive.nonzero()[0])
    with open_workers(execution.cluster) as workers:
        prepare(source, protocol.splits[0], settings, inside, workers)  # first, so that a refusal leaves no run folder
        folder.begin()
        store = RunStore(out)
        for name in protocol.splits:
            prepared = prepare(source, name, settings, inside, workers)
            split = prepared.split
            rows, spaces = TableRows(split.pool), {"": prepared.space}
            runs = _list_runs(engine, name, protocol.int8)
            if protocol.recommended:
                as_embedded = replace(settings, dimensions=0, scans=("all",), has_structure=False)
                raw = prepare(source, name, as_embedded, inside, workers, f"-{RAW}")
                spaces[RAW] = raw.space
                stages.update({f"{stage['folder']}": stage for stage in describe(raw.stages, work)})
                runs += [
                    LoopRun(method, name, repeat)
                    for method in list_recommended(engine)
                    for repeat in range(engine.repeats)
                ]
            bench = Bench(source.name, rows, split, {name: positives}, spaces, engine, execution.threads)
            finished = store.finished()
            execute([run for run in runs if run.name not in finished], store, bench, 1, execution.quiet, workers)
            facts[name] = prepared.facts
            stages.update({f"{stage['folder']}": stage for stage in describe(prepared.stages, work)})
            todo += runs
    rounds = collect_tables(store, todo, "rounds").rename(columns={"concept": "split"}).assign(dataset=source.name)
    rounds = name_raw_pools(rounds)
    store.close()
    with sealing(out, RUN_FILES):
        write_csv(out / "rounds.csv", rounds)
        write_csv(out / "stages.csv", pd.DataFrame(stages.values()).assign(dataset=source.name))
        write_text(out / "facts.json", json.dumps({"dataset": source.name, "splits": facts}, indent=1) + "\n")
    page = write_report(out)
    if not execution.quiet:
        print(page, file=sys.stderr)
    return page


def _require_fit(source: Source, engine: ReplayProtocol, splits: Sequence[str], settings: Settings) -> None:
    """Refuse options that the splits are too small for, before anything is embedded."""
    for name in splits:
        pool = split_source(source, name, settings).pool
        engine.require_fit(len(pool))
        require_seeds(source.is_positive[pool], engine.seed_positives, engine.seed_negatives)


def _fingerprint(source: Source) -> str:
    return hashlib.sha256(source.is_positive.tobytes() + source.fingerprint.encode()).hexdigest()


def _build_settings(options: SourceOptions, protocol: GoodreadsProtocol, execution: GoodreadsExecution) -> Settings:
    if options.simulate is not None and protocol.dimensions < 1:
        raise UserError("must be at least 1 for a simulation", parameter="dimensions", value=protocol.dimensions)
    return Settings(
        dimensions=protocol.dimensions,
        test_fraction=protocol.test_fraction,
        seed=protocol.seed,
        n_probe=protocol.n_probe,
        memory_bytes=parse_memory(execution.memory),
        n_threads=execution.threads,
        test_rows=protocol.test_rows,
        scans=(*(("all",) if "all" in protocol.pools else ()), *(("all_int8",) if protocol.int8 else ())),
        has_structure=not protocol.no_structure,
        quiet=execution.quiet,
    )


def _open_source(
    options: SourceOptions, protocol: GoodreadsProtocol, execution: GoodreadsExecution, work: Path
) -> Source:
    encoding = Encoding(protocol.model, protocol.backend, execution.block, execution.quiet)
    if options.reviews is not None:
        return open_reviews(options.reviews, options.skip_bad_lines, encoding, work)
    if options.texts is not None:
        how_read = (options.text_column, options.label_column, options.skip_bad_lines)
        return open_texts(options.texts, *how_read, options.prevalence, protocol.seed, encoding, work)
    assert options.simulate is not None
    simulation = Simulation(
        options.simulate,
        protocol.dimensions,
        book_cosine=options.book_cosine,
        spoiler_cosine=options.spoiler_cosine,
        seed=protocol.seed,
    )
    return open_simulation(simulation, work, execution.quiet)


def _list_runs(protocol: ReplayProtocol, split: str, has_int8: bool) -> list[LoopRun]:
    """SEALS first: a process never returns the memory it has held, and the full scans map far more."""
    methods = [
        build_method(protocol, pool, strategy)
        for pool in sorted(protocol.pools, key=("seals", *POOLS).index)
        for strategy in protocol.strategies
    ]
    if has_int8:
        methods.append(build_method(protocol, "all_int8", "most_likely_positive"))
    return [LoopRun(method, split, repeat) for method in methods for repeat in range(protocol.repeats)]
