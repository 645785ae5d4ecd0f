"""Scaling on paper."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from benchmarks.studies.scaling.hardware import CAUTIOUS, FLEETS, HOPEFUL, NODES
from benchmarks.studies.scaling.model import (
    Assumed,
    Measured,
    Node,
    connector_ms,
    effective_cores,
    fleet_capacity,
    latency_ms,
    node_capacity,
    nodes_needed,
    stations,
)

PLAIN = Assumed(gpu_ms=1.0, loss_share=0.0, pcie_gb_s=16.0, goodput=1.0, round_trip_ms=1.0, headroom=0.7)

ms = st.floats(0.1, 100)
costs_of_any_kind = st.builds(
    Measured,
    cores=st.integers(1, 8),
    decode_ms=ms,
    locate_ms=ms,
    prepare_ms=ms,
    segment_ms=ms,
    postprocess_ms=ms,
    serving_ms=ms,
    client_ms=ms,
    filled=st.floats(0.1, 1.0),
    per_doubling=st.floats(0.5, 1.0),
    picture_bytes=st.floats(1e3, 1e8),
    report_bytes=st.floats(1e2, 1e5),
)
assumptions = st.sampled_from((CAUTIOUS, HOPEFUL, PLAIN))
nodes = st.builds(
    Node,
    name=st.just("any"),
    cores=st.integers(1, 256),
    nic_gbit_s=st.floats(0.1, 100),
    gpus=st.integers(0, 8),
    clients=st.integers(0, 64),
)


def test_what_a_small_box_serves(costs: Measured) -> None:
    """Two cores and 20 ms a picture make 100 a second; with the client's 2 ms on them it is 91."""
    assert node_capacity(Node("", 2, 1.0), costs, PLAIN).by_resource["cores"] == approx(100)

    here = node_capacity(Node("", 2, 1.0, clients=0), costs, PLAIN)
    assert here.by_resource == {"cores": approx(1000 / 11)}  # nothing goes over a wire


def test_what_each_resource_of_a_gpu_node_serves(costs: Measured) -> None:
    """By hand: 10 ms on 16 cores, 1 ms on the card, half a megabyte back, 100 kB at 1 Gbit/s, clients of 2 ms."""
    found = node_capacity(Node("", 16, 1.0, gpus=1, clients=2), costs, PLAIN)

    assert found.by_resource == {
        "cores": approx(1600),
        "GPU": approx(1000),
        "PCIe": approx(16e9 / 524_288),
        "network card": approx(1250),
        "client": approx(1000),
    }
    assert (found.images_per_s, found.first) == (approx(1000), "GPU")


def test_loss_goes_on_as_assumed(costs: Measured) -> None:
    """From 2 to 16 cores are three doublings: each keeps 0.9, or 0.95 where half of the loss goes on, or all."""
    worth = [effective_cores(16, costs, replace(PLAIN, loss_share=share)) for share in (1.0, 0.5, 0.0)]

    assert worth == [approx(16 * 0.9**3), approx(16 * 0.95**3), approx(16)]


@given(nodes, costs_of_any_kind, assumptions)
def test_first_resource_is_the_smallest(node: Node, costs: Measured, assumed: Assumed) -> None:
    """A node serves what its scarcest resource serves."""
    found = node_capacity(node, costs, assumed)

    assert all(found.images_per_s <= alone for alone in found.by_resource.values())
    assert found.by_resource[found.first] == found.images_per_s


@given(nodes, costs_of_any_kind, assumptions, st.integers(1, 256))
def test_more_of_anything_never_serves_less(node: Node, costs: Measured, assumed: Assumed, more: int) -> None:
    """Cores, cards, bandwidth."""
    before = node_capacity(node, costs, assumed).images_per_s
    larger = [replace(node, cores=node.cores + more), replace(node, nic_gbit_s=node.nic_gbit_s + more)]
    larger += [replace(node, gpus=node.gpus + more)] if node.gpus else []

    assert all(node_capacity(each, costs, assumed).images_per_s >= before * (1 - 1e-9) for each in larger)


@given(nodes, costs_of_any_kind)
def test_caution_promises_no_more_than_hope(node: Node, costs: Measured) -> None:
    """Wherever it is larger than what was measured; below, a loss that ends early is a gain."""
    larger = replace(node, cores=max(node.cores, costs.cores))
    cautious, hopeful = (node_capacity(larger, costs, assumed).images_per_s for assumed in (CAUTIOUS, HOPEFUL))

    assert cautious <= hopeful * (1 + 1e-9)


@given(nodes, costs_of_any_kind, assumptions, st.floats(0.1, 100))
def test_with_a_gpu_the_networks_time_on_a_core_does_not_matter(
    node: Node, costs: Measured, assumed: Assumed, segment_ms: float
) -> None:
    """The card has taken it."""
    served = replace(node, gpus=1)

    assert node_capacity(served, costs, assumed) == node_capacity(
        served, replace(costs, segment_ms=segment_ms), assumed
    )


@given(nodes, costs_of_any_kind, assumptions, st.integers(2, 50))
def test_a_fleet_is_planned_without_one_node(node: Node, costs: Measured, assumed: Assumed, count: int) -> None:
    """What is left serves as many nodes fewer; the clients of all are still there."""
    alone = node_capacity(node, costs, assumed).by_resource
    fleet = fleet_capacity(node, count, costs, assumed).by_resource

    for resource, rate in alone.items():
        assert fleet[resource] == approx(rate * (count if resource == "client" else count - 1))
    assert fleet_capacity(node, 1, costs, assumed, lost=0).by_resource == alone


def test_a_fleet_keeps_a_node(costs: Measured) -> None:
    """A fleet of one cannot lose it."""
    with pytest.raises(ValueError, match="1 of 1 nodes cannot be lost"):
        fleet_capacity(NODES[0], 1, costs, PLAIN)


def test_one_picture_and_a_connector(costs: Measured) -> None:
    """10 ms around the network, 10 of it, 2 of the client, 1 of the way, 0.816 on the wire; then 11 more at 100/s."""
    node = Node("", 2, 1.0)
    one_ms = latency_ms(node, costs, PLAIN)

    assert one_ms == approx(23.816)
    assert latency_ms(replace(node, clients=0), costs, PLAIN) == approx(22)
    assert latency_ms(replace(node, gpus=1), costs, PLAIN) == approx(14.816)
    assert connector_ms(100.0, one_ms, fibers=12) == approx(133.816)


def test_stations_of_a_line() -> None:
    """Of 100 pictures a second 70 may be planned with: 70 stations of 1 s, 17 machines of 12 fibers in 3 s."""
    assert stations(100.0, PLAIN, takt_ms=1000) == 70
    assert stations(100.0, PLAIN, takt_ms=3000, fibers=12) == 17


@given(st.floats(0.1, 1e5), st.floats(0.1, 1e4), assumptions)
def test_nodes_needed_are_enough_and_no_more(images_per_s: float, served: float, assumed: Assumed) -> None:
    """All but the spare one carry the line within the headroom; one fewer would not."""
    needed = nodes_needed(images_per_s, served, assumed) - 1

    assert needed * served * assumed.headroom >= images_per_s * (1 - 1e-9)
    assert (needed - 1) * served * assumed.headroom < images_per_s * (1 + 1e-9)


def test_what_is_shown_is_what_was_asked_for() -> None:
    """Boxes, a node without and with a GPU, more cores, fleets of 3 and 10."""
    assert [(node.cores, node.gpus) for node in NODES] == [(2, 0), (2, 0), (16, 0), (16, 1), (64, 1)]
    assert FLEETS == (3, 10)
