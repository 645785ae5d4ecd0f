"""Files beside the Compose file: a line's own profiles, its certificates."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from endface_client import TLS, Client, ServerUnavailable

pytestmark = pytest.mark.containers


def test_own_profiles_are_judged_by(server: Any, project: Path, samples: list[Path], tmp_path: Path) -> None:
    """With the file that docs/operations.md prints, a server takes a profile from a folder of this machine."""
    page = (project / "docs" / "operations.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "override.yml").write_text(printed.replace("./profiles", str(tmp_path / "profiles")))
    (tmp_path / "profiles").mkdir()
    shipped = project / "src" / "endface" / "criteria" / "profiles" / "mm-pc.toml"
    shutil.copy(shipped, tmp_path / "profiles" / "ours.toml")

    with server.beside(tmp_path / "override.yml"):
        server.up("endface")
        with Client(server.address("endface")) as client:
            ours, theirs = (client.inspect(samples[0], profile=name) for name in ("ours", "mm-pc"))

    assert (ours.verdict, ours.reasons) == (theirs.verdict, theirs.reasons)


@pytest.fixture
def certificates(server: Any, project: Path, tmp_path: Path) -> Path:
    """What deploy/containers/tls.yml wants in its folder, beside a station's certificate."""
    made, folder = tmp_path / "made", tmp_path / "certificates"
    script = str(project / "deploy" / "certificates" / "make-certificates")
    server.execute(script, "authority", str(made))
    server.execute(script, "server", str(made), "server", "127.0.0.1")
    for name in ("health", "station-4"):
        server.execute(script, "client", str(made), name)
    folder.mkdir()
    for name in ("authority.pem", "server.pem", "server.key", "health.pem", "health.key"):
        shutil.copyfile(made / name, folder / name)  # for all to read: the container's user is none of this machine's
    return folder


def test_health_check_works_with_mutual_tls(
    server: Any, project: Path, certificates: Path, samples: list[Path]
) -> None:
    """The container is healthy with certificates, serves a station that has one, and nobody who has none."""
    made = certificates.with_name("made")
    station = TLS(made / "authority.pem", made / "station-4.key", made / "station-4.pem")

    with server.beside(project / "deploy" / "containers" / "tls.yml", ENDFACE_CERTIFICATES=str(certificates)):
        server.up("endface")
        with Client(server.address("endface"), tls=station) as client:
            client.inspect(samples[0])
        with (
            Client(server.address("endface"), deadline_s=30) as stranger,
            pytest.raises(ServerUnavailable, match="asks for certificates"),
        ):
            stranger.inspect(samples[0])
