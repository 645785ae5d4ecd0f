"""Other people's networks made to answer like ours."""
