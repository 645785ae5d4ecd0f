"""benchmarks.studies.peers.bentoml: the inspection behind BentoML."""
