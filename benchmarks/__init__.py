"""Timings, never part of the tests: `python -m benchmarks.rounds --help`."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as for the experiments, and before Faiss is imported
