"""A network into service and out of it."""
