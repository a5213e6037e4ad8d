"""Benchmarks: each prints ratios between things measured in the same run. `python -m benchmarks.rounds --help`."""

from seals_sim.runtime import wait_passively

wait_passively()  # before any module here imports Faiss
