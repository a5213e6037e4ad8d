"""The page on which a person labels, served to a browser on the same machine. Nothing in it needs a network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # __init__.pyi lists what is where
