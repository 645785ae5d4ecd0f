"""Label Studio's tasks (https://labelstud.io/guide/task_format): predictions out, annotations back.

Points are percents of the picture's width and height.  The labelling interface also asks what is said of the report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from endface.errors import ConfigurationError
from endface.files import write_together
from endface.report import DefectType
from endface.review.marks import TYPES, Mark, Ring
from endface.review.opinions import OPINIONS, Opinion
from endface_build.data.polygons import TEXT
from endface_build.review.colors import COLORS
from endface_build.review.sheet import Returned, Sheet, from_corner, to_corner, type_of

TASKS: Final = "tasks.json"
INTERFACE: Final = "interface.xml"

_PART: Final = re.compile(r"m(\d+)-\d+")
"""Names of the parts of one mark, which the editor keeps."""

_HOW: Final = "export the project from Label Studio as JSON"


def write(folder: Path, sheets: Sequence[Sheet]) -> Path:
    """Write tasks with predictions for pictures that lie in the folder's ``images/``, and the labelling interface.

    Returns:
        The file with the tasks.
    """
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d=images/{sheet.file}", "case": sheet.name},
            "predictions": [{"model_version": "endface", "result": _regions(sheet)}],
        }
        for sheet in sheets
    ]
    write_together(
        {folder / INTERFACE: _interface().encode(), folder / TASKS: json.dumps(tasks, indent=1).encode()},
    )
    return folder / TASKS


def read(path: Path, codes: Mapping[str, int]) -> list[Returned]:
    """What was annotated, one for each person who finished a task.

    Args:
        path: the exported JSON file, or a folder with ``tasks.json``.
        codes: our code for each of its labels.

    Raises:
        ConfigurationError: it is no such file, or holds what is no outline.
    """
    file = path / TASKS if path.is_dir() else path
    try:
        tasks = json.loads(file.read_text(encoding=TEXT))
        return [
            _returned(task, annotation, codes, file)
            for task in tasks
            for annotation in task["annotations"]
            if not annotation.get("was_cancelled")
        ]
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{file} is no JSON that can be read: {_HOW}. ({exc})") from exc
    except (KeyError, TypeError, AttributeError, IndexError) as exc:
        raise ConfigurationError(f"{file} holds no tasks with annotations ({exc!r}): {_HOW}.") from exc


def _regions(sheet: Sheet) -> list[dict[str, Any]]:
    width, height = sheet.size
    return [
        {
            "id": f"m{number}-{part}",
            "type": "polygonlabels",
            "from_name": "mark",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "points": [[x * 100 / width, y * 100 / height] for x, y in to_corner(ring)],
                "closed": True,
                "polygonlabels": [mark.type],
            },
        }
        for number, mark in enumerate(sheet.marks, start=1)
        for part, ring in enumerate(mark.rings, start=1)
    ]


def _interface() -> str:
    labels = "".join(f'\n    <Label value="{name}" background="{COLORS[name]}"/>' for name in TYPES)
    choices = "".join(f'\n    <Choice value="{name}"/>' for name in OPINIONS)
    return f"""<View>
  <Header value="What the report says of $case is"/>
  <Choices name="opinion" toName="image" choice="single" showInline="true">{choices}
  </Choices>
  <PolygonLabels name="mark" toName="image" strokeWidth="1" opacity="0.2">{labels}
  </PolygonLabels>
  <Image name="image" value="$image" zoom="true" zoomControl="true" brightnessControl="true" contrastControl="true"/>
</View>
"""


def _returned(task: Any, annotation: Any, codes: Mapping[str, int], file: Path) -> Returned:
    parts: dict[str, tuple[DefectType, list[Ring]]] = {}
    opinion: Opinion | None = None
    size: tuple[int, int] | None = None
    for region in annotation["result"]:
        kind = region["type"]
        if kind == "choices":
            opinion = _opinion(region["value"]["choices"][0], file)
            continue
        if kind in ("labels", "textarea", "relation"):
            continue
        if kind != "polygonlabels":
            raise ConfigurationError(
                f"{file} holds {kind} in the task of {_name(task)}: only polygons say which pixels are a mark; draw "
                "it as a polygon."
            )
        size = int(region["original_width"]), int(region["original_height"])
        label = str(region["value"]["polygonlabels"][0])
        if label not in codes:
            raise ConfigurationError(f"{file} has label {label!r}, which classes.toml does not name: add it there.")
        points = [(float(x) * size[0] / 100, float(y) * size[1] / 100) for x, y in region["value"]["points"]]
        known = _PART.fullmatch(str(region.get("id", "")))
        key = f"{known[1]} {label}" if known else f"new {len(parts)}"
        parts.setdefault(key, (type_of(codes[label]), []))[1].append(from_corner(points))
    marks = tuple(Mark(kind, tuple(rings)) for kind, rings in parts.values())
    return Returned(_name(task), marks, opinion, _author(annotation), was_done=True, size=size)


def _opinion(value: Any, file: Path) -> Opinion:
    if value not in OPINIONS:
        raise ConfigurationError(f"{file} has choice {value!r}; choices are {', '.join(OPINIONS)}.")
    opinion: Opinion = value
    return opinion


def _name(task: Any) -> str:
    data = task["data"]
    return str(data.get("case") or data["image"])


def _author(annotation: Any) -> str:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        return str(who.get("email") or who.get("username") or who.get("id") or "")
    return "" if who is None else str(who)
