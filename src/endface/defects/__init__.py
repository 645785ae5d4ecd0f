"""A label map to defects in micrometers."""
