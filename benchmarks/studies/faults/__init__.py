"""What a line notices of a serving machine that falls ill: kills and stops its processes while stations work."""
