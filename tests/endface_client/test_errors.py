"""The client's error tree and the table from gRPC's statuses to it."""

from __future__ import annotations

import grpc
import pytest

from endface.errors import EndfaceError
from endface_client import ClientError, InvalidRequest, Overloaded, ServerUnavailable
from endface_client._errors import _SENTENCES, BY_STATUS, call_error, refused_address
from tests.endface_client.failed_call import FailedCall

NOT_CONNECTED = "connections to all backends failing; last error: UNAVAILABLE: ipv4:127.0.0.1:8001: "


def failed(status: grpc.StatusCode, message: str) -> ClientError:
    """The error of a call to line-3:8001."""
    return call_error(FailedCall(status, message), "line-3:8001")


def test_every_status_has_its_error_and_sentence() -> None:
    """No status that a call can end with is left to chance; a refusal brings the server's own sentence."""
    assert set(BY_STATUS) == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    assert set(_SENTENCES) == {*BY_STATUS.values()} - {InvalidRequest}


def test_the_tree_hangs_on_endface() -> None:
    """One ``except EndfaceError`` catches the library's and the client's errors."""
    assert issubclass(ClientError, EndfaceError)
    assert all(issubclass(kind, ClientError) for kind in BY_STATUS.values())


@pytest.mark.parametrize(
    ("message", "code", "sentence"),
    [
        ("unknown_profile: no profile 'foo'", "unknown_profile", "no profile 'foo'"),
        ("in ensemble 'endface', bad_parameter: x: y", "bad_parameter", "x: y"),
        ("[request id: 7] in ensemble 'endface', empty_image: no bytes", "empty_image", "no bytes"),
        ("unexpected shape for input 'IMAGE'", "bad_request", "unexpected shape for input 'IMAGE'"),
        ("[request id: <id_unknown>] input byte size mismatch: 3", "bad_request", "input byte size mismatch: 3"),
    ],
)
def test_a_refusal_carries_the_servers_code(message: str, code: str, sentence: str) -> None:
    """The code before the colon becomes ``code`` whatever Triton puts in front; without one it is bad_request."""
    error = failed(grpc.StatusCode.INVALID_ARGUMENT, message)

    assert isinstance(error, InvalidRequest)
    assert (error.code, str(error)) == (code, sentence)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("[request id: <id_unknown>] Exceeds maximum queue size", Overloaded),
        ("in ensemble 'endface', Request timeout expired", Overloaded),
        ("failed to connect to all addresses", ServerUnavailable),
        ("Server is stopping, scheduler for model has stopped accepting new inference requests", ServerUnavailable),
    ],
)
def test_a_full_queue_is_told_from_a_dead_server(message: str, kind: type[ClientError]) -> None:
    """Both are UNAVAILABLE on the wire; Triton's words make the difference."""
    assert type(failed(grpc.StatusCode.UNAVAILABLE, message)) is kind


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("Connection refused", "check that an endface server runs there"),
        ("Handshake read failed (Socket closed)", "check that an endface server runs there"),
        ("Tls handshake failed: error:100000f7: WRONG_VERSION_NUMBER", "does not encrypt; give no certificates"),
        ("Tls handshake failed: CERTIFICATE_VERIFY_FAILED: certificate has expired", "renew it"),
        ("Custom verification check failed: Hostname Verification Check failed.", "--tls-server-name"),
        ("Failed parsing HTTP/2 (Expected SETTINGS frame as the first frame, got frame type 79)", "gRPC port, 8001"),
    ],
)
def test_a_connection_that_never_came_about_is_explained(reason: str, advice: str) -> None:
    """The sentence names the server, what is wrong with it or with our certificates, and what to do."""
    error = failed(grpc.StatusCode.UNAVAILABLE, NOT_CONNECTED + reason)

    assert isinstance(error, ServerUnavailable)
    assert str(error).startswith("line-3:8001 ")
    assert advice in str(error)
    assert reason in str(error)


@pytest.mark.parametrize(
    ("message", "address"),
    [
        (NOT_CONNECTED + "Socket closed", "127.0.0.1:8001"),
        (NOT_CONNECTED.replace("ipv4:127.0.0.1", "ipv6:%5B::1%5D") + "Socket closed", "[::1]:8001"),
        (NOT_CONNECTED + "Handshake read failed (Socket closed)", "127.0.0.1:8001"),
        (NOT_CONNECTED + "Failed parsing HTTP/2 (Expected SETTINGS frame as the first frame)", "127.0.0.1:8001"),
        (NOT_CONNECTED + "Tls handshake failed: error:100000f7: WRONG_VERSION_NUMBER", "127.0.0.1:8001"),
        (NOT_CONNECTED + "Connection refused", ""),
        ("Socket closed", ""),  # in the middle of a call: the server has died
    ],
)
def test_a_connection_that_ends_at_once_is_looked_at(message: str, address: str) -> None:
    """The port may be another one, or the server may want certificates."""
    assert refused_address(failed(grpc.StatusCode.UNAVAILABLE, message)) == address
