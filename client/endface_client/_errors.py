"""The client's errors, and how gRPC's become them.

    EndfaceError
     +-- ClientError
          +-- UnreadablePicture     the picture argument is no readable file and no picture array; nothing was sent
          +-- InvalidRequest        the server refused the request; ``code`` says which rule
          +-- ServerUnavailable     no server could be reached, or it is going away
          |    +-- Overloaded       a server is there, but its queue is full
          +-- DeadlineExceeded      no answer within ``deadline_s``
          +-- ServerError           the server failed while it worked on the request
          +-- ProtocolError         the answer is no report, or the report of another picture

``code`` is stable and made for programs; the message is a sentence; ``__cause__`` is gRPC's own error.
"""

# ruff: noqa: N818 - these names say a state; "ServerUnavailableError" would say it twice

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote

import grpc

from endface.errors import EndfaceError


class ClientError(EndfaceError):
    """Base of all errors of the client: the picture was not inspected.

    Attributes:
        transient: whether the same picture may well be inspected a little later; the client tried that itself.
        attempts: how often the picture was sent; 0 if it was refused here.
    """

    code = "client_error"
    transient: bool = False
    attempts: int = 0

    @property
    def reason(self) -> str:
        """The message without the number of attempts, which differs between pictures that fail for the same reason."""
        return str(self).removesuffix(_tried(self.attempts))

    def count_attempts(self, attempts: int) -> None:
        """Say how often the picture was sent, in the message if it was more than once."""
        self.attempts = attempts
        if attempts > 1:
            self.args = (f"{self}{_tried(attempts)}",)


def _tried(attempts: int) -> str:
    return f"; tried {attempts} times"


class UnreadablePicture(ClientError):
    """The picture argument cannot be read: a path without a readable file, or an array that is no picture."""

    code = "unreadable_picture"


class InvalidRequest(ClientError):
    """The request is malformed; ``code`` is the server's: ``unknown_profile``, ``bad_parameter``, ``empty_image``..."""

    code = "bad_request"

    def __init__(self, message: str, code: str = code) -> None:
        super().__init__(message)
        self.code = code


class ServerUnavailable(ClientError):
    """No server could be reached, or it is starting or stopping."""

    code = "server_unavailable"
    transient = True


class Overloaded(ServerUnavailable):
    """The server's queue is full: send fewer pictures at once, or later."""

    code = "overloaded"


class DeadlineExceeded(ClientError):
    """No answer came within the client's deadline."""

    code = "deadline_exceeded"
    transient = True


class ServerError(ClientError):
    """The server failed while it worked on the request."""

    code = "server_error"


class ProtocolError(ClientError):
    """The answer is no report that this client reads, or the report of another picture."""

    code = "protocol_error"


BY_STATUS: Final[dict[grpc.StatusCode, type[ClientError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.UNAVAILABLE: ServerUnavailable,
    grpc.StatusCode.CANCELLED: ServerUnavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNKNOWN: ServerError,
    grpc.StatusCode.NOT_FOUND: ServerUnavailable,  # Triton that drains, or that serves something else
    grpc.StatusCode.ALREADY_EXISTS: ServerError,
    grpc.StatusCode.PERMISSION_DENIED: ServerError,
    grpc.StatusCode.UNAUTHENTICATED: ServerError,
    grpc.StatusCode.FAILED_PRECONDITION: ServerError,
    grpc.StatusCode.ABORTED: ServerError,
    grpc.StatusCode.OUT_OF_RANGE: ServerError,
    grpc.StatusCode.UNIMPLEMENTED: ServerError,
    grpc.StatusCode.INTERNAL: ServerError,
    grpc.StatusCode.DATA_LOSS: ServerError,
}
"""Every status that a call can end with, except OK."""

_SENTENCES: Final[dict[type[ClientError], str]] = {
    ServerUnavailable: "{servers} takes no pictures; check that an endface server runs there ({words})",
    Overloaded: "{servers} has a full queue; send fewer pictures at once, or later ({words})",
    DeadlineExceeded: "{servers} did not answer in time; allow more, or send fewer pictures at once ({words})",
    ServerError: "{servers} failed, its log says more ({words})",
}

# What gRPC says of a connection that never came about, beside "Connection refused" and the like.
_NOT_CONNECTED: Final = re.compile(r"last error: (?P<reason>.+)$", re.DOTALL)
_REASONS: Final = (
    (
        re.compile("Hostname Verification"),
        "{servers} has a certificate without the name that it is called by; call it by one that is there, or give that "
        "one as server_name (--tls-server-name) ({words})",
    ),
    (
        re.compile("CERTIFICATE_VERIFY_FAILED"),
        "{servers} has a certificate that has expired or is of another authority; renew it, or name its authority "
        "(--tls-authority) ({words})",
    ),
    (
        re.compile("WRONG_VERSION_NUMBER"),
        "{servers} does not encrypt; give no certificates, or start it with --tls-certificate ({words})",
    ),
    (
        re.compile("Failed parsing HTTP/2"),
        "{servers} does not speak gRPC; name the server's gRPC port, 8001 unless it was started with another ({words})",
    ),
)
_REFUSED: Final = re.compile(
    r"ipv[46]:(?P<address>\S+): .*(?:Socket closed|reset by peer|WRONG_VERSION_NUMBER|Failed parsing HTTP/2|http1)",
    re.DOTALL,
)

Cause: TypeAlias = Literal["http", "metrics", "certificates"]
"""What is found at an address that ends connections at once: another port of a server, or certificates wanted."""

_CAUSES: Final[dict[Cause, str]] = {
    "http": "{server} is an HTTP port; name the server's gRPC port, 8001 unless it was started with another",
    "metrics": "{server} is a port for metrics; name the server's gRPC port, 8001 unless it was started with another",
    "certificates": (
        "{server} asks for certificates; name the client's, of an authority that the server trusts "
        "(--tls-authority, --tls-certificate, --tls-key)"
    ),
}

# Triton answers UNAVAILABLE for a full queue and for a wait too long in it; gRPC does so for a dead peer.
_QUEUE_FULL: Final = re.compile(r"maximum queue size|request timeout expired", re.IGNORECASE)

# Triton puts "[request id: ...] " and "in ensemble 'endface', " before a stage's own message "code: sentence".
_TRITON_PREFIX: Final = re.compile(r"^(?:\[request id: [^\]]*\] |in ensemble '[^']*', )+")
_CODED: Final = re.compile(r"^(?P<code>[a-z]+(?:_[a-z]+)*): (?P<sentence>.+)$", re.DOTALL)


def call_error(call: Any, servers: str) -> ClientError:
    """The error for a call that failed, with gRPC's own as its cause.

    Args:
        call: a ``grpc.RpcError`` with a status and the server's message, Triton's prefixes included.
        servers: the servers as the user named them; they stand in the message.
    """
    status, words = call.code(), call.details() or "no message"
    error = _error(status, _TRITON_PREFIX.sub("", words))
    if not isinstance(error, InvalidRequest):
        error.args = (_sentence(error).format(servers=servers, words=error),)
    error.__cause__ = call
    return error


def _error(status: grpc.StatusCode, text: str) -> ClientError:
    kind = BY_STATUS[status]
    if kind is InvalidRequest:
        coded = _CODED.match(text)
        return InvalidRequest(coded["sentence"], coded["code"]) if coded else InvalidRequest(text)
    if kind is ServerUnavailable and _QUEUE_FULL.search(text):
        kind = Overloaded
    error = kind(text)
    if status is grpc.StatusCode.INTERNAL and not _CODED.match(text):
        error.transient = True  # not a stage's word: Triton lost the stage's process, or is ending
    return error


def _sentence(error: ClientError) -> str:
    """What is wrong and what to do; of a connection that never came about, why."""
    failed = _NOT_CONNECTED.search(str(error))
    fitting = (sentence for pattern, sentence in _REASONS if failed and pattern.search(failed["reason"]))
    return next(fitting, _SENTENCES[type(error)])


def refused_address(error: ClientError) -> str:
    """The address that ended the connection at once, or is of another protocol; empty if none did."""
    failed = _NOT_CONNECTED.search(_words(error))
    refused = failed and _REFUSED.search(failed["reason"])
    return unquote(refused["address"]) if refused else ""


def explain(error: ClientError, cause: Cause, server: str) -> None:
    """Make a cause that does not pass an error's message."""
    error.args = (_CAUSES[cause].format(server=server),)
    error.transient = False


def _words(error: ClientError) -> str:
    """The message of gRPC; empty where the error is not gRPC's."""
    call = error.__cause__
    return str(call.details()) if isinstance(call, grpc.RpcError) else ""
