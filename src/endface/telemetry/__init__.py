"""Metrics, inspection log and traces of the stages."""
