"""The machine that a plan is built on or runs on: its runtime and its GPU."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

from endface.engines import tensorrt_library
from endface.engines.tensorrt_library import Runtime

_SMI: Final = ("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
_SMI_S: Final = 20
"""A first call starts the driver, which takes seconds."""


@dataclass(frozen=True)
class Machine:
    """What a plan depends on; None where the machine does not have it.

    Attributes:
        runtime: The library that runs plans.
        runtime_version: Its version, such as ``10.13.2.6``.
        gpu: The first GPU's name.
        compute_capability: Its architecture, such as ``8.9``.
        driver: The driver's version.
    """

    runtime: Runtime
    runtime_version: str | None = None
    gpu: str | None = None
    compute_capability: str | None = None
    driver: str | None = None

    @classmethod
    def here(cls, runtime: Runtime) -> Machine:
        """This machine, by the runtime's module and ``nvidia-smi``."""
        return cls(runtime, tensorrt_library.version(runtime), *_gpu())


def _gpu() -> tuple[str | None, str | None, str | None]:
    """Name, compute capability and driver of the first GPU, by ``nvidia-smi``; three times None without one."""
    try:
        listing = subprocess.run(_SMI, capture_output=True, text=True, check=True, timeout=_SMI_S).stdout
    except (OSError, subprocess.SubprocessError):
        return None, None, None
    fields = [field.strip() for field in listing.partition("\n")[0].split(",")]
    if len(fields) != 3:
        return None, None, None
    name, compute_capability, driver = fields
    return name, compute_capability, driver
