"""The inspection behind LitServe."""
