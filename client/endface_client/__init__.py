"""endface_client: sends end-face pictures to endface servers and brings typed reports back."""

from endface.connector import ConnectorReport
from endface_client._async_client import AsyncClient
from endface_client._client import Client
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
from endface_client._transport.tls import TLS
from endface_client._transport.wire import Job, Reply
from endface_client.record.entry import RecordBroken, RecordError
from endface_client.record.record import Record

__all__ = [
    "TLS",
    "AsyncClient",
    "Client",
    "ClientError",
    "ConnectorReport",
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
