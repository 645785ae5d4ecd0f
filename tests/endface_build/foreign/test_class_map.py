"""A network's map is read whole or refused; classes are found by name and by number, and none is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface.contract import Label
from endface.errors import ConfigurationError
from endface_build.data.class_codes import OURS
from endface_build.foreign.class_map import NetworkMap, read_map

FULL = """
[input]
scale = 1.0
mean = [123.7, 116.3, 103.5]
std = 58.0
size = [480, 640]
[output]
name = "out"
values = "probabilities"
"""


def test_everything_is_read(write_map: Callable[..., Path]) -> None:
    """All keys arrive where they belong."""
    network_map = read_map(write_map({"dust": "contamination", "oil": "ignore"}, FULL))

    assert network_map.classes == {"dust": Label.CONTAMINATION, "oil": 255}
    assert (network_map.scale, network_map.mean, network_map.std) == (1.0, (123.7, 116.3, 103.5), (58.0,))
    assert (network_map.size, network_map.output, network_map.values) == ((480, 640), "out", "probabilities")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[input]\ngamma = 2", r"\[input\] gamma, which means nothing"),
        ("[normalize]\nmean = 1", r"\[normalize\] mean, which means nothing"),
        ("[input]\nstd = 0", "std = 0.* above 0"),
        ("[input]\nstd = [1, 1]", "1 or 3 finite numbers"),
        ("[input]\nscale = inf", "finite"),
        ("[input]\nmean = 'gray'", "cannot be used"),
        ("[input]\nsize = 640", r"\[height, width\]"),
        ("[output]\nvalues = 'scores'", "logits or probabilities"),
        ("[classes.more]\na = 1", "No class map|names|classes are"),
        ("not toml", "No class map"),
    ],
)
def test_broken_map(write_map: Callable[..., Path], more: str, message: str) -> None:
    """What a map says that means nothing is named."""
    with pytest.raises(ConfigurationError, match=message):
        read_map(write_map({"dust": "contamination"}, more))


@given(st.lists(st.sampled_from(sorted(OURS)), min_size=1, max_size=9), st.data())
def test_every_class_has_one_meaning(
    tmp_path_factory: pytest.TempPathFactory, ours: list[str], data: st.DataObject
) -> None:
    """However the classes are named, each gets the label of its line; a missing line is never guessed."""
    names = {number: f"class {number}" for number in range(len(ours))}
    keys = [data.draw(st.sampled_from([names[number], str(number)])) for number in names]
    network_map = NetworkMap(tmp_path_factory.getbasetemp(), dict(zip(keys, map(OURS.__getitem__, ours), strict=True)))
    expected = tuple(0 if name == "ignore" else OURS[name] for name in ours)
    if any(expected):
        assert network_map.codes(names, len(ours)) == expected
    with pytest.raises(ConfigurationError, match="says nothing of the network's class"):
        network_map.codes(names, len(ours) + 1)
