"""Where pre- and post-processing belong, and what hops, memory and number formats cost."""
