"""The idealized setting of section 7.2: Algorithms 3 and 4 with max-margin separators, with checks of Theorems 1-3."""
