"""Time of each stage in one process."""
