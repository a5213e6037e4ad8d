"""One script a library, run in that library's own environment: nothing of this package but `job` is imported there."""
