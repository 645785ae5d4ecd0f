"""Faults of a serving machine, and what a production line notices of them."""
