"""The old name of `endface.backend.models`, for version folders that were promoted before 0.2.0.

A promoted folder of `segment` holds its own `model.py`, which imports this name. It goes in the release after 0.2.0.
"""

from endface.backend.models import *  # noqa: F403 - whatever a promoted model.py asks for
