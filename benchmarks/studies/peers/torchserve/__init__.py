"""benchmarks.studies.peers.torchserve: the inspection behind TorchServe, a Java front with Python workers."""
