"""TensorRT and TensorRT for RTX as Python modules with one interface, and the GPU that runs their plans.

TensorRT's own module is part of Triton's container.  TensorRT for RTX comes from PyPI in two wheels (extra ``rtx``):
the bindings, and ONNX Runtime's plug-in, of which only the shared libraries are used.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, get_args

from endface.errors import ConfigurationError

Runtime = Literal["tensorrt", "tensorrt_rtx"]
"""Which of the two libraries; also the name of the engine that serves its plans."""

RUNTIMES: Final[tuple[Runtime, ...]] = get_args(Runtime)

_MODULES: Final[dict[Runtime, tuple[str, ...]]] = {
    "tensorrt": ("tensorrt", "tensorrt_bindings"),
    "tensorrt_rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings"),
}
"""Modules to look for; a whole one brings its libraries itself, the bindings alone do not: those of TensorRT lie in
Triton's container where the system finds them, those of TensorRT for RTX are loaded from another package."""

_LIBRARIES: Final = "onnxruntime_ep_nv_tensorrt_rtx"
"""The package whose folder holds the shared libraries of TensorRT for RTX."""

_LOAD_ORDER: Final = ("libtensorrt_rtx.so.*", "libtensorrt_onnxparser_rtx.so.*")
"""The parser needs the library: it comes second."""

_INSTALLING: Final[dict[Runtime, str]] = {
    "tensorrt": (
        "in Triton's container install the Python package `tensorrt` in the version that Triton has; elsewhere use "
        "`--runtime tensorrt_rtx`, which pip installs"
    ),
    "tensorrt_rtx": "install it with `pip install '.[rtx]'` in endface's checkout",
}

_SMI: Final = ("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
_SMI_S: Final = 20
"""A first call starts the driver, which takes seconds."""


@dataclass(frozen=True)
class Machine:
    """What a plan depends on; None where the machine does not have it.

    Attributes:
        runtime: the library that runs plans.
        runtime_version: its version, such as ``10.13.2.6``.
        gpu: the first GPU's name.
        compute_capability: its architecture, such as ``8.9``.
        driver: the driver's version.
    """

    runtime: Runtime
    runtime_version: str | None = None
    gpu: str | None = None
    compute_capability: str | None = None
    driver: str | None = None

    @classmethod
    def here(cls, runtime: Runtime) -> Machine:
        """This machine, by the runtime's module and ``nvidia-smi``."""
        return cls(runtime, version(runtime), *_gpu())


def load(runtime: Runtime) -> Any:
    """The runtime's Python module; both have TensorRT's interface.

    Args:
        runtime: which one.

    Raises:
        ConfigurationError: it is not installed, or its libraries do not load.
    """
    name = next((name for name in _MODULES[runtime] if importlib.util.find_spec(name)), None)
    if name is None:
        raise ConfigurationError(f"the runtime {runtime} is not installed here: {_INSTALLING[runtime]}")
    try:
        if name == "tensorrt_rtx_bindings":
            _load_libraries()
        module: ModuleType = importlib.import_module(name)
    except (ImportError, OSError) as exc:
        raise ConfigurationError(
            f"the runtime {runtime} is installed but does not load ({exc}): {_INSTALLING[runtime]} again"
        ) from exc
    return module


def version(runtime: Runtime) -> str | None:
    """The runtime's version, such as ``10.13.2.6``; None where it cannot be loaded."""
    try:
        return str(load(runtime).__version__)
    except ConfigurationError:
        return None


def _load_libraries() -> None:
    """Load the shared libraries for all to see, so that the bindings find them loaded.

    The package itself is not imported: it would change ``LD_LIBRARY_PATH`` and put links into its folder.
    """
    spec = importlib.util.find_spec(_LIBRARIES)
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    for pattern in _LOAD_ORDER:
        path = next((path for folder in folders for path in sorted(folder.glob(pattern))), None)
        if path is None:
            raise ImportError(f"no {pattern} in the package {_LIBRARIES}")
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


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
