"""benchmarks.scaling: how throughput grows with instances, processes and cores."""
