"""Label maps from PNG class maps and the JSON objects beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from endface.contract import Label
from endface.errors import ConfigurationError
from endface.report import Ellipse
from endface_build.data.class_codes import CLASSES_FILE, OURS, Codes
from endface_build.data.labelled import GAP_CODE, Either, Labelled, picture_shape
from endface_build.data.polygons import TEXT
from endface_build.drawing.canvas import UNDECIDED

EITHER_FILE: Final = ".either.png"


def read_class_map(picture: Path, path: Path, known: Codes) -> Labelled:
    """A picture with its PNG class map, the gray levels translated, and what the JSON file beside the map says.

    Args:
        picture: The picture's file.
        path: The class map.
        known: Our code for each of their gray levels.

    Raises:
        ConfigurationError: One of the files cannot be read, or they do not fit each other.
    """
    levels = _read_levels(path)
    if unknown := [str(level) for level in np.unique(levels) if str(level) not in known]:
        raise ConfigurationError(f"{path} has level {unknown[0]}, which {CLASSES_FILE} does not name: add it there.")
    table = np.zeros(int(levels.max()) + 1, np.uint8)
    for level in np.unique(levels):
        table[level] = known[str(level)]
    data = picture.read_bytes()
    height, width = picture_shape(data, picture)
    if levels.shape != (height, width):
        raise ConfigurationError(f"{path} does not have its picture's size, {width} x {height} pixels: draw it anew.")
    sidecar = _sidecar(path)
    return Labelled(picture.name, data, table[levels], _claddings(sidecar, path), _either(sidecar, path, levels.shape))


def _read_levels(path: Path) -> NDArray[np.integer[Any]]:
    """Gray levels of a class map, or the indexes of one with a palette, whose colors only please the eye."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            levels = np.asarray(image.convert("L") if image.mode == "1" else image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise ConfigurationError(f"{path} is no PNG file that can be read: save it anew. ({exc})") from exc
    if levels.ndim != 2:
        raise ConfigurationError(f"{path} is no class map: save it as a gray or indexed PNG, one level a class.")
    return levels


def _sidecar(path: Path) -> dict[str, Any]:
    """The JSON object beside a class map; empty where there is none."""
    sidecar = path.with_suffix(".json")
    if not sidecar.exists():
        return {}
    try:
        return dict(json.loads(sidecar.read_text(encoding=TEXT)))
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigurationError(f"{sidecar} is not a JSON object: write it anew or remove it. ({exc})") from exc


def _claddings(sidecar: dict[str, Any], path: Path) -> tuple[Ellipse, ...]:
    try:
        found = [sidecar[key] for key in ("cladding_ellipse", "hole_ellipse") if sidecar.get(key)]
        ellipses = tuple(Ellipse((float(cx), float(cy)), (float(rx), float(ry))) for cx, cy, rx, ry in found)
        if not all(np.isfinite(each.center_px).all() and 0 < min(each.radii_px) < np.inf for each in ellipses):
            raise ValueError("a number is missing, or a radius is not above 0")
        return ellipses
    except (ValueError, TypeError) as exc:
        place = path.with_suffix(".json")
        raise ConfigurationError(f"{place}: cladding_ellipse must be [cx, cy, rx, ry] in pixels. ({exc})") from exc


def _either(sidecar: dict[str, Any], path: Path, shape: tuple[int, ...]) -> Either | None:
    """Objects that may be read in two ways, from the JSON object and the PNG file that belong to a class map."""
    if not sidecar.get("either"):
        return None
    try:
        types = tuple((str(one), str(many)) for one, many in (entry["types"] for entry in sidecar["either"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(f'{path.with_suffix(".json")}: either needs objects with "types": [T1, T2].') from exc
    marks = [name for name, code in OURS.items() if code not in (Label.BACKGROUND, UNDECIDED)]
    if unknown := sorted({each for pair in types for each in pair} - set(marks)):
        raise ConfigurationError(
            f"{path.with_suffix('.json')}: either names {unknown[0]}; types are {', '.join(marks)}."
        )
    drawing = path.with_name(path.stem + EITHER_FILE)
    if not drawing.is_file():
        raise ConfigurationError(f"{path.with_suffix('.json')} has either objects, but {drawing} is missing: add it.")
    pixels = _read_levels(drawing)
    known = {number + gap for number in range(1, len(types) + 1) for gap in (0, GAP_CODE)} | {0}
    if pixels.shape != shape or set(np.unique(pixels).tolist()) - known:
        raise ConfigurationError(f"{drawing} does not fit its picture or the objects of its JSON file: draw it anew.")
    return Either(pixels.astype(np.uint8), types)
