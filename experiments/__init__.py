"""Runnable experiments: `python -m experiments.rare_concepts --help` and its sisters."""
