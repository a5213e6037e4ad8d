"""How many positives remain in a label session: what its answers foretell, measured on sessions whose end is known."""
