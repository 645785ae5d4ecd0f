"""What a client says about shared memory, against a server that is played here word by word."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from tritonclient.utils import InferenceServerException

from endface_client import Job, _shared_memory
from endface_client._region import FOLDER
from endface_client._shared_memory import SMALLEST_PICTURE_BYTES, SharedMemory, is_near
from endface_client._transport.steps import Question, hold
from endface_client._transport.wire import pack

BIG = bytes(SMALLEST_PICTURE_BYTES)
HERE = "127.0.0.1:8001"
RESULT = object()


class Played:
    """A server that maps regions; what it is asked is kept.

    Attributes:
        methods: what was asked, in order.
        regions: names that it has mapped.
        refuses: an error for each method that fails.
    """

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.regions: set[str] = set()
        self.refuses: dict[str, Exception] = {}

    def answer(self, question: Question) -> Any:
        """One answer."""
        self.methods.append(question.method)
        if question.method in self.refuses:
            raise self.refuses[question.method]
        return getattr(self, question.method)(**question.arguments)

    def get_system_shared_memory_status(self, **_: Any) -> Any:
        """What is mapped."""
        return SimpleNamespace(regions=dict.fromkeys(self.regions))

    def register_system_shared_memory(self, name: str, key: str, **_: Any) -> None:
        """Map a region, which must be there under its key."""
        assert (FOLDER / key.removeprefix("/")).exists()
        self.regions.add(name)

    def unregister_system_shared_memory(self, name: str, **_: Any) -> None:
        """Forget a region."""
        self.regions.remove(name)

    def infer(self, inputs: Any, **_: Any) -> Any:
        """Inspect, from a region that is known, or from the request itself."""
        tensor = inputs[0]._get_tensor()
        if "shared_memory_region" not in tensor.parameters:
            return RESULT
        name = tensor.parameters["shared_memory_region"].string_param
        if name not in self.regions:
            raise InferenceServerException(f"Unable to find shared memory region: '{name}'", "StatusCode.NOT_FOUND")
        return RESULT

    def hold(self, conversation: Any) -> Any:
        """Answer a client until it has its result."""
        return hold(conversation, self.answer)


Inspect = Callable[..., Any]


@pytest.fixture
def played() -> Played:
    """A server that does all that it is asked."""
    return Played()


@pytest.fixture
def memory() -> SharedMemory:
    """That of a client of a server on this machine."""
    return SharedMemory(HERE)


@pytest.fixture
def inspect(played, memory) -> Inspect:
    """One inspection with ten seconds time."""

    def inspected(data: bytes = BIG) -> Any:
        call = pack(Job(data))
        memory.look(call)
        return played.hold(memory.infer(call, time.monotonic() + 10))

    return inspected


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = set(FOLDER.glob("endface_picture-*"))
    yield
    assert set(FOLDER.glob("endface_picture-*")) <= before


STATUS, REGISTER, UNREGISTER = (
    "get_system_shared_memory_status",
    "register_system_shared_memory",
    "unregister_system_shared_memory",
)


def test_a_region_is_registered_once(inspect, played):
    """The second big picture costs one call, and its region's name is in /dev/shm no more."""
    assert inspect() is RESULT
    assert inspect() is RESULT

    assert played.methods == [STATUS, REGISTER, "infer", "infer"]
    assert len(played.regions) == 1


def test_a_small_picture_goes_through_grpc(inspect, played):
    """It is not worth a region."""
    inspect(BIG[:-1])

    assert played.methods == ["infer"]


@pytest.mark.parametrize("server", ["", "192.0.2.1:8001", "nowhere.invalid:8001", "ipv4:127.0.0.1:1,127.0.0.1:2"])
def test_a_server_elsewhere_goes_through_grpc(played, server):
    """Another machine maps nothing of ours, and several servers would not know each other's regions."""
    memory = SharedMemory(server)
    call = pack(Job(BIG))
    memory.look(call)
    played.hold(memory.infer(call, time.monotonic() + 10))

    assert played.methods == ["infer"]


@pytest.mark.parametrize("method", [STATUS, REGISTER])
def test_a_refusal_is_remembered(inspect, played, monkeypatch, method):
    """The picture goes through gRPC, the next ones at once; after the rest it is tried again."""
    played.refuses[method] = InferenceServerException("restricted", "StatusCode.UNAVAILABLE")
    assert inspect() is RESULT
    played.methods.clear()
    assert inspect() is RESULT
    assert played.methods == ["infer"]

    played.refuses.clear()
    later_s = time.monotonic() + _shared_memory._REST_S
    monkeypatch.setattr(_shared_memory.time, "monotonic", lambda: later_s)
    assert inspect() is RESULT
    assert len(played.regions) == 1


def test_no_memory_is_as_a_refusal(inspect, played, monkeypatch):
    """A full /dev/shm stops no inspection."""
    monkeypatch.setattr(_shared_memory.FreeList, "take", _fails)
    assert inspect() is RESULT

    assert played.methods == ["infer"]


def _fails(*_: Any) -> None:
    raise OSError("no space")


def test_a_server_that_was_started_anew_loses_nothing(inspect, played):
    """It does not know the region: the same picture goes through gRPC."""
    inspect()
    played.regions.clear()
    played.methods.clear()

    assert inspect() is RESULT
    assert played.methods == ["infer", "infer"]


def test_a_region_of_a_failed_call_is_not_used_again(inspect, played):
    """The server may read it still; when it does no more, it is asked to forget it."""
    inspect()
    first = set(played.regions)
    played.refuses["infer"] = InferenceServerException("Deadline Exceeded", "StatusCode.DEADLINE_EXCEEDED")
    with pytest.raises(InferenceServerException, match="Deadline"):
        inspect()
    played.refuses = {
        UNREGISTER: InferenceServerException("Cannot unregister: it is currently in use", "StatusCode.INTERNAL")
    }
    inspect()
    assert len(played.regions - first) == 1

    played.refuses.clear()
    played.hold(SharedMemory(HERE)._region(pack(Job(BIG))))
    assert not first & played.regions


def test_a_region_of_a_cancelled_call_is_not_used_again(inspect, memory, played):
    """Whoever cancels closes the conversation; the next picture has a region of its own."""
    inspect()
    first = set(played.regions)
    with closing(memory.infer(pack(Job(BIG)), time.monotonic() + 10)) as conversation:
        assert next(conversation).method == "infer"
    inspect()

    assert not first & played.regions


def test_a_registration_that_was_cancelled_leaves_no_name(memory):
    """Nothing stays in /dev/shm, whenever a call is cancelled."""
    call = pack(Job(BIG))
    memory.look(call)
    with closing(memory.infer(call, time.monotonic() + 10)) as conversation:
        assert next(conversation).method == STATUS
        assert conversation.send(SimpleNamespace(regions={})).method == REGISTER


def test_closing_forgets_all_regions(inspect, memory, played):
    """The server keeps nothing of a client that was closed, and something of one that was not asked for."""
    inspect()
    played.regions.add("somebody's")
    played.hold(memory.close())

    assert played.regions == {"somebody's"}


def test_closing_costs_nothing_without_regions(memory, played):
    """A client of small pictures has nothing to say."""
    played.hold(memory.close())

    assert played.methods == []


@pytest.mark.parametrize("server", [HERE, "localhost:8001", "[::1]:8001", "0.0.0.0:8001", "unix:/run/triton.sock"])
def test_an_own_address_is_near(server):
    """All ways to name this machine."""
    assert is_near(server)


@pytest.mark.parametrize("server", ["192.0.2.1:8001", "dns:///localhost:8001", ":8001", "8001", "a..b:1"])
def test_any_other_address_is_not(server):
    """What is not understood is not near: gRPC serves it all the same."""
    assert not is_near(server)
