"""`make kills`: random kills over embedding, indexing, replays in 2 processes and label sessions."""

from __future__ import annotations

import argparse
import math
import sys
import time

from tqdm import tqdm

from tests.fuzz.running import prepare
from tests.kills.chains import CHAINS
from tests.kills.killing import kill_many


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--only", default="", help="a word of the name of the work that is killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no run after that time")
    given = parser.parse_args()
    start = time.monotonic()
    prepare()
    chains = [chain for chain in CHAINS if given.only in chain.name]
    with tqdm(total=given.n, unit="kill", mininterval=5) as bar:
        counts = kill_many(given.n, chains, given.seed, bar.update, 60 * given.minutes)
    for name, n in counts.kills.items():
        print(f"{n:>5} {name}")
    print(f"{sum(counts.kills.values()):>5} kills in {time.monotonic() - start:.0f} s")
    print(f"{counts.late:>5} came when the work had just ended")
    print(f"{counts.with_part:>5} left a part to go on from; {counts.ended} runs were brought to their end")
    print(f"{len(counts.wrong):>5} things wrong")
    print("\n".join(counts.wrong))
    sys.exit(bool(counts.wrong))


if __name__ == "__main__":
    main()
