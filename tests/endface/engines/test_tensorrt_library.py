from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from endface.engines import tensorrt_library
from endface.engines.tensorrt_library import Machine, Runtime
from endface.errors import ConfigurationError

LOADING = """
import os
from endface.engines import tensorrt_library as trt
before = dict(os.environ)
module = trt.load("tensorrt_rtx")
assert dict(os.environ) == before
assert module.Builder(module.Logger(module.Logger.ERROR)) is not None
print(trt.version("tensorrt_rtx"))
"""


def test_libraries_are_found_beside_the_bindings() -> None:
    """With an empty environment the RTX module loads, can make a builder, and leaves the environment as it was."""
    if importlib.util.find_spec("tensorrt_rtx_bindings") is None:
        pytest.skip("TensorRT for RTX is not installed; pip install '.[rtx]' does, on Linux x86-64")
    done = subprocess.run([sys.executable, "-c", LOADING], env={}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split(".")[0] == "1"


@pytest.mark.parametrize(
    ("runtime", "advice"),
    [("tensorrt", "in Triton's container install .*`--runtime tensorrt_rtx`"), ("tensorrt_rtx", r"\.\[rtx\]")],
)
def test_runtime_that_is_not_installed(runtime: Runtime, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where to get the runtime; its version is none."""
    monkeypatch.setattr(tensorrt_library.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=f"{runtime} is not installed here: .*{advice}"):
        tensorrt_library.load(runtime)

    assert tensorrt_library.version(runtime) is None


def test_bindings_without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bindings alone do not load: the message says what is missing and how to install it."""
    spec = importlib.util.spec_from_loader("tensorrt_rtx_bindings", None)
    monkeypatch.setattr(
        tensorrt_library.importlib.util, "find_spec", lambda name: spec if name == "tensorrt_rtx_bindings" else None
    )
    with pytest.raises(ConfigurationError, match=r"does not load \(no libtensorrt_rtx\.so.*pip install '\.\[rtx\]'"):
        tensorrt_library.load("tensorrt_rtx")


def test_whole_module_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that brings its libraries itself, as in NVIDIA's own package, is taken before the bindings."""
    module = ModuleType("tensorrt_rtx")
    module.__version__ = "1.8.0.0"
    module.__spec__ = importlib.util.spec_from_loader("tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", module)

    assert tensorrt_library.load("tensorrt_rtx") is module
    assert tensorrt_library.version("tensorrt_rtx") == "1.8.0.0"


NO_GPU = (None, None, None)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param(
            'echo "NVIDIA L4, 8.9, 580.65.06"; echo "NVIDIA T4, 7.5, 580.65.06"',
            ("NVIDIA L4", "8.9", "580.65.06"),
            id="first of two",
        ),
        pytest.param("exit 9", NO_GPU, id="fails"),
        pytest.param("echo No devices were found", NO_GPU, id="lists none"),
        pytest.param('echo "Unable to determine" >&2; exit 255', NO_GPU, id="no driver"),
        pytest.param(":", NO_GPU, id="silent"),
        pytest.param(None, NO_GPU, id="not installed"),
    ],
)
def test_gpu_is_the_first_that_nvidia_smi_lists(
    script: str | None, found: tuple[str | None, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name, architecture and driver are the machine's; without a list there is no GPU."""
    if script is not None:
        smi = tmp_path / "nvidia-smi"
        smi.write_text(f"#!/bin/sh\n{script}\n")
        smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    machine = Machine.here("tensorrt")

    assert (machine.gpu, machine.compute_capability, machine.driver) == found
