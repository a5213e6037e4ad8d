"""Datasets: texts or vectors, and the concepts that each row belongs to."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # __init__.pyi lists what is where
