"""Import of networks that others trained, so that they answer as ours does."""
