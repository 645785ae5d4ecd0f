"""Triton model ``preprocess``; the work is done in ``endface.backend.models``."""

import os

import triton_python_backend_utils as pb_utils

from endface.backend import models


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args):
        """Load the stage once for each instance."""
        self._stage = models.Preprocess(pb_utils, args)
        # What has begun is finished before more is begun: a picture is prepared only while the later stages leave a
        # core free.  Niceness is not enough: a process that is running keeps its core for a while.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    def execute(self, requests):
        """Answer each request by itself."""
        return self._stage.execute(requests)

    def finalize(self):
        """Let the stage end before Triton does."""
        self._stage.close()
