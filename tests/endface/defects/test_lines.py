from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endface.contract import Label
from tests.endface.defects.drawn_map import DrawnMap

Bead = tuple[float, float, float]
"""Place and diameter, in um."""


def row(
    count: int,
    *,
    diameter_um: float = 3.0,
    gap_um: float = 3.0,
    angle_deg: float = 0.0,
    radius_um: float = math.inf,
    start_um: tuple[float, float] = (-40.0, -10.0),
) -> list[Bead]:
    """Beads along a straight line or an arc."""
    beads = []
    for place in range(count):
        along, across = place * (diameter_um + gap_um), 0.0
        if radius_um < math.inf:
            turn = along / radius_um
            along, across = radius_um * math.sin(turn), radius_um * (1 - math.cos(turn))
        cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        x, y = start_um
        beads.append((x + along * cosine - across * sine, y + along * sine + across * cosine, diameter_um))
    return beads


def drawn(beads: Sequence[Bead], label: Label = Label.CONTAMINATION) -> DrawnMap:
    """Beads as a network marks them."""
    face = DrawnMap()
    for bead in beads:
        face.disc(label, *bead)
    return face


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(5, 10),
    diameter_um=st.floats(1.8, 4),
    gaps=st.floats(0.6, 2.2),
    angle_deg=st.floats(0, 360),
    radius_um=st.sampled_from([math.inf, 500.0, 150.0]),
)
def test_a_row_of_beads_is_one_line(
    count: int, diameter_um: float, gaps: float, angle_deg: float, radius_um: float
) -> None:
    """Straight or gently curved: one scratch with its beads as parts, which could be droplets as well."""
    gap_um = max(2.4, min(gaps * diameter_um, 90 / count))
    beads = row(
        count,
        diameter_um=diameter_um,
        gap_um=gap_um,
        angle_deg=angle_deg,
        radius_um=radius_um,
        start_um=(-25 * math.cos(math.radians(angle_deg)), -25 * math.sin(math.radians(angle_deg))),
    )

    defect = drawn(beads).only()

    assert (defect.type, defect.type_alternatives) == ("scratch", ("contamination",))
    assert len(defect.parts) == count
    assert [part.size_um for part in defect.parts] == [pytest.approx(diameter_um, abs=0.15)] * count
    assert defect.width_um == pytest.approx(math.pi / 4 * diameter_um, abs=0.2)
    assert defect.size_um == pytest.approx(math.dist(beads[0][:2], beads[-1][:2]) + diameter_um, abs=0.2)
    order = [math.dist(part.center_um, beads[0][:2]) for part in defect.parts]
    assert order in (sorted(order), sorted(order, reverse=True))


def test_parts_carry_their_own_zones() -> None:
    """A row across the border of zone A: the line touches both zones, each bead its own."""
    defect = drawn(row(6, start_um=(20, 0), gap_um=2)).only()

    assert (defect.zone, defect.zones) == ("A", ("A", "B"))
    assert {part.zone for part in defect.parts} == {"A", "B"}
    assert all(part.size_sigma_um > 0 for part in defect.parts)


@pytest.mark.parametrize(
    ("dashes_um", "alternatives"),
    [
        pytest.param([(0, 12), (15, 27)], (), id="a thin line with a short gap"),
        pytest.param([(0, 6), (14, 20), (28, 34)], ("contamination",), id="dashes"),
        pytest.param([(0, 40), (44, 84)], (), id="a long line that is cut once"),
    ],
)
def test_dashes_on_one_line_are_one_scratch(
    dashes_um: list[tuple[float, float]], alternatives: tuple[str, ...]
) -> None:
    """Elongated pieces that point at each other; only wide gaps leave room for another reading."""
    face = DrawnMap()
    for start, stop in dashes_um:
        face.line(Label.SCRATCH, (start - 40, 10 + start / 4, stop - 40, 10 + stop / 4), 1.5)

    defect = face.only()

    assert (defect.type, defect.type_alternatives) == ("scratch", alternatives)
    assert len(defect.parts) == len(dashes_um)
    assert defect.width_um == pytest.approx(1.5, abs=0.15)
    assert defect.length_um == pytest.approx((dashes_um[-1][1] - dashes_um[0][0]) * math.hypot(1, 1 / 4), abs=0.7)


def test_a_whole_thin_line_has_no_parts_and_no_other_reading() -> None:
    """A plain scratch is beyond doubt."""
    defect = DrawnMap().line(Label.SCRATCH, (-40, 0, 40, 30), 1.5).only()

    assert (defect.type, defect.type_alternatives, defect.parts) == ("scratch", (), ())


@pytest.mark.parametrize(
    ("label", "length_um", "kind", "alternatives"),
    [
        (Label.CONTAMINATION, 41, "scratch", ("contamination",)),
        (Label.CONTAMINATION, 13, "contamination", ("scratch",)),
        (Label.CONTAMINATION, 9, "contamination", ()),
        (Label.SCRATCH, 41, "scratch", ()),
        (Label.SCRATCH, 13, "scratch", ("contamination",)),
        (Label.SCRATCH, 9, "contamination", ("scratch",)),
    ],
)
def test_the_network_alone_does_not_decide_what_is_a_line(
    label: Label, length_um: float, kind: str, alternatives: tuple[str, ...]
) -> None:
    """A line is four times as long as wide: a straight smear of 4 um is one from 16 um on, and near that in doubt."""
    defect = DrawnMap().line(label, (-40, 0, length_um - 40, 0), 4).only()

    assert (defect.type, defect.type_alternatives) == (kind, alternatives)


@pytest.mark.parametrize("distance_um", [6, 10, 20])
def test_parallel_lines_stay_apart(distance_um: float) -> None:
    """Lines beside each other, beaded or dashed, are two."""
    beaded = drawn(row(7) + row(7, start_um=(-38, -10 + distance_um)))
    dashed = DrawnMap()
    for y_um in (0, distance_um):
        for x_um in (-40, -20, 0):
            dashed.line(Label.SCRATCH, (x_um + y_um / 4, y_um, x_um + 12 + y_um / 4, y_um), 1.5)

    assert [len(defect.parts) for defect in beaded.defects()] == [7, 7]
    assert [len(defect.parts) for defect in dashed.defects()] == [3, 3]


@pytest.mark.parametrize("angle_deg", [60, 75, 90])
def test_crossing_rows_stay_two(angle_deg: float) -> None:
    """Each row keeps its own beads where they cross between two of them."""
    turn = math.radians(angle_deg)
    start = (-31.5 * math.cos(turn), -31.5 * math.sin(turn))
    beads = row(8, diameter_um=2.5, gap_um=6.5, start_um=(-31.5, 0))
    beads += row(8, diameter_um=2.5, gap_um=6.5, angle_deg=angle_deg, start_um=start)

    one, other = drawn(beads).defects()

    assert (one.type, other.type) == ("scratch", "scratch")
    assert (len(one.parts), len(other.parts)) == (8, 8)


def test_a_tangent_to_the_rim_is_a_scratch() -> None:
    """A straight line along the rim is none of its chips, beaded or whole."""
    whole = DrawnMap().line(Label.SCRATCH, (-25, 62, 25, 62), 1.5).only()
    beaded = drawn(row(8, start_um=(-25, 60))).only()

    assert (whole.type, beaded.type) == ("scratch", "scratch")


def test_voids_along_the_rim_are_one_chip() -> None:
    """What an eye sees as one ragged stretch is one chip, as long as the stretch; a chip farther on is another."""
    face = DrawnMap()
    for angle_deg, diameter_um in ((0, 8), (10, 5), (17, 6), (60, 6)):
        x_um, y_um = (61 * each for each in (math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))))
        face.disc(Label.CHIP, x_um, y_um, diameter_um)

    one, other = face.defects()

    assert (one.type, other.type) == ("chip", "chip")
    assert [round(part.size_um) for part in one.parts] == [8, 5, 6]
    assert one.size_um == pytest.approx(25, abs=1)
    assert other.parts == ()


def test_dots_clear_of_the_rim_are_no_chip() -> None:
    """Pits inside the rim line are pits, each for itself."""
    face = DrawnMap()
    for angle_deg in (0, 8, 16):
        x_um, y_um = (52 * each for each in (math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))))
        face.disc(Label.PIT, x_um, y_um, 4 + angle_deg / 8)

    assert {defect.type for defect in face.defects()} <= {"pit", "scratch"}


@pytest.mark.parametrize(("count", "faces"), [(10, 40), (30, 40), (80, 30)])
def test_dots_at_random_are_no_lines(count: int, faces: int) -> None:
    """Of all droplets scattered over a face, less than two in a hundred are taken for part of a line."""
    rng = np.random.default_rng(count)
    joined = total = 0
    for _ in range(faces):
        radius, angle = 120 * np.sqrt(rng.random(count)), rng.uniform(0, 2 * math.pi, count)
        sizes = np.exp(rng.uniform(math.log(1.5), math.log(6), count))
        face = drawn(list(zip(radius * np.cos(angle), radius * np.sin(angle), sizes, strict=True)))
        defects = face.defects()
        joined += sum(len(defect.parts) for defect in defects if defect.type == "scratch")
        total += sum(max(1, len(defect.parts)) for defect in defects)
    assert joined < 0.02 * total
