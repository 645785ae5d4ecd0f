"""Threads for calls that block."""

from __future__ import annotations

import queue
import threading

import pytest

from endface_client import Client
from endface_client._transport.call_threads import CallThreads
from endface_client.testing import FakeServer

LONG_S = 60.0


def test_calls_one_after_the_other_take_one_thread() -> None:
    """The thread that has ended a call takes the next one."""
    threads, names = CallThreads(), set()
    for _ in range(20):
        threads.run(lambda: names.add(threading.get_ident()))
        threads.wait(LONG_S)

    assert len(names) == 1


def test_calls_at_once_do_not_wait_for_each_other() -> None:
    """Each has a thread of its own; none could pass the barrier alone."""
    threads, barrier = CallThreads(), threading.Barrier(8, timeout=LONG_S)
    passed: queue.SimpleQueue[int] = queue.SimpleQueue()
    for _ in range(2):
        for _ in range(8):
            threads.run(lambda: passed.put(barrier.wait()))
        threads.wait(LONG_S)

    assert sorted(passed.get(timeout=LONG_S) for _ in range(16)) == sorted(2 * [*range(8)])


def test_a_call_is_waited_for_no_longer_than_asked() -> None:
    """A server that never answers does not keep a program."""
    threads, gate, ended = CallThreads(), threading.Event(), threading.Event()

    def call() -> None:
        gate.wait(LONG_S)
        ended.set()

    threads.run(call)
    threads.wait(0.01)
    assert not ended.is_set()

    gate.set()
    threads.wait(LONG_S)
    assert ended.is_set()


def test_a_call_that_raises_costs_the_next_one_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread ends and is heard, and the next call gets another one."""
    told: queue.SimpleQueue[threading.ExceptHookArgs] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", told.put)

    def fail() -> None:
        raise ValueError("a call that raises")

    threads, ended = CallThreads(), threading.Event()
    threads.run(fail)
    threads.wait(LONG_S)
    threads.run(ended.set)

    assert ended.wait(LONG_S)
    assert told.get(timeout=LONG_S).exc_type is ValueError


def test_a_thread_without_calls_ends_and_none_is_lost() -> None:
    """Calls that come just as threads give up are taken by them or by new ones."""
    threads, done = CallThreads(idle_s=0.001), queue.SimpleQueue[int]()
    for number in range(300):
        threads.run(lambda number=number: done.put(number))  # type: ignore[misc]
        if number % 3 == 0:
            threading.Event().wait(0.001)
    threads.wait(LONG_S)

    assert sorted(done.get(timeout=LONG_S) for _ in range(300)) == [*range(300)]


def test_a_station_s_pictures_do_not_take_a_thread_each(fake_server: FakeServer) -> None:
    """A thread for each picture costs more than all else that a client does."""
    before = {each for each in threading.enumerate() if each.name == "endface-call"}
    with Client(fake_server.address, profile="mm-pc") as client:
        for number in range(20):
            client.inspect(b"%d" % number)

    after = {each for each in threading.enumerate() if each.name == "endface-call"}
    assert len(after - before) <= 2  # the answer comes a moment before its thread is free again
