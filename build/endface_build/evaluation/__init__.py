"""How well a network sees: matches, metrics, repeatability."""
