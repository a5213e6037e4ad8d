"""Neighbors from a vector engine: one small protocol, a module for each engine, and one index on top of them."""
