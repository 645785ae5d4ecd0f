"""Shared memory for pictures: whom it belongs to, how it is lent, what is left of it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tritonclient.utils import deserialize_bytes_tensor

from endface_client import _region
from endface_client._region import FOLDER, FreeList, Region, is_left_over, tensor_bytes, unlink_left_overs

PAGE = 4096


@pytest.fixture
def region() -> Iterator[Region]:
    """A region whose name is still there."""
    made = Region(PAGE)
    yield made
    made.unlink()


def test_a_picture_is_laid_out_as_a_tensor(region):
    """What another process maps under the name is the BYTES tensor that Triton reads, whatever lay there before."""
    region.write(b"a longer picture than the next")
    region.write(b"picture\0")
    content = (FOLDER / region.name).read_bytes()[: tensor_bytes(b"picture\0")]

    assert deserialize_bytes_tensor(content).tolist() == [b"picture\0"]


def test_nobody_else_may_read_it(region):
    """The object belongs to this user alone, and no two have one name."""
    assert stat.S_IMODE((FOLDER / region.name).stat().st_mode) == 0o600
    assert Region(PAGE).name != region.name


def test_without_its_name_nothing_is_left(region):
    """After unlink the memory can be written still, and /dev/shm holds nothing of it."""
    region.unlink()
    region.write(b"a picture")

    assert not (FOLDER / region.name).exists()


def test_memory_that_is_not_there_is_not_promised():
    """More than half of what is free is refused instead of taken from the server's own processes."""
    disk = os.statvfs(FOLDER)
    with pytest.raises(OSError, match="too full"):
        Region(disk.f_bavail * disk.f_frsize // 2 + PAGE)


def test_a_living_region_is_nobodys_left_over(region):
    """What a client of this process will use again stays."""
    assert not is_left_over(region.name)


def test_what_garbage_held_is_left_over():
    """A client that was dropped without close leaves nothing that looks alive."""
    regions = FreeList()
    name = regions.take(PAGE).name
    (FOLDER / name).unlink()
    del regions

    assert is_left_over(name)


def test_what_a_dead_process_held_is_left_over():
    """The name says who made it, and that it has ended."""
    script = "from endface_client._region import Region; print(Region(4096).name)"
    name = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert (FOLDER / name).exists()  # it ended before anybody took the name away
    unlink_left_overs()

    assert is_left_over(name)
    assert not (FOLDER / name).exists()


def test_what_another_living_process_holds_is_not():
    """Clients side by side leave each other's regions alone."""
    script = (
        "from endface_client._region import Region; r = Region(4096); r.unlink(); print(r.name, flush=True); input()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        name = process.stdout.readline().strip()
        left_over = is_left_over(name)
        process.communicate("\n")

    assert not left_over
    assert is_left_over(name)


@pytest.mark.parametrize(
    "name",
    ["weights", "endface_picture-", f"endface_picture-1-{os.getpid()}-1-{'0' * 32}"],
    ids=["somebody's", "half a name", "another namespace's"],
)
def test_what_is_not_ours_is_left_alone(name):
    """Regions of other programs, and of processes that cannot be seen from here, are not for us to judge."""
    assert not is_left_over(name)


class Lending(RuleBasedStateMachine):
    """Calls that take regions of any size and end in any order, well or not."""

    def __init__(self) -> None:
        super().__init__()
        self.regions = FreeList()
        self.lent: list[Region] = []
        self.free: list[Region] = []
        self.dropped: list[Region] = []

    @rule(size=st.integers(1, 5 * PAGE))
    def take(self, size):
        """The smallest free one that fits, or a new one that is less than twice too large."""
        region = self.regions.take(size)
        fitting = [free.size for free in self.free if free.size >= size]
        if fitting:
            assert region.size == min(fitting)
            self.free.remove(region)
        else:
            region.unlink()
            assert size <= region.size < 2 * size
            assert region not in self.lent + self.free + self.dropped
        self.lent.append(region)

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def put(self, data):
        """A call ended with its report."""
        region = self.lent.pop(data.draw(st.integers(0, len(self.lent) - 1)))
        self.regions.put(region)
        self.free.append(region)

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def drop(self, data):
        """A call ended otherwise."""
        self.dropped.append(self.lent.pop(data.draw(st.integers(0, len(self.lent) - 1))))
        self.regions.drop(self.dropped[-1])

    @rule()
    def clear(self):
        """The server was started anew; the calls under way end later."""
        held = self.lent + self.free
        assert self.regions.clear() == bool(held)
        for region in self.lent:
            self.regions.put(region)
        self.dropped += held
        self.lent, self.free = [], []

    @invariant()
    def what_is_dropped_looks_so(self):
        """The server may forget a dropped region, and no other."""
        assert all(is_left_over(region.name) for region in self.dropped)
        assert not any(is_left_over(region.name) for region in self.lent + self.free)


LendingTest = Lending.TestCase
LendingTest.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_a_client_takes_no_more_than_its_share(monkeypatch):
    """Beyond the limit there is no region, until one is free or dropped."""
    monkeypatch.setattr(_region, "LARGEST_TOTAL_BYTES", 3 * PAGE)
    regions = FreeList()
    one, two = regions.take(2 * PAGE), regions.take(PAGE)
    for region in (one, two):
        region.unlink()

    assert regions.take(PAGE) is None
    regions.put(one)
    assert regions.take(PAGE) is one
    regions.drop(one)
    three = regions.take(2 * PAGE)
    three.unlink()
    assert three not in (one, two)
