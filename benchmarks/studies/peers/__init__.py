"""Comparison of this server with other ways to serve the same stages."""
