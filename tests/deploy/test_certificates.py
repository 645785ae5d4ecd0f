"""The script that makes certificates: what it writes, and what it refuses."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from endface_client._transport.tls import FLEET_NAME

Extension = TypeVar("Extension", bound=x509.ExtensionType)
Make = Callable[..., subprocess.CompletedProcess[str]]


def load(line: Path, name: str) -> x509.Certificate:
    """A certificate that was made."""
    return x509.load_pem_x509_certificate((line / f"{name}.pem").read_bytes())


def extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension:
    """What a certificate says about itself."""
    return certificate.extensions.get_extension_for_class(kind).value


def test_only_the_caller_can_read_what_is_made(line: Path) -> None:
    """Keys and certificates are the caller's alone, and nothing else is left in the folder."""
    names = [f"{name}.{ending}" for name in ("authority", "line-3", "station-4") for ending in ("key", "pem")]

    assert sorted(path.name for path in line.iterdir()) == sorted(names)
    assert {stat.S_IMODE(path.stat().st_mode) for path in line.iterdir()} == {0o600}
    assert stat.S_IMODE(line.stat().st_mode) == 0o700


def test_server_has_all_its_names(line: Path) -> None:
    """Names and addresses are told apart; the last one is the fleet's, which clients of several servers look for."""
    names = extension(load(line, "line-3"), x509.SubjectAlternativeName)

    assert names.get_values_for_type(x509.DNSName) == ["line-3", "localhost", FLEET_NAME]
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("127.0.0.1")]


def test_certificates_serve_one_purpose(line: Path) -> None:
    """A stolen station's certificate makes no server; none of them makes further certificates."""
    for name, usage in (("line-3", ExtendedKeyUsageOID.SERVER_AUTH), ("station-4", ExtendedKeyUsageOID.CLIENT_AUTH)):
        made = load(line, name)
        assert list(extension(made, x509.ExtendedKeyUsage)) == [usage]
        assert not extension(made, x509.BasicConstraints).ca
    assert extension(load(line, "authority"), x509.BasicConstraints) == x509.BasicConstraints(ca=True, path_length=0)


@pytest.mark.parametrize(("name", "days"), [("authority", 3650), ("line-3", 397), ("station-4", 397)])
def test_certificates_end(line: Path, name: str, days: int) -> None:
    """They hold from now on, for as long as the page says, with keys of 256 bits on an elliptic curve."""
    made = load(line, name)

    assert made.not_valid_before_utc <= datetime.now(UTC)
    assert made.not_valid_after_utc - made.not_valid_before_utc == timedelta(days=days)
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_authority_signs(line: Path) -> None:
    """Each certificate is the authority's, with a number of its own."""
    authority, made = load(line, "authority"), [load(line, "line-3"), load(line, "station-4")]

    for each in made:
        each.verify_directly_issued_by(authority)
    assert len({each.serial_number for each in (authority, *made)}) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["authority"], "is there already; move it away"),
        (["server", "line-3", "localhost"], "is there already; move it away"),
        (["client", "station-4"], "is there already; move it away"),
        (["server", "../line-4"], "is no host name or IPv4 address"),
        (["client", "a,DNS:b"], "is no host name or IPv4 address"),
        (["server", "line-4", "10.0.0.777"], "openssl refused"),
        (["client", "authority"], "choose another"),
    ],
)
def test_what_cannot_be_made_changes_nothing(make: Make, line: Path, arguments: list[str], sentence: str) -> None:
    """Nothing is overwritten, and a bad name is refused before or by openssl; no file stays behind."""
    before = {path: path.read_bytes() for path in line.iterdir()}

    refused = make(arguments[0], line, *arguments[1:])

    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert {path: path.read_bytes() for path in line.iterdir()} == before


def test_authority_comes_first(make: Make, tmp_path: Path) -> None:
    """Without one the script says how to make one."""
    refused = make("client", tmp_path, "station-4")

    assert refused.returncode == 2
    assert f"make-certificates authority {tmp_path}" in refused.stderr


def test_usage_is_told(make: Make) -> None:
    """Called wrongly, it prints its three forms."""
    refused = make("everything")

    assert refused.returncode == 2
    assert [text.split()[1] for text in refused.stderr.splitlines()] == ["authority", "server", "client"]
