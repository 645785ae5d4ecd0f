from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endface import offline
from endface.engines.catalog import OFFLINE, ONNXRUNTIME, network_file
from endface.engines.load import load
from endface.engines.onnx_network import Network
from endface.options import Options
from endface.stages import postprocess, preprocess

Write = Callable[..., Path]


def test_inspects_as_the_stages_do(samples: list[Path], repository: Path) -> None:
    """The report is the one of the stages around the network, the times aside."""
    options = Options("mm-pc", serial="A1", name="face.png")
    network = Network(repository / "segment" / "2" / "model.onnx")
    square, frame = preprocess(samples[0].read_bytes(), options)
    labels, confidence = network.segment(square[None, None])
    wanted = postprocess(labels[0], confidence[0], frame, network.info)

    found = offline.inspect(samples[0].read_bytes(), options)

    assert set(found.timings_ms) == {"preprocess", "segment", "postprocess"}
    assert replace(found, timings_ms={}) == replace(wanted, timings_ms={})


def test_a_batch_is_its_pictures(samples: list[Path], repository: Path, encode: Callable[..., bytes]) -> None:
    """Each gets the report that it gets alone; one without a fiber is invalid, names the network, and harms none."""
    black = encode(np.zeros((480, 640), np.uint8))
    pictures = [samples[0].read_bytes(), black, samples[1].read_bytes()]
    network = Network(repository / "segment" / "2" / "model.onnx")
    inspector = offline.Inspector.around(network, Options("mm-pc"))

    together = inspector.batch(pictures)

    assert [report.error and report.error.code for report in together] == [None, "no_fiber", None]
    assert (together[1].verdict, together[1].model) == ("invalid", network.info)
    alone = [inspector(data) for data in pictures]
    assert [replace(report, timings_ms={}) for report in together] == [
        replace(report, timings_ms={}) for report in alone
    ]
    assert "segment" not in alone[1].timings_ms
    assert [report.image.name for report in together] == ["", "", ""]
    assert inspector(black, "black.png").image.name == "black.png"


def test_inspects_around_any_function(samples: list[Path]) -> None:
    """A function that finds nothing passes a face; the report names no network."""
    blank = np.zeros((1, 512, 512), np.uint8)

    report = offline.Inspector(lambda _: (blank, blank), Options("mm-pc"))(samples[0].read_bytes())

    assert (report.verdict, report.model) == ("pass", None)


@pytest.mark.parametrize("engine", OFFLINE[1:])
def test_engines_see_the_same(
    engine: str, samples: list[Path], offline_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the samples no verdict flips, and the labels agree with ONNX Runtime's on 0.995 of the pixels and more."""
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(offline_repository))
    options = Options("mm-pc")
    for path in samples:
        data = path.read_bytes()
        wanted, found = (offline.inspect(data, options, engine=name) for name in (ONNXRUNTIME, engine))

        assert (found.verdict, found.error) == (wanted.verdict, wanted.error), path.name
        assert found.model is not None
        assert found.model.engine == engine

        square, _ = preprocess(data, options)
        maps = [load(name).segment(square[None, None])[0] for name in (ONNXRUNTIME, engine)]

        assert (maps[0] == maps[1]).mean() >= 0.995, path.name


@pytest.mark.parametrize("engine", OFFLINE)
def test_threads_share_a_network(engine: str, offline_repository: Path, samples: list[Path]) -> None:
    """Inspections at the same time do not mix up their pictures."""
    version = next((offline_repository / "segment").glob("[0-9]*"))
    network = network_file(version, engine)
    pictures = [path.read_bytes() for path in samples[:4]]

    def defects(data: bytes) -> object:
        return offline.inspect(data, Options("mm-pc"), engine=engine, network=network).defects

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(defects, pictures))

    assert together == [defects(data) for data in pictures]
