"""What the page says of the peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.origin import Json
from benchmarks.studies.peers.section import plot, text


def served(peer: str, title: str, images_per_s: float, p99_ms: float | None) -> Json:
    """A row of a server."""
    best = {"users": 8, "images_per_s": images_per_s, "p50_ms": 250.0, "p99_ms": 300.0}
    best |= {"answered": 400, "failed": 1, "wrong_verdicts": 0, "memory_mib": 480.4}
    half = {"rate_per_s": images_per_s / 2, "images_per_s": images_per_s / 2, "p50_ms": 39.6, "p99_ms": p99_ms}
    half |= {"answered": 300, "failed": 2, "wrong_verdicts": 0}
    return {
        "peer": peer,
        "title": title,
        "versions": {peer: "1.2"},
        "cold_start_s": 4.21,
        "saturation": best,
        "half_load": half if p99_ms else None,
    }


@pytest.fixture
def record(origin: Json) -> Json:
    """A run in which one peer has the higher throughput, another one the lower p99, and a third did not start."""
    loop = {"title": "ONNX Runtime", "engine": "onnxruntime", "images_per_s": 60.0}
    return origin | {
        "plan": {"stations": [2, 8], "seconds": 8.0, "stream_s": 24.0, "settle_s": 2.0, "rounds": 3, "workers": 2},
        "pictures": 24,
        "in_process": [
            loop | {"network_ms": 20.04, "chain_ms": 31.0, "load_s": 0.3},
            {"title": "torch.compile, float", "engine": "torch.compile", "error": "there is no compiler"},
        ],
        "served": [
            row
            for own, mosec in ((50.0, 60.0), (40.0, 44.0), (100.0, 90.0))
            for row in (
                served("endface", "endface", own, 90.0),
                served("mosec", "mosec", mosec, 100.0),
                served("litserve", "LitServe", 25.0, 60.0),
                {"peer": "torchserve", "title": "TorchServe", "error": "it does not serve; it said: a\nlong\nlog"},
            )
        ],
    }


def test_who_is_ahead_is_said(record: Json) -> None:
    """Each peer is held against endface round by round; the median decides, and who is better is named."""
    page = text(record)

    assert page.startswith("## Peers\n")
    assert "| mosec | 60.0 | 1.10 (0.90, 1.20) | 8 | 40 | 100 | 300 | 3 | 0 | 480 | 4.2 |" in page
    assert "Versions: endface 1.2; mosec 1.2; litserve 1.2.\n" in page
    assert "Ahead of endface in throughput: **mosec (1.10 times as good)**." in page
    assert "Ahead of endface in p99 at half of the own saturation: **LitServe (1.50 times as good)**." in page
    assert "between 40.0 and 100.0 pictures/s" in page
    assert page.count("Not measured: TorchServe") == 1
    assert "| ONNX Runtime | 60.0 | 20.0 | 31.0 | 0.3 |" in page


def test_nobody_ahead(record: Json) -> None:
    """Where endface is better in everything, that is said as plainly."""
    alone = record | {"served": [row for row in record["served"] if row["peer"] == "endface"]}

    assert text(alone).count("**nobody**") == 2


def test_what_was_not_measured_is_named(record: Json) -> None:
    """A peer or a loop that broke down has no row, but a line with its reason."""
    page = text(record)

    assert "- Not measured: TorchServe. it does not serve\n" in page
    assert "- Not measured: torch.compile, float. there is no compiler\n" in page


@pytest.mark.parametrize("own", [[], [served("endface", "endface", 0.0, None)]], ids=["no row", "no answer"])
def test_run_without_endface(record: Json, own: list[Json]) -> None:
    """Without answers of endface nothing is compared, and a server without answers has no percentiles."""
    page = text(record | {"served": [served("mosec", "mosec", 0.0, None), *own]})

    assert "| mosec | 0.0 | - | 8 | - | - | - | 1 | 0 | 480 | 4.2 |" in page
    assert "endface itself was not measured." in page


def test_plot(record: Json, tmp_path: Path) -> None:
    """One picture, the same for the same record."""
    plot(record, tmp_path)
    first = (tmp_path / "peers.png").read_bytes()
    plot(record, tmp_path)

    assert (tmp_path / "peers.png").read_bytes() == first
