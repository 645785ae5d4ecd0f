"""Review cases on their way to labelling tools and back, and as labelled pictures to learn from."""
