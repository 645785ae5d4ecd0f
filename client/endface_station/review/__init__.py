"""The review pages: an engineer looks at kept pictures, says what is right, and corrects marks."""
