"""``inspect_connector`` of both clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from endface_client import Client, InvalidRequest, Job
from endface_client.testing import FakeServer
from tests.endface_client.connectors import connector_of

Connect = Callable[..., Client]


def test_every_fiber_of_a_picture_is_asked_for(connect: Connect, fake_server: FakeServer, pictures: Path) -> None:
    """The first request asks how many there are; the same bytes, name and serial number go with each that follows."""
    fake_server.answer = connector_of(12, failing=3)

    connector = connect(fake_server.address).inspect_connector(str(pictures / "a.png"), serial="A1", fiber_count=12)

    sent = [received.parameters for received in fake_server.requests]
    assert [fiber.verdict for fiber in connector.fibers] == ["pass", "pass", "fail", *["pass"] * 9]
    assert [fiber.fiber_number for fiber in connector.fibers] == list(range(1, 13))
    assert (connector.verdict, connector.serial) == ("fail", "A1")
    assert all(reason.startswith("fiber 3: ") for reason in connector.reasons)
    assert sorted(int(each.get("fiber", 0)) for each in sent) == list(range(13))
    assert {(each["name"], each["serial"]) for each in sent} == {("a.png", "A1")}


def test_one_picture_a_fiber_makes_a_connector_too(connect: Connect, fake_server: FakeServer, pictures: Path) -> None:
    """Jobs have settings of their own."""
    several = [Job(pictures / "a.png", profile="sm-apc"), pictures / "b.png"]

    connector = connect(fake_server.address).inspect_connector(several)

    assert [(fiber.image.name, fiber.criteria.profile) for fiber in connector.fibers] == [
        ("a.png", "sm-apc"),
        ("b.png", "mm-pc"),
    ]
    assert connector.verdict == "pass"


def test_a_fiber_that_was_not_inspected_is_an_error(connect: Connect, fake_server: FakeServer, pictures: Path) -> None:
    """There is no verdict on a part of a connector."""
    fake_server.answer = connector_of(4, failing=1, lost=2)

    with pytest.raises(InvalidRequest, match="no fiber 2"):
        connect(fake_server.address).inspect_connector(pictures / "a.png")


def test_a_fiber_may_be_named(connect: Connect, fake_server: FakeServer, pictures: Path) -> None:
    """The number travels, and comes back."""
    assert connect(fake_server.address).inspect(pictures / "a.png", fiber=3).fiber_number == 3
    with pytest.raises(InvalidRequest, match="fiber is '0'"):
        connect(fake_server.address).inspect(pictures / "a.png", fiber=0)
