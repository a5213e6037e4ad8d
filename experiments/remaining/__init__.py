"""How many positives remain in a label session: forecasts from its answers, tested on sessions whose end is known."""
