"""The claims of the paper by section, each next to the function that tests it."""
