"""CVAT for images 1.1 (https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/): polygons out; polygons,
masks and the tag ``not_judgeable`` back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import numpy as np

from endface.errors import ConfigurationError
from endface.files import write_together
from endface.report import DefectType
from endface.review.marks import TYPES, Mark, Ring
from endface.review.opinions import Opinion
from endface_build.review.colors import COLORS
from endface_build.review.sheet import Returned, Sheet, from_corner, mark_of_pixels, to_corner, type_of

FILE: Final = "annotations.xml"
LABELS: Final = "labels.json"
NOT_JUDGEABLE: Final = "not_judgeable"

_LARGEST_MASK_PX: Final = 50_000_000


def write(folder: Path, sheets: Sequence[Sheet]) -> Path:
    """Write the annotations of pictures that lie in the folder's ``images/``, and the labels for a new task.

    Returns:
        The file with the annotations.
    """
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, sheet in enumerate(sheets):
        width, height = map(str, sheet.size)
        image = ET.SubElement(root, "image", id=str(number), name=sheet.file, width=width, height=height)
        for group, mark in enumerate(sheet.marks, start=1):
            for ring in mark.rings:
                points = ";".join(f"{x:.2f},{y:.2f}" for x, y in to_corner(ring))
                texts = {"label": mark.type, "source": "auto", "occluded": "0", "points": points, "z_order": "0"}
                ET.SubElement(image, "polygon", texts | {"group_id": str(group)})
    ET.indent(root)
    labels: list[dict[str, Any]] = [
        {"name": name, "color": COLORS[name], "type": "any", "attributes": []} for name in TYPES
    ]
    labels.append({"name": NOT_JUDGEABLE, "color": "#fcd34d", "type": "tag", "attributes": []})
    xml = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    write_together({folder / LABELS: json.dumps(labels, indent=1).encode(), folder / FILE: xml + b"\n"})
    return folder / FILE


def read(path: Path, codes: Mapping[str, int]) -> list[Returned]:
    """The pictures of a file.

    Args:
        path: the file, or a folder with ``annotations.xml``.
        codes: our code for each of its labels.

    Raises:
        ConfigurationError: it is no such file, or holds what is no outline.
    """
    file = path / FILE if path.is_dir() else path
    try:
        data = file.read_bytes()
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise ValueError("it declares a document type")
        root = ET.fromstring(data)
        if root.tag != "annotations":
            raise ValueError(f"its root is {root.tag}")
        return [_returned(image, codes, file) for image in root.iter("image")]
    except (OSError, ET.ParseError, KeyError, ValueError) as exc:
        raise ConfigurationError(f"{file} is no file of CVAT for images 1.1 ({exc}): export the task anew.") from exc


def _returned(image: ET.Element, codes: Mapping[str, int], file: Path) -> Returned:
    parts: dict[str, tuple[DefectType, list[Ring]]] = {}
    marks: list[Mark] = []
    opinion: Opinion | None = None
    for drawn in image:
        label = drawn.attrib.get("label", "")
        if drawn.tag == "tag" and label == NOT_JUDGEABLE:
            opinion = "not_judgeable"
            continue
        if drawn.tag not in ("polygon", "mask"):
            raise ConfigurationError(
                f"{file} holds a {drawn.tag} in {image.attrib['name']}: only polygons and masks say which pixels are a "
                "mark; draw it as one."
            )
        if label not in codes:
            raise ConfigurationError(f"{file} has label {label!r}, which classes.toml does not name: add it there.")
        kind = type_of(codes[label])
        if drawn.tag == "mask":
            marks.append(_of_mask(drawn, kind))
            continue
        ring = from_corner([_point(text) for text in drawn.attrib["points"].split(";")])
        group = drawn.attrib.get("group_id", "0")
        key = f"{group} {label}" if group != "0" else f"new {len(parts)}"
        parts.setdefault(key, (kind, []))[1].append(ring)
    polygons = [Mark(kind, tuple(rings)) for kind, rings in parts.values()]
    size = int(image.attrib["width"]), int(image.attrib["height"])
    return Returned(image.attrib["name"], tuple(polygons + marks), opinion, was_done=opinion is not None, size=size)


def _point(text: str) -> tuple[float, float]:
    x, y = text.split(",")
    return float(x), float(y)


def _of_mask(drawn: ET.Element, kind: DefectType) -> Mark:
    """A mask: runs along the rows of its own rectangle, background first."""
    left, top, width, height = (int(float(drawn.attrib[key])) for key in ("left", "top", "width", "height"))
    runs = [int(each) for each in drawn.attrib["rle"].split(",")]
    if min(runs) < 0 or sum(runs) != width * height or not 0 < width * height <= _LARGEST_MASK_PX:
        raise ValueError("a mask does not fill its rectangle")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    if not pixels.any():
        raise ValueError("a mask is empty")
    return mark_of_pixels(kind, pixels, (left, top))
