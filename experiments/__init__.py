"""Runnable experiments: `python -m experiments.paper --help` and its siblings."""
