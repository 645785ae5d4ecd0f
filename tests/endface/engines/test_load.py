from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from endface.engines.catalog import OFFLINE, network_file
from endface.engines.load import load
from endface.errors import ConfigurationError, EngineError

Write = Callable[..., Path]


@pytest.mark.parametrize("engine", OFFLINE)
@given(seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3))
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_batch_is_its_squares(engine: str, offline_repository: Path, seeds: list[int]) -> None:
    """Squares are labeled one by one as in a batch, in order."""
    version = next((offline_repository / "segment").glob("[0-9]*"))
    network = load(engine, network_file(version, engine))
    squares = np.stack([_noise(seed) for seed in seeds])

    labels, confidence = network.segment(squares)

    assert labels.dtype == confidence.dtype == np.uint8
    assert labels.shape == confidence.shape == (len(seeds), 512, 512)
    for number in range(len(seeds)):
        alone, sure = network.segment(squares[number : number + 1])
        assert np.array_equal(labels[number], alone[0])
        assert np.array_equal(confidence[number], sure[0])


def test_keeps_a_network(tmp_path: Path, write_network: Write) -> None:
    """The second picture does not load the network again."""
    path = write_network(tmp_path)

    assert load(network=path) is load(network=path)


@pytest.mark.parametrize("engine", OFFLINE)
def test_refuses_a_network_without_its_manifest(engine: str, tmp_path: Path) -> None:
    """Whatever the engine, a report must be able to name its network."""
    with pytest.raises(ConfigurationError, match=r"manifest\.json is missing"):
        load(engine, tmp_path / "model")


@pytest.mark.parametrize("engine", OFFLINE)
def test_refuses_a_file_that_is_not_the_manifests(engine: str, tmp_path: Path, write_described: Write) -> None:
    """A changed file is not run."""
    path = write_described(tmp_path / "model", b"network")
    path.write_bytes(b"network\0")

    with pytest.raises(ConfigurationError, match="not the file that its manifest describes"):
        load(engine, path)


@pytest.mark.parametrize("engine", OFFLINE)
def test_refuses_what_is_no_network(
    engine: str, tmp_path: Path, write_described: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    """A file that the engine cannot read is named, though its sum is right; the engine's own error is the cause."""
    if engine == "litert":
        pytest.importorskip("ai_edge_litert")

    with pytest.raises(ConfigurationError, match=r"cannot (load|run) the network .*model") as raised:
        load(engine, write_described(tmp_path / "model", b"no network"))
    assert raised.value.__cause__ is not None
    capfd.readouterr()  # OpenCV writes its errors on stderr as well


def test_takes_the_newest_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_network: Write) -> None:
    """Without a network of its own a call runs the one that a server on this repository would."""
    for version in (9, 10):
        write_network(tmp_path / "segment", version=version)
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(tmp_path))

    assert load().info.version == "10"


def test_refuses_an_unknown_engine() -> None:
    """The message names the engines that there are."""
    with pytest.raises(EngineError, match=r"no engine 'tensorrt' without a server; choose one of onnxruntime"):
        load("tensorrt")


def _noise(seed: int) -> NDArray[np.uint8]:
    """A gray square with structure, uint8 (1, 512, 512)."""
    return np.random.default_rng(seed).integers(90, 130, (1, 512, 512)).astype(np.uint8)
