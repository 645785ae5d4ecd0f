from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endface import offline
from endface.errors import ConfigurationError, EmptyImageError, EngineError
from endface.network import Network
from endface.stages import Options, postprocess, preprocess

Write = Callable[..., Path]


def test_inspects_as_the_stages_do(samples: list[Path], repository: Path) -> None:
    """The report is the one of the stages around the network, the times aside."""
    options = Options("mm-pc", serial="A1", name="face.png")
    network = Network(repository / "segment" / "1" / "model.onnx")
    square, frame = preprocess(samples[0].read_bytes(), options)
    labels, confidence = network.segment(square[None, None])
    wanted = postprocess(labels[0], confidence[0], frame, network.info)

    found = offline.inspect(samples[0].read_bytes(), options)

    assert set(found.timings_ms) == {"preprocess", "segment", "postprocess"}
    assert replace(found, timings_ms={}) == replace(wanted, timings_ms={})


def test_a_picture_that_cannot_be_judged_is_invalid(
    encode: Callable[..., bytes], tmp_path: Path, write_network: Write
) -> None:
    """A black picture has no fiber: the report says so, and names the network all the same."""
    black = encode(np.zeros((480, 640), np.uint8))

    report = offline.inspect(black, Options("mm-pc"), network=write_network(tmp_path))

    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code == "no_fiber"
    assert report.model is not None
    assert "segment" not in report.timings_ms


def test_keeps_a_network(tmp_path: Path, write_network: Write) -> None:
    """The second picture does not load the network again."""
    path = write_network(tmp_path)

    assert offline.load(network=path) is offline.load(network=path)


def test_takes_the_newest_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_network: Write) -> None:
    """Without a network of its own a call runs the one that a server on this repository would."""
    for version in (9, 10):
        write_network(tmp_path / "segment", version=version)
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(tmp_path))

    assert offline.load().info.version == "10"


def test_refuses_an_unknown_engine() -> None:
    """The message names the engines that there are."""
    with pytest.raises(EngineError, match=r"no engine 'tensorrt' without a server; choose one of onnxruntime"):
        offline.load("tensorrt")


def test_refuses_a_missing_network(tmp_path: Path) -> None:
    """A path without a network is a fault of the installation, not of the picture."""
    with pytest.raises(ConfigurationError, match="missing"):
        offline.inspect(b"picture", Options("mm-pc"), network=tmp_path / "model.onnx")


def test_refuses_a_malformed_request(tmp_path: Path, write_network: Write) -> None:
    """No bytes are no picture: that is the caller's mistake, as with a server."""
    with pytest.raises(EmptyImageError):
        offline.inspect(b"", Options("mm-pc"), network=write_network(tmp_path))
