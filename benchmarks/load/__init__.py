"""Load shapes on a real server, held against limits."""
