"""A station's client where gRPC uses gevent."""

from __future__ import annotations

import gc

import pytest
from tritonclient.grpc import InferenceServerClient

from benchmarks.gevent_client import GeventClient
from endface_client.testing import PASS, FakeServer


def test_each_connection_is_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the client is collected later: gRPC would count a channel twice, and Locust never exit."""
    closings: list[None] = []
    close = InferenceServerClient.close

    def counted(connection: InferenceServerClient) -> None:
        closings.append(None)
        close(connection)

    monkeypatch.setattr(InferenceServerClient, "close", counted)
    with FakeServer(PASS) as server:
        client = GeventClient(server.address, profile="mm-pc")
        client.inspect(b"a picture")
        client.close()
        del client
        gc.collect()

    assert len(closings) == 1
