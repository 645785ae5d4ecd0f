"""The sealed record of inspections."""
