"""The page on which a person labels, served to a browser on the same machine. Nothing in it needs a network."""

from seals_sim.label.web.app import make_app
from seals_sim.label.web.server import serve

__all__ = ["make_app", "serve"]
