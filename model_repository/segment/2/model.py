"""Triton model ``segment``; the work is done in ``endface.backend.models``."""

import os

import triton_python_backend_utils as pb_utils

from endface.backend import models


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args):
        """Load the stage once for each instance."""
        os.nice(5)  # postprocess comes first, preprocess last: see there
        self._stage = models.Segment(pb_utils, args)

    def execute(self, requests):
        """Answer each request by itself."""
        return self._stage.execute(requests)

    def finalize(self):
        """Let the stage end before Triton does."""
        self._stage.close()
