"""Runnable experiments: `python -m experiments.rare_concepts --help` and its sisters."""

import os

# Threads that wait for work must not spin: beside another busy process a search can take ten times as long for it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
