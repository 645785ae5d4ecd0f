"""Places and servers that several tests share."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import cv2
import hypothesis
import numpy as np
import pytest
import trustme
from numpy.typing import NDArray

from endface.engines.catalog import OFFLINE, VARIANTS, network_file
from endface.engines.manifest import newest_version
from endface.errors import ConfigurationError
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.evaluation.golden import of_folder
from endface_build.export import variants
from endface_client import TLS
from tests import servers

PROJECT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Run the same on a busy machine, and in the background, as on a quiet one at a terminal."""
    hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("busy")
    os.environ["ENDFACE_CORES"] = "2"  # servers have as many processes here as anywhere
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # commands that a test interrupts inherit that


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def run_program(project: Path) -> Callable[..., str]:
    """Run the only Python program of a page in the checkout: ``run_program(page, {"printed": "here"})`` is its output.

    The words of the dictionary stand in for those that are printed, such as an address.
    """

    def ran(page: str, here: Mapping[str, str] = MappingProxyType({})) -> str:
        (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        for printed, word in here.items():
            assert printed in program
            program = program.replace(printed, word)
        done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real photographs: ENDFACE_REAL_DATA, or the folder beside the checkout."""
    folder = Path(os.environ.get("ENDFACE_REAL_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real photographs in {folder}; ENDFACE_REAL_DATA names their folder")
    return folder


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """The sample pictures of the project; the first ones are multimode fibers, for which most tests have limits."""
    return sorted((PROJECT / "samples").glob("*.jpg")) + sorted((PROJECT / "samples").glob("*.png"))


@pytest.fixture(scope="session")
def face() -> NDArray[np.uint8]:
    """A clean face as a camera sees it, uint8 (480, 640)."""
    return photograph(Face(), Camera(640, 480, um_per_px=(0.55, 0.55)), seed=3).picture


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encode a picture: ``encode(picture, ".png")``."""

    def encoded(picture: NDArray[np.uint8] | NDArray[np.uint16], ending: str = ".png") -> bytes:
        _, data = cv2.imencode(ending, picture)
        return data.tobytes()

    return encoded


@pytest.fixture(scope="session")
def free_ports() -> Callable[[], dict[str, int]]:
    """Three ports of this machine that nobody listens on, by the names of ``Settings``."""
    return servers.free_ports


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and certificates of a line, its authority and a stranger.

    ``server`` and ``line-2`` share the name that all servers of a line have, ``other`` has it not; ``former`` has
    expired; ``stranger`` is of another authority.
    """
    folder = tmp_path_factory.mktemp("certificates")
    authority, past = trustme.CA(), datetime.now(UTC) - timedelta(days=1)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued = {
        "server": authority.issue_cert("127.0.0.1", "localhost", "endface"),
        "line-2": authority.issue_cert("line-2.example", "endface"),
        "other": authority.issue_cert("line-3.example"),
        "station": authority.issue_cert("station-4.example"),
        "former": authority.issue_cert("station-3.example", not_after=past),
        "stranger": trustme.CA().issue_cert("station-4.example"),
    }
    for name, each in issued.items():
        each.private_key_pem.write_to_path(folder / f"{name}.key")
        each.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    return folder


@pytest.fixture(scope="session")
def tls(certificates: Path) -> Callable[..., TLS]:
    """What a client shows and trusts: ``tls("station")`` by the name of its certificate, ``tls("")`` shows none."""

    def of(name: str, **settings: str) -> TLS:
        own = (certificates / f"{name}.key", certificates / f"{name}.pem") if name else (None, None)
        return TLS(certificates / "authority.pem", *own, **settings)

    return of


@pytest.fixture(scope="session")
def repository() -> Path:
    """The model repository under test: ENDFACE_REPOSITORY, or the project's."""
    return Path(os.environ.get("ENDFACE_REPOSITORY", PROJECT / "model_repository"))


@pytest.fixture(scope="session")
def offline_repository(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network in the form of every engine: the repository itself where it has them, else a copy that gets them."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed; it comes with the extra litert")
    version = repository / "segment" / str(newest_version(repository / "segment"))
    try:
        for engine in OFFLINE:
            network_file(version, engine)
    except ConfigurationError:
        pictures = of_folder(PROJECT / "samples", "mm-pc")
        copied = tmp_path_factory.mktemp("offline")
        shutil.copytree(version, copied / "segment" / version.name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(variants, "CALIBRATION_COUNT", 16)  # enough, and a third of the time
            for engine in VARIANTS:
                variants.export_variant(engine.name, copied / "segment" / version.name, pictures=pictures)
        return copied
    return repository


@pytest.fixture(scope="session")
def server(repository: Path) -> Iterator[EmbeddedServer]:
    """A real Triton with the real models, without a default profile, for all tests that do not hurt it."""
    with servers.running(Settings(repository, **servers.free_ports())) as running:
        yield running
