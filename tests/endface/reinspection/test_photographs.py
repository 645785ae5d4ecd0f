"""Photographs of one part in several poses, and of different parts, as a check against reality."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from endface.comparison import Reinspection
from endface.engines.catalog import ONNXRUNTIME
from endface.engines.load import load
from endface.offline import Inspector
from endface.options import Options
from endface.reinspection.compare import compare
from endface.reinspection.face import Face
from endface.reinspection.register import register

DIFFERENT_PARTS = (
    "19700101000416-j65532FT35",
    "19700101000958-J65530FT16",
    "19700101001313-J65530FT18",
    "19700101001946-J65534FT9",
    "19700101002945-J65534FT13",
    "19700101003301-J65371-417047B",
    "19700101003627-J65371-417070B",
)
"""Ends of different serial numbers, some of them at one place of the picture, behind one dusty camera."""


@pytest.fixture(scope="module")
def faces(real_data: Path, offline_repository: Path) -> dict[str, Face]:
    """Every photograph of one of the groups or of the different parts, inspected."""
    network = next((offline_repository / "segment").glob("*/model.onnx"), None)
    inspector = Inspector.around(load(ONNXRUNTIME, network), Options("mm-pc"))
    wanted = {*DIFFERENT_PARTS, *(name for group in groups(real_data) for name in group)}
    found = {}
    for path in sorted([*real_data.glob("endfaces/images/*"), *real_data.glob("unlabelled/*")]):
        if path.stem in wanted:
            data = path.read_bytes()
            found[path.stem] = Face.of(data, inspector(data, path.name))
    return found


def groups(real_data: Path) -> list[list[str]]:
    """Names of photographs that show one end in one state."""
    return [group["pictures"] for group in json.loads((real_data / "endfaces" / "groups.json").read_text())["groups"]]


@pytest.fixture(scope="module")
def compared(faces: dict[str, Face], real_data: Path) -> dict[tuple[str, str], Reinspection]:
    """Every pair of photographs of one end."""
    pairs = [pair for group in groups(real_data) for pair in combinations(sorted({*group} & {*faces}), 2)]
    return {(one, other): compare(faces[one], faces[other]) for one, other in pairs}


def test_photographs_of_one_part_are_registered_and_little_changes(
    compared: dict[tuple[str, str], Reinspection],
) -> None:
    """Nine pairs of ten at least, and 99 of 100 marks that both pictures show stayed."""
    states = Counter(row.state for result in compared.values() for row in result.marks)

    assert sum(result.registered for result in compared.values()) >= 0.9 * len(compared)
    assert states["gone"] + states["new"] <= 0.01 * (states["stayed"] + states["gone"] + states["new"])


def test_turns_between_photographs_of_one_part_add_up(
    compared: dict[tuple[str, str], Reinspection], real_data: Path
) -> None:
    """From one to another and on to a third is the way from the first to the third: no turn is a chance hit."""
    for group in groups(real_data):
        for one, two, three in combinations(sorted(group), 3):
            results = [compared.get(pair) for pair in ((one, two), (two, three), (one, three))]
            degrees = [result.turn_deg for result in results if result and result.turn_deg is not None]
            if len(degrees) == len(results):
                left = (degrees[0] + degrees[1] - degrees[2] + 180) % 360 - 180
                assert abs(left) <= 0.5, (one, two, three)


def test_photographs_of_different_parts_are_not_registered(faces: dict[str, Face]) -> None:
    """Whatever dust of the camera they share."""
    for one, other in combinations(DIFFERENT_PARTS, 2):
        assert not compare(faces[one], faces[other]).registered, (one, other)


def test_a_mirrored_photograph_is_not_registered(faces: dict[str, Face]) -> None:
    """Another camera's picture of the very same end is not taken for this one's."""
    for name in ("DSCN0014", "DSCN0026", "DSCN0040"):
        face = faces[name]
        mirrored = Face(np.ascontiguousarray(face.square[:, ::-1]), face.seen[:, ::-1], face.report)
        assert register(face, mirrored).pose is None
