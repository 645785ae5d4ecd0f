"""benchmarks.studies.peers.pytriton: the inspection behind PyTriton's own Python API."""
