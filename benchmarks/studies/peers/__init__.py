"""benchmarks.studies.peers: how this server compares with other ways to serve the same stages."""
