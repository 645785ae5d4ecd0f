"""The inspection behind BentoML."""
