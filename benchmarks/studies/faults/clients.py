"""Clients that misbehave beside a line's stations, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.synchronize import Event
from typing import Final

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from benchmarks.common.pictures import draw
from benchmarks.studies.line.machine import ServingMachine
from endface import contract
from endface_client import Client, ClientError

Work = Callable[[str, str, bytes], None]
"""What a thread does, given the server, the profile and a picture."""

_THREADS: Final = 8
_SECONDS: Final = 10.0
"""How long clients give up, one call after the other."""

_DEADLINES_S: Final = (0.05, 0.5)
"""How long such a client waits: from less than a picture takes to what a queue of some stations takes."""

_KILLS: Final = 10
_UNDER_WAY_S: Final = 0.3
"""How long a client has worked with all of its calls under way when it is killed."""

_START_S: Final = 60.0


def give_up(machine: ServingMachine) -> None:
    """Our client in eight threads, whose deadlines pass while pictures are under way."""
    _beside(_give_up, machine).join()


def cancel(machine: ServingMachine) -> None:
    """A foreign client in eight threads, which cancels what takes too long, as gRPC does by itself at a deadline."""
    _beside(_cancel, machine).join()


def be_killed(machine: ServingMachine) -> None:
    """Our client with eight calls under way is killed, again and again."""
    for _ in range(_KILLS):
        client = _beside(_work, machine)
        time.sleep(_UNDER_WAY_S)
        client.kill()
        client.join()


def _beside(work: Work, machine: ServingMachine) -> multiprocessing.process.BaseProcess:
    """A process that does so in each of its threads, and has begun."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit gRPC's threads
    begun = context.Event()
    process = context.Process(target=_in_threads, args=(work, machine.server, machine.profile, begun), daemon=True)
    process.start()
    begun.wait(_START_S)
    return process


def _in_threads(work: Work, server: str, profile: str, begun: Event) -> None:
    ((_, picture),) = draw(1, profile)
    with ThreadPoolExecutor(_THREADS) as pool:
        threads = [pool.submit(work, server, profile, picture) for _ in range(_THREADS)]
        begun.set()
        for thread in threads:
            thread.result()


def _give_up(server: str, profile: str, picture: bytes) -> None:
    ends_s = time.monotonic() + _SECONDS
    while time.monotonic() < ends_s:
        with Client(server, profile=profile, deadline_s=random.uniform(*_DEADLINES_S)) as client:
            for _ in range(_THREADS):
                with suppress(ClientError):
                    client.inspect(picture)


def _cancel(server: str, profile: str, picture: bytes) -> None:
    image = InferInput(contract.IMAGE.name, [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[picture]], np.object_))
    client = InferenceServerClient(server)
    ends_s = time.monotonic() + _SECONDS
    while time.monotonic() < ends_s:
        with suppress(InferenceServerException):
            timeout_s = random.uniform(*_DEADLINES_S)
            client.infer(contract.ENSEMBLE.name, [image], parameters={"profile": profile}, client_timeout=timeout_s)
    client.close()


def _work(server: str, profile: str, picture: bytes) -> None:
    with Client(server, profile=profile) as client:
        while True:
            with suppress(ClientError):
                client.inspect(picture)
