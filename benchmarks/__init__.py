"""benchmarks: how fast the stages are without a server, and how fast and how rightly a server answers under load."""
