"""endface_client: sends end-face pictures to endface servers and brings typed reports back."""

from endface_client._async import AsyncClient
from endface_client._errors import (
    ClientError,
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    ProtocolError,
    ServerError,
    ServerUnavailable,
    UnreadablePicture,
)
from endface_client._record import Record
from endface_client._record_entry import RecordBroken, RecordError
from endface_client._sync import Client
from endface_client._tls import TLS
from endface_client._wire import Job, Reply

__all__ = [
    "TLS",
    "AsyncClient",
    "Client",
    "ClientError",
    "DeadlineExceeded",
    "InvalidRequest",
    "Job",
    "Overloaded",
    "ProtocolError",
    "Record",
    "RecordBroken",
    "RecordError",
    "Reply",
    "ServerError",
    "ServerUnavailable",
    "UnreadablePicture",
]
