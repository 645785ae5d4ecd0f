"""The committed network on real photographs, which nothing was trained or tuned on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.contract import CLADDING_UM, SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.engines.onnx_network import open_graph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.evaluation.square_metrics import Tally

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("ENDFACE_REAL_DATA", ROOT.parent / "shared" / "data")) / "endfaces"


def squares():
    """Each photograph and its labels on the square, placed by the labelled ellipse."""
    for path in sorted((DATA / "labels").glob("*.json")):
        cx, cy, rx, ry = json.loads(path.read_text())["cladding_ellipse"]
        scale = [CLADDING_UM / 2 / UM_PER_PX / radius for radius in (rx, ry)]
        offset = [SQUARE_CENTER_PX - s * c for s, c in zip(scale, (cx, cy), strict=True)]
        matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
        photograph = next(each for each in (DATA / "images").iterdir() if each.stem == path.stem)
        picture = cv2.imread(str(photograph), cv2.IMREAD_GRAYSCALE)
        labels = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_UNCHANGED)
        size = (SQUARE_PX, SQUARE_PX)
        yield (
            cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE),
            cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=UNDECIDED),
        )


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs in {DATA}; set ENDFACE_REAL_DATA")
def test_network_finds_real_defects():
    """Trained on drawn faces alone, the network finds most labelled defects of 3 um and more, with few false alarms."""
    engine = open_graph(ROOT / "model_repository" / "segment" / "1" / "model.onnx")
    rows, columns = np.mgrid[:SQUARE_PX, :SQUARE_PX] - SQUARE_CENTER_PX
    diameter_um = 2 * UM_PER_PX * np.hypot(rows, columns)
    unjudged = (diameter_um > 250) | ((diameter_um > 115) & (diameter_um < 135))  # beyond zone D; the glue line
    tally = Tally()
    for square, labels in squares():
        found = engine(square[None, None])[0][0]
        labels[unjudged], found[unjudged] = 0, 0
        tally.add(labels, found)
    metrics = tally.metrics()

    assert metrics["recall"]["any"] >= 0.8
    assert metrics["precision"]["any"] >= 0.7
    assert metrics["line_or_not"] >= 0.8
