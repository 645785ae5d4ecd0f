"""The size of a line in words."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.studies.scaling.model import Measured, Node
from benchmarks.studies.scaling.size import Line, size_text


def test_every_resource_is_told(costs: Measured) -> None:
    """What is asked for, what each resource serves at worst and at best, and the nodes that makes."""
    text = size_text(Line(stations=40, takt_ms=500, fibers=2), Node("", 2, 1.0, clients=40), costs)

    assert text.splitlines()[0] == "The line asks for 160.0 pictures/s."
    assert "A node serves 100 pictures/s cautiously (cores first), 100 hopefully (cores first):" in text
    assert "  network card     1062 to 1175 pictures/s" in text
    assert "GPU" not in text
    assert "loaded to 70% at most: 3; with one that may be lost: 4." in text
    assert "longer than the takt" not in text


def test_a_part_that_takes_longer_than_the_takt_is_told(costs: Measured) -> None:
    """More nodes would not help: one part is judged by one node."""
    slow = replace(costs, segment_ms=900.0)

    assert "that is longer than the takt" in size_text(Line(1, 500), Node("", 2, 1.0), slow)
