"""benchmarks.breakeven: from which load on a server pays, beside the same stages in the caller's process."""
