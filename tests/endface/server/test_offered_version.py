from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.engines.catalog import named
from endface.engines.plan import PLAN_MANIFEST
from endface.engines.tensorrt_library import Machine
from endface.errors import ConfigurationError
from endface.server.offered_version import OfferedVersion

Write = Callable[..., Path]


@pytest.fixture
def network(tmp_path: Path, write_network: Write) -> Path:
    """Version 1 of a network."""
    return write_network(tmp_path)


@pytest.mark.usefixtures("network")
def test_new_version_is_a_change_once(tmp_path: Path, write_network: Write) -> None:
    """It is told at the next look, and not again."""
    offered = OfferedVersion(tmp_path, named("onnxruntime"))
    assert offered.change() is None

    write_network(tmp_path, version=2)
    assert [offered.change() for _ in range(2)] == [2, None]


@pytest.mark.usefixtures("network")
def test_withdrawn_version_is_a_change(tmp_path: Path, write_network: Write) -> None:
    """The one before is offered again."""
    write_network(tmp_path, version=2)
    offered = OfferedVersion(tmp_path, named("onnxruntime"))

    shutil.rmtree(tmp_path / "2")
    assert offered.change() == 1


def test_plan_that_arrives_later_is_a_change(
    network: Path, tmp_path: Path, gpu: Machine, write_plan: Callable[..., object]
) -> None:
    """A version that was refused for want of a plan is looked at again when that is built, or built anew."""
    offered = OfferedVersion(tmp_path, named("tensorrt_rtx"))

    write_plan(network, gpu)
    assert [offered.change() for _ in range(2)] == [1, None]

    os.utime(network.with_name(PLAN_MANIFEST), ns=(1, 1))
    assert [offered.change() for _ in range(2)] == [1, None]


def test_plan_means_nothing_to_other_engines(
    network: Path, tmp_path: Path, gpu: Machine, write_plan: Callable[..., object]
) -> None:
    """ONNX Runtime goes on undisturbed while a plan is built beside its network."""
    offered = OfferedVersion(tmp_path, named("onnxruntime"))

    write_plan(network, gpu)
    assert offered.change() is None


@pytest.mark.usefixtures("network")
def test_nothing_left_is_no_change(tmp_path: Path) -> None:
    """What is loaded goes on serving where somebody takes all versions away."""
    offered = OfferedVersion(tmp_path, named("onnxruntime"))

    shutil.rmtree(tmp_path / "1")
    assert offered.change() is None


def test_nothing_at_the_start_is_an_error(tmp_path: Path) -> None:
    """A server needs a network to start with."""
    with pytest.raises(ConfigurationError, match="no version of the network"):
        OfferedVersion(tmp_path, named("onnxruntime"))
