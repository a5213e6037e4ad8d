"""The idealised setting of section 7.2: Algorithms 3 and 4 with max-margin separators, and Theorems 1-3 checked."""
