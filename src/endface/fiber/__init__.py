"""Where the fiber is: cladding and core as ellipses."""
