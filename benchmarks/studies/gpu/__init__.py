"""The network and the whole server on a machine with an NVIDIA GPU, by one command of at most ten minutes."""
