"""What the serving path costs: the same stages with less and less around them, in turns in one run."""
