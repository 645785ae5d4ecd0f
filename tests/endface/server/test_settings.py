from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from endface.errors import (
    ConfigurationError,
    EngineError,
    PortTakenError,
    RepositoryError,
    ServerStartError,
    UnknownProfileError,
)
from endface.server.certificates import Certificates
from endface.server.settings import Settings


def test_taken_port_names_its_option(settings: Settings) -> None:
    """Before anything is started, the port and the option that changes it are named."""
    with (
        socket.create_server(("127.0.0.1", settings.grpc_port)),
        pytest.raises(PortTakenError, match=f"port {settings.grpc_port} is taken.*--grpc-port"),
    ):
        settings.check()


def test_foreign_address_is_refused(settings: Settings) -> None:
    """A host that is no address of this machine is named."""
    with pytest.raises(ServerStartError, match=r"cannot listen on 192\.0\.2\.1"):
        replace(settings, host="192.0.2.1").check()


def test_host_without_an_ipv4_address_is_refused(settings: Settings) -> None:
    """Triton's services do not agree on how to write an IPv6 address."""
    with pytest.raises(ServerStartError, match="::1 has no IPv4 address"):
        replace(settings, host="::1").check()


def test_services_need_ports_of_their_own(settings: Settings) -> None:
    """One port for two services is a slip of the pen, not somebody else's process."""
    with pytest.raises(PortTakenError, match=f"is {settings.http_port}, and so is another"):
        replace(settings, grpc_port=settings.http_port).check()


def test_missing_repository_is_named(settings: Settings, tmp_path: Path) -> None:
    """A folder without our models is no repository."""
    with pytest.raises(RepositoryError, match=r"nowhere is no model repository.*--repository"):
        replace(settings, repository=tmp_path / "nowhere").check()


def test_unknown_engine_names_those_that_exist(settings: Settings) -> None:
    """A slip of the pen shows the names to choose from."""
    with pytest.raises(EngineError, match=r"no engine 'cuda'.*onnxruntime, onnxruntime_native, tensorrt, tensorrt_rtx"):
        replace(settings, engine="cuda").check()


def test_engine_without_its_configuration_is_refused(settings: Settings) -> None:
    """Triton would start the default engine instead, and the reports would name the other one."""
    with pytest.raises(RepositoryError, match=r"has no .*configs/tensorrt\.pbtxt"):
        replace(settings, engine="tensorrt").check()

    configs = settings.repository / "segment" / "configs"
    configs.mkdir()
    (configs / "tensorrt.pbtxt").touch()
    replace(settings, engine="tensorrt").check()


def test_unknown_default_profile_is_refused(settings: Settings) -> None:
    """A wrong default would be a wrong verdict for every request that relies on it."""
    with pytest.raises(UnknownProfileError, match=r"foo.*mm-pc"):
        replace(settings, profile="foo").check()


def test_broken_profile_of_the_user_is_refused(settings: Settings, tmp_path: Path) -> None:
    """A user's file with a mistake is found at the start, not by the first request that names it."""
    (tmp_path / "plant.toml").write_text("standard = 1")

    with pytest.raises(ConfigurationError, match=r"plant\.toml"):
        replace(settings, profiles=tmp_path).check()


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "127.0.0.1")],
)
def test_address_can_be_reached_from_here(host: str, address: str) -> None:
    """A server that listens everywhere is found on the loopback."""
    assert Settings(Path(), host=host).local_address == address


@pytest.mark.parametrize(("host", "exposed"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_only_grpc_leaves_the_machine(host: str, *, exposed: bool) -> None:
    """HTTP and the metrics stay on the loopback unless they are told otherwise by name."""
    settings = Settings(Path(), host=host)
    flags = settings.flags

    assert settings.is_exposed is exposed
    assert "--http-address=127.0.0.1" in flags
    assert "--metrics-address=127.0.0.1" in flags
    assert "--metrics-address=0.0.0.0" in replace(settings, metrics_host="0.0.0.0").flags
    assert "--http-address=0.0.0.0" in replace(settings, http_host="0.0.0.0").flags


def test_connections_end(settings: Settings) -> None:
    """Clients of a name look it up again then; Triton counts in milliseconds."""
    assert "--grpc-max-connection-age=60000" in settings.flags
    assert "--grpc-max-connection-age=1500" in replace(settings, connection_age_s=1.5).flags
    assert not any("grace" in flag for flag in settings.flags)  # calls have all the time they need


def test_certificates_become_flags(settings: Settings) -> None:
    """Without certificates nothing is encrypted; with them Triton is told so."""
    encrypted = replace(settings, certificates=Certificates(Path("/a.pem"), Path("/a.key")))

    assert not any("ssl" in flag for flag in settings.flags)
    assert {"--grpc-use-ssl=true", "--grpc-server-cert=/a.pem", "--grpc-server-key=/a.key"} <= set(encrypted.flags)


def test_wrong_certificates_start_nothing(settings: Settings, tmp_path: Path) -> None:
    """They are tried before anything is started."""
    with pytest.raises(ConfigurationError, match=r"a\.pem cannot be read"):
        replace(settings, certificates=Certificates(tmp_path / "a.pem", tmp_path / "a.key")).check()


def test_wrong_secret_starts_nothing(settings: Settings, tmp_path: Path) -> None:
    """A file that others can read is no secret."""
    (tmp_path / "secret").write_text("0123456789abcdef" * 2)
    (tmp_path / "secret").chmod(0o644)

    with pytest.raises(ConfigurationError, match="others can read the secret"):
        replace(settings, admin_secret=tmp_path / "secret").check()
