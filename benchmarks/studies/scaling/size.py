"""How many nodes a line needs, in words."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.studies.scaling.hardware import CAUTIOUS, HOPEFUL
from benchmarks.studies.scaling.model import Measured, Node, connector_ms, latency_ms, node_capacity, nodes_needed


@dataclass(frozen=True)
class Line:
    """What a line asks for.

    Attributes:
        stations: Each asks for itself.
        takt_ms: From part to part at a station.
        fibers: Pictures of a part.
    """

    stations: int
    takt_ms: float
    fibers: int = 1

    @property
    def images_per_s(self) -> float:
        """Pictures a second of all stations."""
        return self.stations * self.fibers * 1000 / self.takt_ms


def size_text(line: Line, node: Node, costs: Measured) -> str:
    """What the line asks for, what a node serves resource by resource, and how many nodes that makes."""
    cautious, hopeful = (node_capacity(node, costs, assumed) for assumed in (CAUTIOUS, HOPEFUL))
    one_ms = latency_ms(node, costs, CAUTIOUS)
    part_ms = connector_ms(cautious.images_per_s, one_ms, line.fibers)
    nodes = nodes_needed(line.images_per_s, cautious.images_per_s, CAUTIOUS, spare=0)
    rows = [
        f"  {resource:<12} {alone:8.0f} to {hopeful.by_resource[resource]:.0f} pictures/s"
        for resource, alone in cautious.by_resource.items()
    ]
    late = "" if part_ms <= line.takt_ms else "; that is longer than the takt: take faster or more cores"
    return "\n".join(
        (
            f"The line asks for {line.images_per_s:.1f} pictures/s.",
            f"A node serves {cautious.images_per_s:.0f} pictures/s cautiously ({cautious.first} first), "
            f"{hopeful.images_per_s:.0f} hopefully ({hopeful.first} first):",
            *rows,
            f"A part takes {part_ms:.0f} ms on an idle node{late}.",
            f"Nodes, loaded to {CAUTIOUS.headroom:.0%} at most: {nodes}; with one that may be lost: {nodes + 1}.",
        )
    )
