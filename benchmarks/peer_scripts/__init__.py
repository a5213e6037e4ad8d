"""One script per library, run in that library's own environment. From this package, the scripts import only `job`."""
