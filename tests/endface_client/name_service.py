"""A name service whose addresses change as pods come and go: DNS over UDP, as gRPC asks it.

with NameService("endface.line") as names:
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    Client(names.target(8001)).inspect("face.png")
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any, Final, Self

_IPV4: Final = 1  # RFC 1035, section 3.2.2
_HEADER_BYTES: Final = 12
_ANSWERED: Final = 0x8580  # section 4.1.1: a response, authoritative, recursion available, no error
_NAME_OF_THE_QUESTION: Final = 0xC000 | _HEADER_BYTES  # section 4.1.4: where it stands in the message


class NameService:
    """Answers every question for IPv4 addresses with ``addresses``, and every other one with none.

    Args:
        name: the name that it stands for.

    Attributes:
        addresses: may be changed while it runs.
        asked: how many questions for IPv4 addresses came so far.
    """

    def __init__(self, name: str) -> None:
        self.addresses: list[str] = []
        self.asked = 0
        self._name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, name="name-service")

    def __enter__(self) -> Self:
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def target(self, port: int) -> str:
        """The name with a port, as gRPC takes it, and this service to ask for it."""
        return f"dns://127.0.0.1:{self._socket.getsockname()[1]}/{self._name}:{port}"

    def getaddrinfo(self, host: str, port: str, *_: object) -> list[Any]:
        """Look up a name as ``socket.getaddrinfo`` does."""
        self.asked += 1
        if not self.addresses:
            raise socket.gaierror(f"{host} is unknown")
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        return [(*kind, (address, int(port))) for address in self.addresses]

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", _HEADER_BYTES) + 5  # the name's last label, its type and its class
        (kind,) = struct.unpack(">H", question[end - 4 : end - 2])
        found = self.addresses if kind == _IPV4 else []
        self.asked += kind == _IPV4
        header = question[:2] + struct.pack(">5H", _ANSWERED, 1, len(found), 0, 0)
        records = (
            struct.pack(">3HIH", _NAME_OF_THE_QUESTION, _IPV4, 1, 0, 4) + socket.inet_aton(each) for each in found
        )
        return header + question[_HEADER_BYTES:end] + b"".join(records)
