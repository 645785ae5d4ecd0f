"""Triton's door to the stage ``preprocess``; the work is done in ``endface.serving``."""

import os

import triton_python_backend_utils as pb_utils

from endface import serving


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args):
        """Load the stage once for each instance."""
        os.nice(10)  # the stages behind come first: what has begun is finished before more is begun
        self._stage = serving.Preprocess(pb_utils, args)

    def execute(self, requests):
        """Answer each request by itself."""
        return self._stage.execute(requests)

    def finalize(self):
        """Let the stage end before Triton does."""
        self._stage.close()
