from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from endface.errors import ConfigurationError
from endface.server.certificates import Certificates, check_client

PAST = datetime.now(UTC) - timedelta(days=1)


Named = Callable[[str], Certificates]


@pytest.fixture
def named(certificates: Path) -> Named:
    """A server's files by the name of its certificate."""
    return lambda name: Certificates(
        certificates / f"{name}.pem", certificates / f"{name}.key", certificates / "authority.pem"
    )


def test_files_that_belong_together_are_taken(named: Named) -> None:
    """With and without authorities of clients."""
    good = named("server")

    good.check()
    replace(good, clients=None).check()


def test_authorities_of_clients_make_it_mutual(named: Named) -> None:
    """Triton asks clients for certificates only where it is told whose."""
    good = named("server")

    assert "--grpc-use-ssl-mutual=true" in good.flags
    assert f"--grpc-root-cert={good.clients}" in good.flags
    assert "--grpc-use-ssl-mutual=false" in replace(good, clients=None).flags


def test_another_ones_key_is_refused(named: Named) -> None:
    """Both files are named."""
    good, other = named("server"), named("other")

    with pytest.raises(ConfigurationError, match=r"other\.key is not the key of .*server\.pem"):
        replace(good, key=other.key).check()


def test_expired_certificate_is_refused(named: Named) -> None:
    """Every client would refuse it, each with a riddle of its own."""
    with pytest.raises(ConfigurationError, match=r"no client would accept .*former\.pem: certificate has expired"):
        named("former").check()


@pytest.mark.parametrize(
    ("field", "no_pem"),
    [
        ("certificate", "no certificate and key"),
        ("key", "no certificate and key"),
        ("clients", "no certificates in PEM"),
    ],
)
def test_each_file_is_read(named: Named, tmp_path: Path, field: str, no_pem: str) -> None:
    """One that is missing is named, and so is one in DER."""
    with pytest.raises(ConfigurationError, match=r"some\.der cannot be read: No such file"):
        replace(named("server"), **{field: tmp_path / "some.der"}).check()

    (tmp_path / "some.der").write_bytes(b"\x30\x82\x01\x0a")
    with pytest.raises(ConfigurationError, match=no_pem):
        replace(named("server"), **{field: tmp_path / "some.der"}).check()


def test_certificate_is_no_authority(named: Named) -> None:
    """A client's own certificate signs nobody."""
    good = named("server")

    with pytest.raises(ConfigurationError, match="holds no authority's certificate"):
        replace(good, clients=good.certificate).check()


def test_key_with_a_password_is_refused(named: Named, tmp_path: Path) -> None:
    """Nothing waits for a password at a terminal that nobody sees."""
    good = named("server")
    key = serialization.load_pem_private_key(good.key.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    (tmp_path / "locked.key").write_bytes(locked)

    with pytest.raises(ConfigurationError, match=r"locked\.key has a password"):
        replace(good, key=tmp_path / "locked.key").check()


def test_clients_files_are_tried(named: Named) -> None:
    """As those of a server: neither an expired certificate nor another one's key is taken."""
    good, former = named("station"), named("former")
    check_client(good.certificate, good.key)

    with pytest.raises(ConfigurationError, match=r"no server would accept .*former\.pem: certificate has expired"):
        check_client(former.certificate, former.key)
    with pytest.raises(ConfigurationError, match=r"former\.key is not the key of .*station\.pem"):
        check_client(good.certificate, former.key)


@pytest.mark.parametrize("served", [True, False])
def test_a_certificate_serves_one_purpose(tmp_path: Path, served: bool) -> None:
    """A server's certificate makes no client, and the other way round, where it says what it is for."""
    usage = ExtendedKeyUsageOID.SERVER_AUTH if served else ExtendedKeyUsageOID.CLIENT_AUTH
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "line-3")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, PAST, PAST + timedelta(days=2))
    signed = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False).sign(key, hashes.SHA256())
    files = Certificates(tmp_path / "line-3.pem", tmp_path / "line-3.key")
    files.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    def as_client() -> None:
        check_client(files.certificate, files.key)

    good, bad = (files.check, as_client) if served else (as_client, files.check)

    good()
    with pytest.raises(ConfigurationError, match=r"would accept .*line-3\.pem: unsuit.* purpose"):
        bad()
