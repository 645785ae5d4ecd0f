"""Registration of two pictures of one end face, and what became of its marks between them."""
