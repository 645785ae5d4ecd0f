"""Files of the detection stage: the JSON is written first as a failure, and at the end in its final form.

Whatever kills a run in between leaves a file that fails the picture, never none: the pipeline passes what it has no
report of.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from endface.files import write_whole
from endface_client._errors import ClientError
from endface_client.legacy._answer import as_json, failed
from endface_client.legacy._consensus import DETECTED
from endface_client.legacy._defects import Values
from endface_client.legacy._side_files import ENDINGS

LOG: Final = logging.getLogger("endface_client.legacy")


class FilesError(ClientError):
    """The folder that the caller named takes no files."""

    code = "output_not_writable"


def begin(image_path: str, output_dir: Path, stem: str) -> None:
    """Write the report of a picture that is not judged yet, and remove what an earlier run left beside it.

    Raises:
        FilesError: the folder takes no files.  The failure then stands in the nearest folder above that does, as far
            up as the run's own, where the pipeline's last stage still finds it.
    """
    pending = failed(image_path, "unfinished", "the inspection was broken off; inspect the picture again")
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        write_whole(_json(output_dir, stem), as_json(pending))
        for ending in ENDINGS:
            (output_dir / f"{stem}{ending}").unlink(missing_ok=True)
    except OSError as exc:
        message = f"{output_dir} takes no files ({exc.strerror or exc}); make it a folder that may be written to"
        _write_above(failed(image_path, FilesError.code, message), output_dir, stem)
        raise FilesError(message) from exc


def finish(values: Values, output_dir: Path, stem: str) -> None:
    """Write the report in its final form.

    Raises:
        FilesError: the folder takes no files any more; the failure of ``begin`` stands there.
    """
    try:
        write_whole(_json(output_dir, stem), as_json(values))
    except OSError as exc:
        raise FilesError(f"{output_dir} takes no files any more ({exc.strerror or exc}); make room there") from exc


def _write_above(values: Values, output_dir: Path, stem: str) -> None:
    """Leave the failure in a folder above, where the pipeline looks as well; it is lost where none takes it."""
    above = (output_dir.parent, output_dir.parent.parent) if output_dir.parent.name == DETECTED else ()
    for folder in above:
        try:
            write_whole(_json(folder, stem), as_json(values))
        except OSError as exc:
            LOG.warning("%s takes no files either: %s", folder, exc)
            continue
        LOG.warning("the failure of %s stands in %s", stem, folder)
        return


def _json(folder: Path, stem: str) -> Path:
    return folder / f"{stem}_report.json"
