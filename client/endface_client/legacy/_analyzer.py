"""``OmniFiberAnalyzer``: the call of the classical pipeline's detection stage, answered by endface."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from endface.errors import EndfaceError, PictureError
from endface.picture.decode import decode
from endface_client._transport import wire
from endface_client.legacy import _files
from endface_client.legacy._answer import ZONES, answered, failed, region
from endface_client.legacy._config import EndfaceSettings, OmniConfig
from endface_client.legacy._consensus import DETECTED, Consensus
from endface_client.legacy._defects import Values
from endface_client.legacy._files import LOG
from endface_client.legacy._inspection import Inspect, Inspection, inspect
from endface_client.legacy._side_files import write_side_files

_ZONE_WORDS: Final = tuple(f"_{zone}" for zone in ZONES)
_REGION: Final = re.compile(rf"(?:^|_)region_(?:{'|'.join(ZONES)})$")


class OmniFiberAnalyzer:
    """Analyzer of end faces with the interface of the classical pipeline; threads may share one.

    Args:
        config: see ``OmniConfig``; what is wrong with it stands in the answer to each picture, and in the log.
        inspect: inspects a picture; for tests.
    """

    def __init__(self, config: OmniConfig | None = None, *, inspect: Inspect = inspect) -> None:
        self.config = config or OmniConfig()
        self._inspect_picture = inspect

    def analyze_end_face(self, image_path: str, output_dir: str) -> Values:
        """Inspect one picture and write its files; never raises.

        Args:
            image_path: the picture; a picture of one zone (``..._region_core`` and the like) is not judged.
            output_dir: where the files go; made if it is not there.

        Returns:
            What stands in ``<stem>_report.json``.  A picture that was not judged is a failure with a CRITICAL defect.
        """
        try:
            return self._analyze(os.fspath(image_path), Path(output_dir))
        except Exception as exc:  # the pipeline would drop all pictures that follow
            return _failure(str(image_path), exc)

    def _analyze(self, image_path: str, output_dir: Path) -> Values:
        stem = Path(image_path).stem
        _files.begin(image_path, output_dir, stem)
        found, data = None, b""
        if is_region(stem, output_dir):
            values = region(image_path)
        else:
            try:
                data = wire.encode(image_path)
                found = self._inspect(data, image_path, output_dir)
                values = answered(image_path, found, self.config, displaced=_is_displaced(stem))
            except Exception as exc:  # whatever it is, it must stand in the file
                values = _failure(image_path, exc, data)
        _files.finish(values, output_dir, stem)
        if found is not None and values["success"]:
            self._write_side_files(output_dir, stem, values, found, data)
        return values

    def _inspect(self, data: bytes, image_path: str, output_dir: Path) -> Inspection:
        path = Path(image_path)
        settings = EndfaceSettings.of(self.config)
        name = path.name.encode(errors="backslashreplace").decode()
        found = self._inspect_picture(data, name, settings, Consensus.beside(output_dir, path.stem))
        if found.agrees is False:
            LOG.warning("%s: the separation stage sees the fiber elsewhere; endface's own finding counts", image_path)
        return found

    def _write_side_files(self, folder: Path, stem: str, values: Values, found: Inspection, data: bytes) -> None:
        pictures = bool(self.config.enable_visualization)
        try:
            write_side_files(folder / stem, values, found.report, data, pictures=pictures)
        except Exception:  # the JSON stands and counts; nobody but people reads the others
            LOG.exception("%s: not all files beside the report could be written", values["image_path"])


def is_region(stem: str, output_dir: Path) -> bool:
    """Whether a picture shows one zone only, as the separation stage names it.

    A name alone is not trusted where it is that of the run's own picture: nobody else would judge the face.

    Args:
        stem: the picture's name without its ending.
        output_dir: where its files go, ``RUN/3_detected/STEM`` in the pipeline.
    """
    is_runs_own = output_dir.parent.name == DETECTED and output_dir.parent.parent.name == stem
    return _REGION.search(stem.lower()) is not None and not is_runs_own


def _is_displaced(stem: str) -> bool:
    """Whether the pipeline's last stage takes the picture for a region by its name, and may move its defects."""
    return any(word in stem.lower() for word in _ZONE_WORDS)


def _failure(image_path: str, exc: Exception, data: bytes = b"") -> Values:
    """The answer to an error that is not the picture's own.

    Args:
        image_path: as the caller gave it.
        exc: what went wrong.
        data: the picture, where it could be read.
    """
    if isinstance(exc, EndfaceError):
        LOG.error("%s was not inspected: %s", image_path, exc)
        code, message = exc.code, str(exc)
    else:
        LOG.error("%s was not inspected", image_path, exc_info=exc)
        code, message = EndfaceError.code, f"the inspection broke off: {type(exc).__name__}: {exc}"
    return failed(image_path, code, message, size_px=_size_px(data))


def _size_px(data: bytes) -> tuple[int, int]:
    """Width and height of a picture; 0 where it is none."""
    try:
        height, width = decode(data).gray.shape
    except PictureError:
        return 0, 0
    return width, height
