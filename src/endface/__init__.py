"""endface: inspection of fiber-optic connector end faces.

The shared library: everything that is true without a server.  Importing it imports nothing heavy.
"""

from endface.errors import EndfaceError
from endface.report import Report

__version__ = "0.2.0"

__all__ = ["EndfaceError", "Report", "__version__"]
