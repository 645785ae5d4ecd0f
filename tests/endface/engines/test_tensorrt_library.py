"""The runtimes are found without paths, or their absence is told with what to do."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest

from endface.engines import tensorrt_library
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


def test_libraries_are_found_beside_the_bindings():
    """With an empty environment the RTX module loads, can make a builder, and leaves the environment as it was."""
    if importlib.util.find_spec("tensorrt_rtx_bindings") is None:
        pytest.skip("TensorRT for RTX is not installed; pip install '.[rtx]' does, on Linux x86-64")
    done = subprocess.run([sys.executable, "-c", LOADING], env={}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split(".")[0] == "1"


def absent(_):
    """No module is installed."""


@pytest.mark.parametrize(
    ("runtime", "advice"),
    [
        ("tensorrt", "in Triton's container install .*`--runtime tensorrt_rtx`"),
        ("tensorrt_rtx", r"endface\[rtx\]"),
    ],
)
def test_runtime_that_is_not_installed(runtime, advice, monkeypatch):
    """The message says where to get the runtime; its version is none."""
    monkeypatch.setattr(tensorrt_library.importlib.util, "find_spec", absent)
    with pytest.raises(ConfigurationError, match=f"{runtime} is not installed here: .*{advice}"):
        tensorrt_library.load(runtime)

    assert tensorrt_library.version(runtime) is None


def test_bindings_without_libraries(monkeypatch):
    """Bindings alone do not load: the message says what is missing and how to install it."""
    spec = importlib.util.spec_from_loader("tensorrt_rtx_bindings", None)
    monkeypatch.setattr(
        tensorrt_library.importlib.util, "find_spec", lambda name: spec if name == "tensorrt_rtx_bindings" else None
    )
    with pytest.raises(
        ConfigurationError, match=r"does not load \(no libtensorrt_rtx\.so.*pip install 'endface\[rtx\]'"
    ):
        tensorrt_library.load("tensorrt_rtx")


def test_whole_module_is_preferred(monkeypatch):
    """A module that brings its libraries itself, as in NVIDIA's own package, is taken before the bindings."""
    module = ModuleType("tensorrt_rtx")
    module.__version__ = "1.8.0.0"
    module.__spec__ = importlib.util.spec_from_loader("tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", module)

    assert tensorrt_library.load("tensorrt_rtx") is module
    assert tensorrt_library.version("tensorrt_rtx") == "1.8.0.0"
