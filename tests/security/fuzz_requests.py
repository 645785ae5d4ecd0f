"""Damaged and hostile requests to a real Triton, as any station may send them; several are always under way.

    python -m tests.security.fuzz_requests --requests 100000

A finding is a request that ends a process of the server, ends in anything but a result or a typed refusal, or takes
more than a second: what took longer while others were under way is asked again alone, for a crowded machine is no
finding.  It is kept as a file.  Exit status 1 if there is any.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
from tritonclient.grpc import service_pb2 as wire

from endface import contract
from endface.report import Report
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from tests.security import wire_mutations
from tests.security.campaign import Campaign, Outcome, Tally
from tests.security.wire_mutations import INFER, SERVICE, STREAM, Asked
from tests.servers import free_ports

Series = Callable[[int, int], Asked]
"""Requests by seed and number."""

Numbered = Callable[[int], Asked]
"""Requests of one seed by their number."""

LIMIT_S: Final = 1.0
"""How long a request may take that is asked alone."""

DEADLINE_S: Final = 60.0
"""After which a call is given up; then it hangs."""

TRIES: Final = 5
"""A request that took too long is asked alone so many times, and judged by the shortest."""

_POLL_S: Final = 0.1

_FULL: Final = "the queue is full"
"""Refusal of a request that nobody has looked at."""

_REPOSITORY: Final = Path(__file__).parents[2] / "model_repository"

_REFUSALS: Final = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""How a request to the ensemble may be refused; one to a stage behind its back may also say INTERNAL.

Resources are exhausted where Triton's sentence repeats a request's long name: our own gRPC does not take so much.
"""

_OURS: Final = re.compile(r"(empty_image|oversized_image|unknown_profile|bad_parameter): ")


def ask(channel: grpc.Channel, number: int, asked: Asked) -> Outcome:
    """Send one request and judge its answer; where the queue is full it has not been tried, and is sent again."""
    ends_s = time.monotonic() + DEADLINE_S
    while (outcome := _ask_once(channel, number, asked)).code == _FULL and time.monotonic() < ends_s:
        time.sleep(_POLL_S)
    return outcome


def _ask_once(channel: grpc.Channel, number: int, asked: Asked) -> Outcome:
    began_s = time.monotonic()
    packing = grpc.Compression.Gzip if asked.is_packed else None
    try:
        if asked.method == STREAM:
            calls = channel.stream_stream(f"/{SERVICE}/{STREAM}")
            answers = list(calls(iter([asked.data]), timeout=DEADLINE_S, compression=packing))
            code = _judged_stream(answers)
        else:
            answer = channel.unary_unary(f"/{SERVICE}/{asked.method}")(
                asked.data, timeout=DEADLINE_S, compression=packing
            )
            code = _judged(wire.ModelInferResponse.FromString(answer)) if asked.method == INFER else "answered"
        is_finding = False
    except grpc.RpcError as exc:
        code, is_finding = _refused(asked, exc)
    except Exception as exc:  # an answer that is none: whatever it is, it is a finding, told in its own words
        code, is_finding = repr(exc), True
    return Outcome(number, code, time.monotonic() - began_s, is_finding)


def _judged_stream(answers: list[bytes]) -> str:
    responses = [wire.ModelStreamInferResponse.FromString(answer) for answer in answers]
    assert not any("Traceback" in response.error_message for response in responses)
    for response in responses:
        if not response.error_message:
            return _judged(response.infer_response)
    return "refused in the stream" if responses else "nothing in the stream"


def _judged(response: wire.ModelInferResponse) -> str:
    """Reads the report, if there is one."""
    contents = dict(zip((output.name for output in response.outputs), response.raw_output_contents, strict=False))
    content = contents.get(contract.REPORT.name)
    if content is None:
        return "answered without a report"
    (length,) = struct.unpack_from("<I", content)
    report = Report.from_json(content[4 : 4 + length].decode())
    assert (report.verdict == "invalid") == (report.error is not None)
    return report.error.code if report.error else "judged"


def _refused(asked: Asked, error: Any) -> tuple[str, bool]:
    """The refusal in a word, and whether it is a finding."""
    status, details = error.code(), str(error.details())
    if "maximum queue size" in details:
        return _FULL, False
    ours = _OURS.search(details)
    code = ours[1] if ours else status.name
    if "Traceback" in details or status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return code, True
    is_fault = status is not grpc.StatusCode.INTERNAL or not _may_be_internal(asked)
    return code, status not in _REFUSALS and is_fault


def _may_be_internal(asked: Asked) -> bool:
    """Whether the message was none, or went to a stage that only the ensemble should ask."""
    if not asked.is_whole or asked.method not in (INFER, STREAM):
        return True
    return wire.ModelInferRequest.FromString(asked.data).model_name != contract.ENSEMBLE.name


class Server:
    """A Triton as a line runs it, open to other machines, that is started anew when a request has ended a process."""

    def __init__(self) -> None:
        self._server: EmbeddedServer | None = None
        self.channel: grpc.Channel | None = None

    def start(self) -> grpc.Channel:
        """Start it, after the former is stopped."""
        self.stop()
        self._server = EmbeddedServer(Settings(_REPOSITORY, host="0.0.0.0", **free_ports()))
        self._server.start()
        self._server.wait_ready(180)
        self.channel = grpc.insecure_channel(self._server.grpc_address)
        return self.channel

    def stop(self) -> None:
        """Harmless when it does not run."""
        if self.channel:
            self.channel.close()
        if self._server:
            self._server.kill()
        self.channel = self._server = None

    def losses(self) -> str:
        """What has ended of it; nothing where all is well."""
        assert self._server is not None
        deadline_s = time.monotonic() + DEADLINE_S
        while not self._server.is_ready():  # its connections end before it does
            if self._server.has_ended():
                return "the server ended"
            if time.monotonic() > deadline_s:
                return "the server does not answer"
            time.sleep(_POLL_S)
        missing = self._server.processes.missing()
        return f"ended: {', '.join(missing)}" if missing else ""


def run(tally: Tally, numbers: range, server: Server, workers: int, series: Series = wire_mutations.asked) -> None:
    """Ask a part of a series, and find who ended a process if one did."""
    channel = server.channel or server.start()
    asked = partial(series, tally.seed)
    outcomes = list(_together(channel, asked, numbers, workers))
    loss = server.losses()
    if loss:
        outcomes = list(_one_by_one(server, asked, numbers, loss))
        channel = server.start()
    for outcome in outcomes:
        is_slow = outcome.seconds > LIMIT_S and not outcome.is_finding
        tally.add(_alone(channel, asked(outcome.number), outcome) if is_slow else outcome)


def _together(channel: grpc.Channel, asked: Numbered, numbers: range, workers: int) -> Iterator[Outcome]:
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda number: ask(channel, number, asked(number)), numbers)


def _one_by_one(server: Server, asked: Numbered, numbers: range, loss: str) -> Iterator[Outcome]:
    """Each alone; where none of them does it again, the last one stands for all."""
    channel, is_found = server.start(), False
    for number in numbers:
        outcome = ask(channel, number, asked(number))
        if again := server.losses():
            outcome, is_found = replace(outcome, code=again, is_finding=True), True
            channel = server.start()
        if number == numbers[-1] and not is_found:
            outcome = replace(outcome, code=f"{loss}, by several together", is_finding=True)
        yield outcome


def _alone(channel: grpc.Channel, asked: Asked, outcome: Outcome) -> Outcome:
    """What becomes of one that took too long; a finding among its tries counts, however quick the others were."""
    again = [ask(channel, outcome.number, asked) for _ in range(TRIES)]
    if found := [each for each in again if each.is_finding]:
        return found[0]
    fastest = min(again, key=lambda each: each.seconds)
    return replace(fastest, is_finding=True, code="hang") if fastest.seconds > LIMIT_S else fastest


CAMPAIGN: Final = Campaign(
    "tests.security.fuzz_requests",
    "Damaged and hostile requests to a real Triton",
    "requests",
    500,  # then the server's processes are counted; who ended one is looked for among them
    4 * (os.cpu_count() or 1),
    lambda seed, number: wire_mutations.asked(seed, number).data,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    server = Server()
    try:
        return CAMPAIGN.main(lambda tally, numbers, workers: run(tally, numbers, server, workers), arguments)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
