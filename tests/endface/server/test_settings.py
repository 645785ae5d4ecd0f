from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endface.errors import (
    ConfigurationError,
    EndfaceError,
    EngineError,
    PortTakenError,
    RepositoryError,
    UnknownProfileError,
)
from endface.server.certificates import Certificates
from endface.server.settings import Settings

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"repository": Path("nowhere")}, RepositoryError, r"nowhere is no model repository.*--repository"),
        ({"engine": "cuda"}, EngineError, "cuda"),
        ({"profile": "foo"}, UnknownProfileError, "foo"),  # it would be a wrong verdict for all who rely on it
        ({"certificates": Certificates(Path("a.pem"), Path("a.key"))}, ConfigurationError, r"a\.pem"),
        ({"admin_secret": Path("nowhere")}, ConfigurationError, r"nowhere cannot be read.*openssl rand"),
    ],
    ids=["repository", "engine", "profile", "certificate", "secret"],
)
def test_what_does_not_exist_starts_nothing(
    settings: Settings, wrong: dict[str, Any], error: type[EndfaceError], words: str
) -> None:
    """A slip of the pen is named before anything is started."""
    with pytest.raises(error, match=words):
        replace(settings, **wrong).check()


def test_broken_profile_of_the_user_is_refused(settings: Settings, tmp_path: Path) -> None:
    """A user's file with a mistake is found at the start, not by the first request that names it."""
    (tmp_path / "plant.toml").write_text("standard = 1")

    with pytest.raises(ConfigurationError, match=r"plant\.toml"):
        replace(settings, profiles=tmp_path).check()


def test_services_need_ports_of_their_own(settings: Settings) -> None:
    """One port for two services is a slip of the pen, not somebody else's process."""
    with pytest.raises(PortTakenError, match=f"is {settings.http_port}, and so is another"):
        replace(settings, grpc_port=settings.http_port).check()


def test_engine_without_its_configuration_is_refused(settings: Settings) -> None:
    """Triton would start the default engine instead, and the reports would name the other one."""
    with pytest.raises(RepositoryError, match=r"has no .*configs/tensorrt\.pbtxt"):
        replace(settings, engine="tensorrt").check()

    configs = settings.repository / "segment" / "configs"
    configs.mkdir()
    (configs / "tensorrt.pbtxt").touch()
    replace(settings, engine="tensorrt").check()


@pytest.mark.parametrize(
    ("host", "local", "exposed"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost", "127.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("192.0.2.1", "192.0.2.1", True),
    ],
)
def test_address_can_be_reached_from_here(host: str, local: str, *, exposed: bool) -> None:
    """A server that listens everywhere is found on the loopback; HTTP and the metrics stay on the machine."""
    addresses = Settings(Path(), host=host).addresses()

    assert addresses.local_grpc == local
    assert addresses.is_exposed is exposed
    assert (addresses.http, addresses.metrics) == ("127.0.0.1", "127.0.0.1")


def test_settings_become_flags(settings: Settings) -> None:
    """Connections end, so that clients look a name up again; Triton counts in milliseconds."""
    changed = replace(settings, http_host="0.0.0.0", metrics_host="0.0.0.0", connection_age_s=1.5)
    usual, open_ = settings.flags(settings.addresses()), changed.flags(changed.addresses())

    assert {"--http-address=127.0.0.1", "--metrics-address=127.0.0.1", "--grpc-max-connection-age=60000"} <= set(usual)
    assert {"--http-address=0.0.0.0", "--metrics-address=0.0.0.0", "--grpc-max-connection-age=1500"} <= set(open_)
    assert not any("grace" in flag or "ssl" in flag for flag in usual)  # calls have all the time they need


def test_certificates_become_flags(settings: Settings) -> None:
    """With them Triton is told to encrypt."""
    encrypted = replace(settings, certificates=Certificates(Path("/a.pem"), Path("/a.key")))

    flags = encrypted.flags(encrypted.addresses())
    assert {"--grpc-use-ssl=true", "--grpc-server-cert=/a.pem", "--grpc-server-key=/a.key"} <= set(flags)


@pytest.fixture
def guarded(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a secret as openssl writes it, for its owner alone."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return replace(settings, admin_secret=path)


def test_secret_is_read(guarded: Settings, settings: Settings) -> None:
    """The end of the line does not count; without a file there is none."""
    guarded.check()

    assert guarded.read_secret() == SECRET
    assert settings.read_secret() is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_secret_that_others_can_read_is_none(guarded: Settings, mode: int) -> None:
    """Neither the group nor the rest of the machine may."""
    assert guarded.admin_secret is not None
    guarded.admin_secret.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"its mode is {mode:04o}; chmod 0600"):
        guarded.check()


@pytest.mark.parametrize("text", ["", "short", "a b" * 20, "a:b," * 20, "a" * 1000, "é" * 40])
def test_what_cannot_be_a_secret_is_refused(guarded: Settings, text: str) -> None:
    """Too short to be safe, or nothing that can stand in a flag; the sentence does not repeat it."""
    assert guarded.admin_secret is not None
    guarded.admin_secret.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match="openssl rand") as refused:
        guarded.check()
    assert not text or text not in str(refused.value)
