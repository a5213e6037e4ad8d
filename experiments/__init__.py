"""Runnable experiments: `python -m experiments.paper --help` and its sisters."""
