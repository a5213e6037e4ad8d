"""Benchmarks. Each prints ratios of quantities measured in the same run. See `python -m benchmarks.rounds --help`."""

from seals_sim.runtime import wait_passively

wait_passively()  # before any module here imports Faiss
