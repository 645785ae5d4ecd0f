"""Defects as a test says that they were measured."""

from __future__ import annotations

from endface.report import Defect, DefectPart, DefectType


def defect(
    kind: DefectType,
    zones: str,
    um: float,
    *,
    sigma_um: float = 0.0,
    width_um: float = 2.0,
    or_: DefectType | None = None,
    parts: tuple[tuple[str, float], ...] = (),
    confidence: float = 0.9,
    number: int = 1,
) -> Defect:
    """A defect in zones such as "BC"; ``um`` is the width of a scratch and the size of anything else."""
    scratch = kind == "scratch"
    return Defect(
        id=number,
        type=kind,
        zone=zones[:1],
        zones=tuple(zones),
        confidence=confidence,
        bbox_px=(0, 0, 1, 1),
        polygon_px=(),
        center_um=(0.0, 0.0),
        size_um=60.0 if scratch else um,
        width_um=um if scratch else width_um,
        length_um=60.0,
        area_um2=1.0,
        orientation_deg=0.0,
        size_sigma_um=sigma_um,
        width_sigma_um=sigma_um,
        type_alternatives=(or_,) if or_ else (),
        parts=tuple(DefectPart((0.0, 0.0), size, sigma_um, zone[:1], tuple(zone)) for zone, size in parts),
    )
