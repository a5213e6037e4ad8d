"""Exchanges labels with other programs: plain tables, Label Studio, Argilla."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # __init__.pyi lists what is where
