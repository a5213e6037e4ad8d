"""Neighbor indexes behind one small protocol: `build_index` builds or opens one, `choose_index` chooses one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # __init__.pyi lists what is where
