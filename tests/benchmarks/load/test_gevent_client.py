"""A station's client where gRPC uses gevent."""

from __future__ import annotations

import gc

import pytest
from tritonclient.grpc import InferenceServerClient

from benchmarks.load.gevent_client import GeventClient
from endface_client.testing import PASS, FakeServer


def test_each_connection_is_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the client is collected later: gRPC would count a channel twice, and Locust never exit."""
    closed: list[int] = []  # other tests' clients may be collected meanwhile
    close = InferenceServerClient.close

    def counted(closing: InferenceServerClient) -> None:
        closed.append(id(closing))
        close(closing)

    monkeypatch.setattr(InferenceServerClient, "close", counted)
    with FakeServer(PASS) as server:
        client = GeventClient(server.address, profile="mm-pc")
        connection = id(client._triton)
        client.inspect(b"a picture")
        client.close()
        del client
        gc.collect()

    assert closed.count(connection) == 1
