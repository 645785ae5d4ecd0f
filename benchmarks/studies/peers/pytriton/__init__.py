"""The inspection behind PyTriton's own Python API."""
