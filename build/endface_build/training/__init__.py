"""The network, its recipe and its training."""
