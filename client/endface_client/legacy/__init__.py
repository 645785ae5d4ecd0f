"""Replacement of the classical end-face pipeline's detection stage: change one import line and nothing else.

    from endface_client.legacy import OmniConfig, OmniFiberAnalyzer

The same call writes the same files with the same keys.  A server judges the pictures, or this process where none is
named; a picture that was not judged, for whatever reason, is written down so that the pipeline's own score fails it.
``docs/migrating.md`` is the guide.
"""

from endface_client.legacy._analyzer import OmniFiberAnalyzer
from endface_client.legacy._config import OmniConfig

__all__ = ["OmniConfig", "OmniFiberAnalyzer"]
