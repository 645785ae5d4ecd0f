"""A run's folder, and how the classical pipeline's last stage reads it: its documented rules, none of its code."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from endface.report import Report
from endface_client.legacy import OmniConfig, OmniFiberAnalyzer
from endface_client.legacy._config import EndfaceSettings
from endface_client.testing import FakeServer

ZONES = ("core", "cladding", "ferrule")
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "NEGLIGIBLE")
POINTS = {"CRITICAL": 25, "HIGH": 15, "MEDIUM": 8, "LOW": 3, "NEGLIGIBLE": 1}
DIRECTIONAL = ("SCRATCH", "CRACK")

Values = dict[str, Any]


@dataclass(frozen=True)
class FinalAnalysis:
    """What the last stage says of a face."""

    status: str
    score: int
    merged: list[Values]


def final_analysis(run_dir: Path, stem: str, size_px: tuple[int, int], *, eps_px: float = 30.0) -> FinalAnalysis:
    """Read a run's folder: the reports under ``3_detected``, or under the whole run where there is no such folder."""
    detected = run_dir / "3_detected"
    paths = sorted((detected if detected.is_dir() else run_dir).rglob("*_report.json"))
    reports = []
    for path in paths:
        try:
            reports.append((path.stem.replace("_report", ""), json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue  # a damaged report is dropped
    masks = {zone: run_dir / "2_separated" / stem / f"{zone}_mask.npy" for zone in ZONES}
    offsets = {zone: _offset(np.load(path), size_px) for zone, path in masks.items() if path.exists()}
    return judged(reports, size_px, eps_px=eps_px, offsets=offsets)


def judged(
    reports: Sequence[tuple[str, Values]],
    size_px: tuple[int, int],
    *,
    eps_px: float = 30.0,
    offsets: dict[str, tuple[int, int]] | None = None,
) -> FinalAnalysis:
    """Validate, place, cluster, merge and score the defects of some reports, each with its source's name."""
    defects: list[Values] = []
    for source, values in reports:
        defects += _placed(source, values, size_px, offsets or {})
    if not defects:
        return FinalAnalysis("PASS", 100, [])  # so it is: what nobody reports passes
    merged = [kept for cluster in _clusters(defects, eps_px) for kept in _merged(cluster)]
    counts = Counter(defect["severity"] for defect in merged)
    score = max(0, 100 - sum(POINTS.get(severity, 3) * count for severity, count in counts.items()))
    failed = counts["CRITICAL"] > 0 or counts["HIGH"] > 2 or score < 70
    return FinalAnalysis("FAIL" if failed else "PASS", score, merged)


def _offset(mask: Any, size_px: tuple[int, int]) -> tuple[int, int]:
    if mask.shape != size_px[::-1]:
        return 0, 0
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min())


def _placed(source: str, values: Values, size_px: tuple[int, int], offsets: dict[str, tuple[int, int]]) -> list[Values]:
    if not isinstance(values, dict) or "defects" not in values or "timestamp" not in values:
        return []
    if not all(isinstance(defect.get("location_xy"), list) for defect in values["defects"]):
        return []
    zone = next((zone for zone in ZONES if f"_{zone}" in source.lower()), None)
    placed = []
    for defect in values["defects"]:
        place = defect["location_xy"]
        if len(place) != 2 or not all(isinstance(value, int | float) for value in place):
            continue
        x, y = place
        if zone in offsets:
            x, y = (min(value + by, side - 1) for value, by, side in zip(place, offsets[zone], size_px, strict=True))
        placed.append(defect | {"global_location": [x, y]})
    return placed


def _clusters(defects: list[Values], eps_px: float) -> Iterator[list[Values]]:
    """Single linkage: what is at most eps away from any of a cluster belongs to it."""
    reach_px = min(eps_px, 20.0) if len(defects) > 100 else eps_px
    left = list(defects)
    while left:
        cluster = [left.pop()]
        for member in cluster:  # grows while it is walked through
            near = [other for other in left if _distance_px(member, other) <= reach_px]
            cluster += near
            left = [other for other in left if not any(other is each for each in near)]
        yield cluster


def _distance_px(one: Values, other: Values) -> float:
    return math.dist(one["global_location"], other["global_location"])


def _merged(cluster: list[Values]) -> list[Values]:
    if len(cluster) == 1:
        return cluster
    types = Counter(defect["defect_type"] for defect in cluster)
    widest_px = max(_distance_px(one, other) for one in cluster for other in cluster)
    if len(types) > 1 and widest_px >= 10:
        return [min(cluster, key=lambda defect: SEVERITIES.index(defect["severity"]))]
    kind = types.most_common(1)[0][0]
    if kind in DIRECTIONAL:
        [math.radians(defect["orientation"]) for defect in cluster if "orientation" in defect]  # null would end it all
    weights = [defect["confidence"] for defect in cluster]
    assert sum(weights) > 0, "the weighted mean would be no number"
    return [
        cluster[0]
        | {
            "defect_type": kind,
            "severity": max(defect["severity"] for defect in cluster),  # by the alphabet
            "area_px": sum(defect["area_px"] for defect in cluster),
        }
    ]


@pytest.fixture(scope="session")
def read_run() -> Callable[..., FinalAnalysis]:
    """The last stage on a run's folder."""
    return final_analysis


@pytest.fixture(scope="session")
def read_reports() -> Callable[..., FinalAnalysis]:
    """The last stage on reports as values."""
    return judged


@pytest.fixture(scope="session")
def guide(project: Path) -> str:
    """The text of docs/migrating.md."""
    return (project / "docs" / "migrating.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own settings reaches a test."""
    for each in fields(EndfaceSettings):
        monkeypatch.delenv(f"ENDFACE_{each.name.upper()}", raising=False)


@dataclass(frozen=True)
class Run:
    """A run's folder as the pipeline lays it out, with one picture of 1200 x 1000 pixels."""

    folder: Path
    picture: Path

    @property
    def output_dir(self) -> Path:
        """Where the detection stage writes."""
        return self.folder / "3_detected" / self.picture.stem

    @property
    def report(self) -> Path:
        """The JSON that it writes."""
        return self.output_dir / f"{self.picture.stem}_report.json"

    def analyze(self, config: OmniConfig, **options: Any) -> Values:
        """The call as the pipeline makes it."""
        return OmniFiberAnalyzer(config, **options).analyze_end_face(str(self.picture), str(self.output_dir))

    def names(self) -> set[str]:
        """The files there, without the picture's name in front."""
        return {path.name.removeprefix(self.picture.stem) for path in self.output_dir.iterdir()}


@pytest.fixture
def run(tmp_path: Path, gray_png: bytes) -> Run:
    """A run of ``face.png``."""
    picture = tmp_path / "face.png"
    picture.write_bytes(gray_png)
    return Run(tmp_path / "results" / "face", picture)


@pytest.fixture
def ask(fake_server: FakeServer) -> Callable[..., OmniConfig]:
    """Configurations for the fake server."""
    return lambda **keywords: OmniConfig(endface_server=fake_server.address, endface_profile="mm-pc", **keywords)


@pytest.fixture
def failed(run: Run, ask: Callable[..., OmniConfig], fake_server: FakeServer, found: Report) -> Values:
    """What comes of the run's picture where the server finds that it fails."""
    fake_server.answer = found
    return run.analyze(ask(knowledge_base_path="kb.json"))
