"""Both clients through a proxy that lets calls fail: one outcome for each picture, and always its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endface.files import sha256
from endface_client import AsyncClient, Client, ClientError, Job, ProtocolError, Reply, ServerError, ServerUnavailable
from endface_client.testing import FakeServer
from tests.endface_client.faulty_server import (
    BUG,
    FAULTS,
    FULL,
    HARMLESS,
    TRANSIENT,
    Fault,
    FaultyServer,
    crossed,
    dropped,
)

AskAll = Callable[..., list[Reply | ClientError]]

PICTURES = 6
BUSY_S = 30.0  # a deadline that nothing meets by accident, however busy this machine is


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyServer]:
    """A proxy in front of a server that passes every picture."""
    with FakeServer() as server, FaultyServer(server.address) as proxy:
        yield proxy


def jobs() -> list[Job]:
    """Pictures with names, each of its own bytes."""
    return [Job(b"picture %d" % index, name=str(index)) for index in range(PICTURES)]


def by_threads(address: str, **options: Any) -> list[Reply | ClientError]:
    """All at once with one Client."""

    def ask(job: Job) -> Reply | ClientError:
        try:
            return client.ask(job)
        except ClientError as exc:
            return exc

    with Client(address, profile="mm-pc", **options) as client, ThreadPoolExecutor(PICTURES) as threads:
        return list(threads.map(ask, jobs()))


def by_tasks(address: str, **options: Any) -> list[Reply | ClientError]:
    """All at once with one AsyncClient."""

    async def scenario() -> list[Any]:
        async with AsyncClient(address, profile="mm-pc", **options) as client:
            return await asyncio.gather(*map(client.ask, jobs()), return_exceptions=True)

    return asyncio.run(scenario())


@pytest.fixture(params=[by_threads, by_tasks])
def ask_all(request: pytest.FixtureRequest, faulty: FaultyServer) -> AskAll:
    """Either client on the proxy: ``ask_all(plan)`` is what comes of all pictures while these faults happen."""

    def ask(plan: Iterable[Fault], address: str = faulty.address, **options: Any) -> list[Reply | ClientError]:
        faulty.plan.clear()
        faulty.plan.extend(plan)
        faulty.seen.clear()
        outcomes: list[Reply | ClientError] = request.param(address, **{"deadline_s": BUSY_S} | options)
        return outcomes

    return ask


few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def check(outcomes: list[Reply | ClientError], faulty: FaultyServer) -> None:
    """Each picture has its own report or an error, and was tried as often as is said."""
    assert len(outcomes) == PICTURES
    for job, outcome in zip(jobs(), outcomes, strict=True):
        assert isinstance(outcome, Reply | ClientError)
        assert outcome.attempts >= faulty.seen[job.name]  # what was cut off may never have arrived
        if isinstance(outcome, Reply):
            assert outcome.report.image.sha256 == sha256(job.picture)


@few
@given(plan=st.lists(st.sampled_from(sorted(FAULTS)), max_size=12))
def test_any_faults_leave_one_outcome_for_each_picture(faulty: FaultyServer, ask_all: AskAll, plan: list[str]) -> None:
    """Whatever goes wrong, and for whichever picture: a report or an error comes, and no report is another's."""
    outcomes = ask_all([FAULTS[name] for name in plan], deadline_s=1.0)

    check(outcomes, faulty)
    lasting = sum(isinstance(outcome, ProtocolError) for outcome in outcomes)
    assert lasting <= plan.count("crossed")


@few
@given(plan=st.lists(st.sampled_from(sorted(HARMLESS | TRANSIENT)), max_size=12))
def test_no_picture_is_lost_to_what_passes(faulty: FaultyServer, ask_all: AskAll, plan: list[str]) -> None:
    """Lost connections, lost answers, dead stages, full queues: every report comes in the end."""
    outcomes = ask_all([FAULTS[name] for name in plan])

    check(outcomes, faulty)
    assert all(isinstance(outcome, Reply) for outcome in outcomes)


def test_attempts_are_counted(ask_all: AskAll) -> None:
    """Beside the report stands how often its picture was sent."""
    outcomes = ask_all([FULL] * 2)

    assert sum(outcome.attempts for outcome in outcomes) == PICTURES + 2


@pytest.mark.parametrize(("fault", "kind"), [(BUG, ServerError), (crossed, ProtocolError)])
def test_what_does_not_pass_is_not_repeated(
    faulty: FaultyServer, ask_all: AskAll, fault: Fault, kind: type[ClientError]
) -> None:
    """A stage's own failure and the report of another picture are told at once, and cost no other picture."""
    outcomes = ask_all([fault])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == sorted(
        [kind.__name__] + ["Reply"] * (PICTURES - 1)
    )
    assert set(faulty.seen.values()) == {1}


def test_nothing_is_repeated_unless_wanted(ask_all: AskAll) -> None:
    """A program that sees to failures itself gets each of them."""
    outcomes = ask_all([FULL], repeat=False)

    assert sum(isinstance(outcome, ServerUnavailable) for outcome in outcomes) == 1


def test_a_server_that_hangs_costs_no_picture(faulty: FaultyServer, ask_all: AskAll) -> None:
    """Of two servers as one target one swallows pictures: the other one inspects them in the same deadline."""
    with FakeServer() as healthy:
        outcomes = ask_all([dropped] * 2, f"{faulty.address},{healthy.address}", deadline_s=6.0)

    assert all(isinstance(outcome, Reply) for outcome in outcomes)
