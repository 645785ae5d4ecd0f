"""What a server does for those who should, and does not do for those who should not, reach it."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psutil
import pytest
import tritonclient.grpc
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from endface import contract
from endface.backend import warmup
from endface.health.canary import Canary, CanaryOutcome
from endface.server.process import EmbeddedServer
from endface_client import TLS, Client, ServerUnavailable
from tests.unchecked_tls import Unchecked

pytestmark = pytest.mark.triton

ELSEWHERE = "127.0.0.2"
"""An address of this machine that is not the one that the server's local services listen on."""

ADMINISTRATION: dict[str, dict[str, Any]] = {
    "load_model": {"model_name": "segment"},
    "unload_model": {"model_name": "endface"},
    "get_model_repository_index": {},
    "get_trace_settings": {},
    "update_trace_settings": {"settings": {"trace_rate": "1"}},
    "get_log_settings": {},
    "update_log_settings": {"settings": {"log_verbose_level": 2}},
    "get_system_shared_memory_status": {},
    "register_system_shared_memory": {"name": "a", "key": "/a", "byte_size": 8},
    "unregister_system_shared_memory": {},
    "get_cuda_shared_memory_status": {},
    "get_inference_statistics": {},
}

HTTP_ADMINISTRATION = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/endface/unload"),
    ("POST", "/v2/repository/models/segment/load"),
    ("POST", "/v2/trace/setting"),
    ("POST", "/v2/logging"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/a/register"),
    ("GET", "/v2/models/endface/stats"),
]


@pytest.fixture(scope="module")
def raw(line_server: EmbeddedServer, tls: Callable[..., TLS]) -> Iterator[Any]:
    """A station's plain tritonclient."""
    with tritonclient.grpc.InferenceServerClient(
        line_server.grpc_address, creds=tls("station").credentials()
    ) as client:
        yield client


def call(address: str, method: str, path: str) -> tuple[int, str]:
    """Status and text of an answer to an HTTP request without the secret."""
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        connection.request(method, path, body=b"{}" if method == "POST" else None)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_only_grpc_is_open_to_other_machines(line_server: EmbeddedServer) -> None:
    """HTTP, which knows no TLS, and the metrics answer on the loopback's own address alone."""
    settings = line_server.settings
    socket.create_connection((ELSEWHERE, settings.grpc_port), timeout=10).close()
    for port in (settings.http_port, settings.metrics_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((ELSEWHERE, port), timeout=10)
        socket.create_connection(("127.0.0.1", port), timeout=10).close()


def test_station_is_served(station: Client, encode: Callable[..., bytes], face: NDArray[Any]) -> None:
    """With a certificate of the line, whatever the picture's format."""
    reports = [station.inspect(encode(face, ending)) for ending in (".png", ".bmp")]

    assert [report.verdict for report in reports] == ["pass", "pass"]


@pytest.mark.parametrize(
    "name",
    [None, "", "stranger", "former"],
    ids=["in the clear", "no certificate", "another authority's", "expired"],
)
def test_strangers_are_not_served(line_server: EmbeddedServer, tls: Callable[..., TLS], name: str | None) -> None:
    """Whoever does not encrypt, or has no certificate of the line that is valid now, has no picture inspected."""
    shown = None if name is None else Unchecked(**vars(tls(name)))
    before = line_server.control.successes()
    with (
        Client(line_server.grpc_address, profile="mm-pc", tls=shown, deadline_s=30) as client,
        pytest.raises(ServerUnavailable, match="asks for certificates; name the client's"),
    ):
        client.health()
    assert line_server.control.successes() == before


def test_idle_connections_keep_nobody_out(line_server: EmbeddedServer, station: Client) -> None:
    """Hundreds of connections that say nothing cost a descriptor each; stations are served all the same."""
    address = (ELSEWHERE, line_server.settings.grpc_port)
    with ExitStack() as idle:
        for _ in range(300):
            idle.enter_context(socket.create_connection(address, timeout=10))
        station.health()


def test_server_watches_itself_behind_mutual_tls(line_server: EmbeddedServer) -> None:
    """Readiness, statistics and the canary need no certificate: they stay on the machine."""
    settings = line_server.settings
    picture = settings.repository / contract.PREPROCESS.name / warmup.PICTURE
    canary = Canary(line_server.addresses.local_http, settings.http_port, picture.read_bytes())
    before = line_server.control.successes()
    canary.ask()
    answer = canary.answer(30)

    assert line_server.is_ready()
    assert answer is not None
    assert answer.outcome is CanaryOutcome.REPORT
    assert before is not None
    assert (line_server.control.successes() or 0) > before


@pytest.mark.parametrize("method", ADMINISTRATION)
def test_stations_do_not_administer(raw: Any, method: str) -> None:
    """A certificate lets pictures in, nothing else: models, logs, traces and shared memory take the secret."""
    with pytest.raises(InferenceServerException, match="protocol is restricted"):
        getattr(raw, method)(**ADMINISTRATION[method])


@pytest.mark.parametrize("value", ["", "fedcba9876543210fedcba987654321"])
def test_wrong_secret_opens_nothing(raw: Any, value: str) -> None:
    """Not even a part of the right one."""
    with pytest.raises(InferenceServerException, match="protocol is restricted"):
        raw.get_model_repository_index(headers={"triton-grpc-protocol-endface-control": value})


def test_secret_opens_the_administration(raw: Any, secret: str) -> None:
    """Whoever has the file can list and load models."""
    models = raw.get_model_repository_index(headers={"triton-grpc-protocol-endface-control": secret}, as_json=True)

    assert {model["name"] for model in models["models"]} == {model.name for model in contract.MODELS}


@pytest.mark.parametrize(("method", "path"), HTTP_ADMINISTRATION)
def test_programs_on_the_machine_do_not_administer(line_server: EmbeddedServer, method: str, path: str) -> None:
    """HTTP on the loopback asks for the secret as well."""
    assert call(line_server.http_address, method, path)[0] == http.client.FORBIDDEN


def test_secret_is_in_no_log(line_server: EmbeddedServer, raw: Any, secret: str) -> None:
    """Neither what the server wrote at its start nor what it writes about a refused request holds it."""
    with pytest.raises(InferenceServerException):
        raw.infer("endface", [])

    assert [line for line in line_server.log if secret in line] == []


@pytest.mark.usefixtures("line_server")
def test_secret_stands_on_the_command_line(secret: str) -> None:
    """Triton takes it in no other way: users of the machine can see it.  SECURITY.md says so, and what helps."""
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]

    assert any(secret in command and "tritonserver" in command for command in commands)


def test_metrics_tell_no_secret(line_server: EmbeddedServer, secret: str) -> None:
    """What Prometheus may read are numbers."""
    _, text = call(line_server.metrics_address, "GET", "/metrics")

    assert "nv_inference_request_success" in text
    assert secret not in text


def test_refused_picture_leaves_no_trace(station: Client, line_server: EmbeddedServer) -> None:
    """Damaged bytes become a report that says so; the log does not grow with them."""
    lines, count = len(line_server.log), 20
    reports = [station.inspect(b"\x89PNG\r\n\x1a\n" + bytes(1000)) for _ in range(count)]

    assert {report.verdict for report in reports} == {"invalid"}
    assert {report.error.code for report in reports if report.error} == {"undecodable"}
    assert len(line_server.log) - lines < count
