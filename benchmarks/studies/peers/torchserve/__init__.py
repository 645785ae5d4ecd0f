"""The inspection behind TorchServe, a Java front with Python workers."""
