"""benchmarks.studies.peers.litserve: the inspection behind LitServe."""
