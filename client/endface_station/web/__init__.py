"""The page: its routes, what guards them, and what it shows."""
