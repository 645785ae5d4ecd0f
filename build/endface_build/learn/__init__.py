"""From reviewed cases to a network that may serve, or to the reason why it may not."""
