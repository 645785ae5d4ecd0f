"""Liveness checks and repairs that keep a Triton server alive."""
