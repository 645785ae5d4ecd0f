"""Scaling on paper: from what was measured on a small machine to pictures a second of a larger one, and of several.

Every resource could serve so many pictures a second if the others were endless; the smallest of these numbers is the
node's, and its resource is the one that saturates first.  Pure functions, nothing is measured here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from endface.contract import SQUARE_PX

Resource = Literal["cores", "GPU", "PCIe", "network card", "client"]

GPU_BYTES: Final = 2 * SQUARE_PX**2
"""What a picture brings back from the card: labels and confidence; the square on the way there is half of that."""


@dataclass(frozen=True)
class Measured:
    """What a picture costs; times are those of a core while all of its machine's cores are busy.

    Attributes:
        cores: Cores of the machine that was measured.
        decode_ms: Decoding.
        locate_ms: Finding the fiber.
        prepare_ms: The rest of the first stage: resampling, checks, the frame.
        segment_ms: The network on a core.
        postprocess_ms: Measuring, judging, writing the report.
        serving_ms: What the server's processes spend beyond the stages.
        client_ms: What a client spends.
        filled: Share of the cores' time that a saturated server and its client really use, above 0, at most 1.
        per_doubling: What a core still gives when there are twice as many of them, from 0.5 to 1.
        picture_bytes: An encoded picture.
        report_bytes: Its report.
    """

    cores: int
    decode_ms: float
    locate_ms: float
    prepare_ms: float
    segment_ms: float
    postprocess_ms: float
    serving_ms: float
    client_ms: float
    filled: float
    per_doubling: float
    picture_bytes: float
    report_bytes: float

    @property
    def around_ms(self) -> float:
        """All that a core does for a picture beside the network."""
        return self.decode_ms + self.locate_ms + self.prepare_ms + self.postprocess_ms + self.serving_ms


@dataclass(frozen=True)
class Assumed:
    """What was not measured.

    Attributes:
        gpu_ms: A picture's network on one card, copies included, under load.
        loss_share: How much of the loss per doubling of cores goes on beyond those measured: 1 all, 0 none.
        pcie_gb_s: Bytes that reach or leave one card, in GB/s.
        goodput: Share of a network card's bits that carry pictures.
        round_trip_ms: To the server and back, without the picture's own time on the wire.
        headroom: Load, as a share of the highest, at which parts still hardly wait for each other.
    """

    gpu_ms: float
    loss_share: float
    pcie_gb_s: float
    goodput: float
    round_trip_ms: float
    headroom: float


@dataclass(frozen=True)
class Node:
    """A server's machine and those who ask it.

    Attributes:
        name: In words.
        cores: As fast as those measured.
        nic_gbit_s: Its network card.
        gpus: Cards that run the network; without one the cores do.
        clients: Processes that ask, each with a core elsewhere; 0: one that runs on the node itself.
    """

    name: str
    cores: int
    nic_gbit_s: float
    gpus: int = 0
    clients: int = 4


@dataclass(frozen=True)
class Capacity:
    """Pictures a second.

    Attributes:
        by_resource: What each resource could serve alone.
    """

    by_resource: dict[Resource, float]

    @property
    def images_per_s(self) -> float:
        """What all of them together serve."""
        return min(self.by_resource.values())

    @property
    def first(self) -> Resource:
        """The resource that saturates first."""
        return min(self.by_resource, key=lambda resource: self.by_resource[resource])


def effective_cores(cores: int, measured: Measured, assumed: Assumed) -> float:
    """Cores of the measured machine that so many cores are worth: each doubling gives a little less than twice."""
    per_doubling = 1 - assumed.loss_share * (1 - measured.per_doubling)
    return cores * math.pow(per_doubling, math.log2(cores / measured.cores))


def node_capacity(node: Node, measured: Measured, assumed: Assumed) -> Capacity:
    """What one node serves.

    Args:
        node: the machine.
        measured: what a picture costs.
        assumed: what was not measured.
    """
    core_ms = measured.around_ms
    core_ms += 0 if node.gpus else measured.segment_ms
    core_ms += 0 if node.clients else measured.client_ms
    cores = effective_cores(node.cores, measured, assumed)
    found: dict[Resource, float] = {"cores": cores * measured.filled * 1000 / core_ms}
    if node.gpus:
        found["GPU"] = node.gpus * 1000 / assumed.gpu_ms
        found["PCIe"] = node.gpus * assumed.pcie_gb_s * 1e9 / GPU_BYTES
    if node.clients:
        # Pictures come and reports go at the same time: the card carries both ways at its full rate.
        larger_bytes = max(measured.picture_bytes, measured.report_bytes)
        found["network card"] = node.nic_gbit_s * 1e9 / 8 * assumed.goodput / larger_bytes
        found["client"] = node.clients * 1000 / measured.client_ms
    return Capacity(found)


def fleet_capacity(node: Node, count: int, measured: Measured, assumed: Assumed, *, lost: int = 1) -> Capacity:
    """What several equal nodes serve behind clients that ask them in turns.

    Args:
        node: one of them.
        count: how many there are.
        measured: what a picture costs.
        assumed: what was not measured.
        lost: so many of them may be down; the clients of all go on asking.

    Raises:
        ValueError: none would be left.
    """
    if not 0 <= lost < count:
        raise ValueError(f"{lost} of {count} nodes cannot be lost; at least one must be left")
    alone = node_capacity(node, measured, assumed).by_resource
    return Capacity({name: rate * (count if name == "client" else count - lost) for name, rate in alone.items()})


def latency_ms(node: Node, measured: Measured, assumed: Assumed) -> float:
    """From sending a picture to an idle node to its report."""
    wire_ms = 0.0
    if node.clients:
        sent_bytes = measured.picture_bytes + measured.report_bytes
        wire_ms = sent_bytes * 8 / (node.nic_gbit_s * 1e6 * assumed.goodput) + assumed.round_trip_ms
    network_ms = assumed.gpu_ms if node.gpus else measured.segment_ms
    return measured.around_ms + network_ms + measured.client_ms + wire_ms


def connector_ms(images_per_s: float, one_ms: float, fibers: int) -> float:
    """From presenting all fibers of a connector at once to an idle server to the last report.

    Args:
        images_per_s: what the server serves.
        one_ms: what one picture takes.
        fibers: at least 1.
    """
    return one_ms + (fibers - 1) * 1000 / images_per_s


def stations(images_per_s: float, assumed: Assumed, *, takt_ms: float, fibers: int = 1) -> int:
    """Stations of a line that so many pictures a second feed, with headroom.

    Args:
        images_per_s: what the servers serve.
        assumed: the headroom.
        takt_ms: from part to part at a station.
        fibers: pictures of a part.
    """
    return math.floor(assumed.headroom * images_per_s * takt_ms / 1000 / fibers)


def nodes_needed(images_per_s: float, served: float, assumed: Assumed, *, spare: int = 1) -> int:
    """Equal nodes for a line.

    Args:
        images_per_s: what the line asks for.
        served: what one node serves.
        assumed: the headroom.
        spare: so many of them may be down.
    """
    return math.ceil(images_per_s / (assumed.headroom * served)) + spare
