"""benchmarks.studies.peers.mosec: the inspection behind mosec, a Rust front with Python workers."""
