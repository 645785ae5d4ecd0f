"""What speaks against a measurement."""

from __future__ import annotations

import pytest

from benchmarks.common.caveats import caveats
from benchmarks.common.origin import Json


def test_sound_measurement(load_record: Json) -> None:
    """Generators that agree, a limit that stayed within 5 %, and nobody else on the machine raise no caveat."""
    assert caveats(load_record) == []


@pytest.mark.parametrize(
    ("change", "caveat"),
    [
        ({"generator_busy": ["8 stations"]}, "Locust was the bottleneck in 8 stations"),
        (
            {"failed": [{"shape": "soak", "error": "Locust failed; it said:\nTraceback"}]},
            "The shape soak could not be measured: Locust failed; it said:",
        ),
        ({"knee": None}, "The ramp ended before its knee"),
        (
            {"limit": {"before": {"images_per_s": 50.0}, "after": {"images_per_s": 60.0}}},
            "the limit was 50.0 pictures/s before the load, 60.0 after",
        ),
        (
            {"generators": {"users": 2, "locust_images_per_s": 50.0, "second_images_per_s": 70.0, "agree": False}},
            "at 2 stations Locust got 50.0 pictures/s and an asyncio loop 70.0.",
        ),
    ],
)
def test_each_caveat_alone(change: Json, caveat: str, load_record: Json) -> None:
    """One thing that is wrong is one caveat."""
    (found,) = caveats(load_record | change)

    assert caveat in found


@pytest.mark.parametrize(
    ("server", "machine", "alone"),
    [(1.6, 1.89, True), (1.6, 1.95, False), (0.0, 1.9, True)],  # a server elsewhere: this machine's load is not its
)
def test_somebody_else_on_the_machine(
    server: float, machine: float, alone: bool, load_record: Json, phase: Json
) -> None:
    """More than a tenth of a core that neither server nor generator used is somebody else's."""
    shared = phase | {"cores": {"generator": 0.2, "server": server, "machine": machine}}

    found = caveats(load_record | {"shapes": {"ramp": [shared]}})

    assert bool(found) != alone
    assert all("was not ours alone" in caveat for caveat in found)
