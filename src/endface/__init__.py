"""endface: inspection of fiber-optic connector end faces.

The shared library: everything that is true without a server.  Importing it imports nothing heavy.
"""

import os

from endface.errors import EndfaceError
from endface.report import Report

__version__ = "0.2.0"

# From 1.32 on, ONNX Runtime's own wheels send figures of each session to Microsoft, and warn where they cannot keep a
# number of the machine (its Privacy.md).  It reads this once, when it is imported; so do the stages, which inherit it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["EndfaceError", "Report", "__version__"]
