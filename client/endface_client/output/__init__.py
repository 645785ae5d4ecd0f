"""Tables, pages and overlays of inspected pictures."""
