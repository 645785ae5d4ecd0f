"""A long shift: tens of thousands of parts, each judged exactly once although the server is killed again and again."""
