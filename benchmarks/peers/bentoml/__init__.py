"""benchmarks.peers.bentoml: the inspection behind BentoML."""
