"""Defects to a verdict: profiles, limits, rules."""
