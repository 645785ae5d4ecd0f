"""Machines that nobody has measured yet, and what is assumed of them: each assumption as a range, with its reason."""

from __future__ import annotations

from typing import Final

from benchmarks.load.shapes import CONNECTORS, Line
from benchmarks.studies.scaling.model import Assumed, Node

CAUTIOUS: Final = Assumed(gpu_ms=2.0, loss_share=1.0, pcie_gb_s=6.0, goodput=0.85, round_trip_ms=0.5, headroom=0.7)
"""What may go wrong does: pictures go to the card one by one, memory slows more cores as much as it slowed the second,
PCIe has four lanes of generation 4 (8 GB/s before its own headers)."""

HOPEFUL: Final = Assumed(gpu_ms=0.2, loss_share=0.0, pcie_gb_s=24.0, goodput=0.94, round_trip_ms=0.2, headroom=0.7)
"""Batches fill the card: the network's 2.4 GFLOP in 0.2 ms ask for 12 TFLOP/s, a tenth of what an inference card
promises in FP16.  Cores scale without loss, PCIe has sixteen lanes, and TCP takes its usual 6 % of the wire (1448 of
1538 bytes)."""

BOX: Final = Node("box, 2 cores, client on it", cores=2, nic_gbit_s=1, clients=0)

NODES: Final = (
    BOX,
    Node("box, 2 cores", cores=2, nic_gbit_s=1),
    Node("node, 16 cores", cores=16, nic_gbit_s=1),
    Node("node, 16 cores and a GPU", cores=16, nic_gbit_s=10, gpus=1),
    Node("node, 64 cores and a GPU", cores=64, nic_gbit_s=10, gpus=1),
)
"""What a factory may buy; the first is what was measured."""

FLEET_OF: Final = Node("node, 16 cores and a GPU", cores=16, nic_gbit_s=10, gpus=1)
FLEETS: Final = (3, 10)
"""Nodes of a fleet; one of them may be down."""

TAKT_MS: Final = 1000.0
"""A station presents one part every second."""

FIBERS: Final = CONNECTORS[0]
CONNECTOR_TAKT_MS: Final = Line.connector_ms
"""A machine presents a connector with all of its fibers as often as in the load shape ``burst``."""
