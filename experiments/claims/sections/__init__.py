"""The claims of the paper, by its sections, each beside the function that tests it."""
