"""Synthetic end faces and the camera that photographs them."""
