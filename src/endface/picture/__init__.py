"""Encoded bytes to a gray picture and a square around the fiber."""
