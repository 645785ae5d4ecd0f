"""The client's error tree and the table from gRPC's statuses to it."""

from __future__ import annotations

import grpc
import pytest
from tritonclient.utils import InferenceServerException

from endface.errors import EndfaceError
from endface_client import ClientError, InvalidRequest, Overloaded, ServerError, ServerUnavailable
from endface_client._errors import _SENTENCES, BY_STATUS, client_error, translated


def test_every_status_has_its_error():
    """No status that a call can end with is left to chance."""
    assert set(BY_STATUS) == set(grpc.StatusCode) - {grpc.StatusCode.OK}


def test_the_tree_hangs_on_endface():
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
def test_a_refusal_carries_the_servers_code(message, code, sentence):
    """The code before the colon becomes ``code`` whatever Triton puts in front; without one it is bad_request."""
    error = client_error("StatusCode.INVALID_ARGUMENT", message)

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
def test_a_full_queue_is_told_from_a_dead_server(message, kind):
    """Both are UNAVAILABLE on the wire; Triton's words make the difference."""
    assert type(client_error("StatusCode.UNAVAILABLE", message)) is kind


def test_a_refusal_without_a_status_is_a_server_error():
    """What tritonclient refuses by itself has no status and still becomes a ClientError with its cause."""
    with pytest.raises(ServerError, match=r"line-3:8001 failed, .*odd") as caught, translated("line-3:8001"):
        raise InferenceServerException("odd")

    assert isinstance(caught.value.__cause__, InferenceServerException)


def test_every_error_of_a_call_says_what_to_do():
    """Each class that a status maps to has its sentence; a refusal brings the server's own."""
    assert set(_SENTENCES) == {*BY_STATUS.values()} - {InvalidRequest}


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("Connection refused", "check that an endface server runs there"),
        ("Socket closed", "--tls-certificate, --tls-key"),
        ("Tls handshake failed (TSI_PROTOCOL_FAILURE)", "--tls-certificate, --tls-key"),
        ("Tls handshake failed: error:100000f7: WRONG_VERSION_NUMBER", "leave the certificates away"),
        ("Tls handshake failed: CERTIFICATE_VERIFY_FAILED: certificate has expired", "renew it"),
        ("Custom verification check failed: Hostname Verification Check failed.", "--tls-server-name"),
    ],
)
def test_a_connection_that_never_came_about_is_explained(reason, advice):
    """Most such riddles are about certificates: the sentence says whose, and what to do."""
    words = f"connections to all backends failing; last error: UNAVAILABLE: ipv4:127.0.0.1:8001: {reason}"
    with pytest.raises(ServerUnavailable) as caught, translated("line-3:8001"):
        raise InferenceServerException(words, "StatusCode.UNAVAILABLE")

    assert advice in str(caught.value)
    assert reason in str(caught.value)


def test_a_connection_that_breaks_is_no_matter_of_certificates():
    """A server that dies in the middle closes its socket, too."""
    with pytest.raises(ServerUnavailable, match="check that an endface server runs there"), translated("line-3:8001"):
        raise InferenceServerException("Socket closed", "StatusCode.UNAVAILABLE")
