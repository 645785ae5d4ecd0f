"""benchmarks.peers.litserve: the inspection behind LitServe."""
