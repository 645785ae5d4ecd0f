"""Evaluation of a network: matches, metrics, repeatability."""
