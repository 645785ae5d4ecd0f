"""The tritonserver of this machine, and how to call it.

The one on PATH comes first: Triton's container, complete with its backends.  Else it is the one in the
``nvidia-pytriton`` wheel, whose Python backend is put together with the stub program of the running Python.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from endface.engines.catalog import ANYWHERE, PYTHON, Engine
from endface.errors import ServerMissingError
from endface.server import log
from endface.server.processes import STUB

_REMEDY: Final = "install it with `pip install '.[serve]'` in endface's checkout, or run inside Triton's container"


@dataclass(frozen=True)
class TritonBinary:
    """A tritonserver with its backends, and the flags and the environment that it needs."""

    path: Path
    backends: Path
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def check(self, engine: Engine) -> None:
        """Check that this server has the backend that an engine needs.

        Raises:
            ServerMissingError: it has not.
        """
        if engine.backend != PYTHON and not (self.backends / engine.backend).is_dir():
            raise ServerMissingError(
                f"the engine {engine.name} needs Triton's own backend {engine.backend!r}, which {self.path} does not "
                f"have; start the server inside Triton's container, {ANYWHERE}"
            )


def find(workspace: Path) -> TritonBinary:
    """Find a tritonserver.

    Args:
        workspace: a private directory; the wheel's Python backend and its libraries are put together in it.

    Raises:
        ServerMissingError: there is none that works with this Python and its packages.
    """
    on_path = shutil.which("tritonserver")
    if on_path:
        return TritonBinary(Path(on_path), Path(on_path).resolve().parent.parent / "backends")  # as in the container
    spec = importlib.util.find_spec("pytriton")
    if spec is None or spec.origin is None:
        raise ServerMissingError(f"no tritonserver on PATH and no nvidia-pytriton wheel in {sys.prefix}; {_REMEDY}")
    return _from_wheel(Path(spec.origin).parent, workspace)


def _from_wheel(package: Path, workspace: Path) -> TritonBinary:
    _check_python()
    server, backends = package / "tritonserver", workspace / "backends"
    _assemble_backend(server, backends / "python")
    libraries = [
        str(_python_library(workspace / "lib")),
        str(package.parent / "nvidia_pytriton.libs"),
        os.environ.get("LD_LIBRARY_PATH", ""),
    ]
    # The stub takes its packages from the first python3 on PATH and, from Python 3.11 on, ignores PYTHONPATH.
    search = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
        "PATH": os.pathsep.join(filter(None, search)),
    }
    check_stub(backends / "python" / STUB, environment)
    return TritonBinary(server / "bin" / "tritonserver", backends, (f"--backend-directory={backends}",), environment)


def check_stub(stub: Path, environment: Mapping[str, str]) -> None:
    """Check that the stub program finds its libraries; without arguments it ends at once.

    Raises:
        ServerMissingError: it does not; Triton would wait for it for minutes, and not say so.
    """
    ran = subprocess.run(
        [stub], env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    missing = log.missing_library(ran.stderr.splitlines())
    if missing:
        raise missing


def _check_python() -> None:
    numpy = importlib.metadata.version("numpy")
    if int(numpy.split(".")[0]) > 1:
        raise ServerMissingError(f"numpy {numpy} is installed, but numpy 2 kills the wheel's Python backend; {_REMEDY}")
    python = Path(sys.executable).with_name("python3")
    if not python.exists():
        raise ServerMissingError(
            f"Triton's Python backend looks for {python}, which is missing; use a virtual environment"
        )


def _python_library(folder: Path) -> Path:
    """A folder with the running Python's own shared library, which the loader does not look for beside the program.

    It is empty where that Python has none; then the system's is taken, if there is one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = str(sysconfig.get_config_var("INSTSONAME"))
    for library in (Path(str(sysconfig.get_config_var("LIBDIR")), name), Path(sys.base_prefix, "lib", name)):
        if ".so" in name and library.is_file():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(library)
            break
    return folder


def _assemble_backend(server: Path, backend: Path) -> None:
    """The backend's files plus the stub of the running Python, under the name that the backend looks for."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / STUB
    if not stub.exists():
        known = ", ".join(sorted(entry.name for entry in stub.parents[1].glob("*")))
        raise ServerMissingError(f"nvidia-pytriton has no Python {version} backend, only {known}; use one of those")
    backend.mkdir(parents=True, exist_ok=True)
    files = [source for source in (server / "backends" / "python").iterdir() if source.is_file()]
    for source in (*files, stub):
        link = backend / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(source)
